"""What the m-lines of an offer are for: which the client publishes in, which are slots.

Our own client says it beside its offer; for clients that cannot (WHIP, WHEP and the like) the
offer's order says it: a second video is a screen, everything past that has no purpose.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import zip_longest

import msgspec

from sfu.core.description import Kind, SourceRole
from sfu.core.sdp.model import Media, Offer, SdpError

ROLE_KINDS: dict[SourceRole, Kind] = {"microphone": "audio", "camera": "video", "screen": "video"}


class SlotMids(msgspec.Struct, frozen=True):
    """The m-lines of one slot: an audio + video pair, or the screen slot."""

    video: str | None = None
    audio: str | None = None
    screen: bool = False

    def mid(self, kind: str) -> str | None:
        """Return the slot's m-line of a kind."""
        return self.audio if kind == "audio" else self.video


class Layout(msgspec.Struct, frozen=True):
    """What the m-lines are for, by mid; m-lines that are not named stay inactive."""

    publish: dict[str, SourceRole]
    slots: tuple[SlotMids, ...] = ()

    def slot_of(self, media: Media) -> int | None:
        """Return the index of the slot that an m-line belongs to."""
        mids = [slot.mid(media.kind) for slot in self.slots]
        return mids.index(media.mid) if media.mid in mids else None


def default_layout(offer: Offer) -> Layout:
    """Lay out an offer by its order: microphone, camera, screen; receiving m-lines pair up."""
    live = [media for media in offer.media if not media.rejected]
    sending = {kind: [m.mid for m in live if m.kind == kind and m.client_sends] for kind in _KINDS}
    receiving = {
        kind: [m.mid for m in live if m.kind == kind and m.client_receives] for kind in _KINDS
    }
    publish: dict[str, SourceRole] = dict(zip(sending["audio"], _AUDIO_ROLES, strict=False))
    publish.update(zip(sending["video"], _VIDEO_ROLES, strict=False))
    pairs = zip_longest(receiving["video"], receiving["audio"])
    return Layout(publish, tuple(SlotMids(video, audio) for video, audio in pairs))


def publishing_layout(offer: Offer, taken: Collection[Media]) -> Layout:
    """What a client that only publishes (WHIP) sends. Raises SdpError where that is nothing."""
    publish = default_layout(_without(offer, taken)).publish
    if not publish:
        raise SdpError("no_media", "The offer sends no audio or video that this server can take.")
    return Layout(publish)


def watching_layout(offer: Offer, taken: Collection[Media]) -> Layout:
    """The one slot of a client that only watches (WHEP): its first video and its first audio.

    Raises SdpError where it receives neither.
    """
    slots = default_layout(_without(offer, taken)).slots[:1]
    if not slots:
        raise SdpError(
            "no_media", "The offer receives no audio or video that this server can send."
        )
    return Layout({}, slots)


def _without(offer: Offer, taken: Collection[Media]) -> Offer:
    """The offer without the m-lines that are refused."""
    media = tuple(media for media in offer.media if media in taken)
    return msgspec.structs.replace(offer, media=media)


def check_layout(offer: Offer, layout: Layout) -> None:
    """Raise SdpError unless each named m-line exists, fits its purpose and has one purpose."""
    for mid, role in layout.publish.items():
        _check_kind(offer, mid, ROLE_KINDS[role])
    if len(set(layout.publish.values())) != len(layout.publish):
        raise SdpError("bad_layout", "Two m-lines publish the same source.")
    named = [(slot.mid(kind), kind) for slot in layout.slots for kind in _KINDS]
    used = [(mid, kind) for mid, kind in named if mid is not None]
    for mid, kind in used:
        _check_kind(offer, mid, kind)
    if len(set(used)) != len(used):
        raise SdpError("bad_layout", "An m-line is in two slots.")


def _check_kind(offer: Offer, mid: str, kind: Kind) -> None:
    media = offer.named(mid)
    if media is None:
        raise SdpError("bad_layout", "The layout names an m-line that the offer does not have.")
    if media.kind != kind:
        raise SdpError("bad_layout", "The layout names an m-line of another kind.")


_KINDS: tuple[Kind, ...] = ("audio", "video")
_AUDIO_ROLES: tuple[SourceRole, ...] = ("microphone",)
_VIDEO_ROLES: tuple[SourceRole, ...] = ("camera", "screen")
