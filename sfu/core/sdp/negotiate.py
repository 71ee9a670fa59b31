"""Decide, m-line by m-line, what an offer is answered with; no text yet.

One transport serves the whole connection: the BUNDLE group of the first m-line that we can take
(or that m-line alone, where the client bundles nothing). `REFUSALS` lists every reason for which an
m-line is refused. The others become a `Section` each, in m-line order.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from sfu.core.description import Kind, Section
from sfu.core.sdp import codecs, extensions
from sfu.core.sdp.layout import Layout
from sfu.core.sdp.model import HeaderExtension, Media, Offer, SdpError

PROTOCOLS = ("UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP", "RTP/SAVPF", "RTP/SAVP")  # RFC 8829 5.1.2
MAX_LAYERS = 3

REFUSALS: tuple[tuple[str, Callable[[Media], bool]], ...] = (
    ("the client stopped it", lambda media: media.rejected),
    ("it is neither audio nor video", lambda media: media.kind not in ("audio", "video")),
    ("it is not SRTP over DTLS", lambda media: media.protocol.upper() not in PROTOCOLS),
    ("it needs a second port for RTCP", lambda media: not media.rtcp_mux),
    ("no codec in common", lambda media: not codecs.published(media)),
)


class Refused(msgspec.Struct, frozen=True):
    """An m-line that is answered with port 0."""

    media: Media


class Agreed(msgspec.Struct, frozen=True):
    """An m-line that is taken, and what it is answered with."""

    media: Media
    section: Section
    extensions: tuple[HeaderExtension, ...]  # directions are the server's
    feedback: tuple[tuple[str, ...], ...]  # rtcp-fb values, one entry per codec


Ssrcs = dict[str, tuple[int, int]]  # mid → (ssrc, rtx ssrc)


def agree(offer: Offer, layout: Layout, ssrcs: Ssrcs) -> tuple[Agreed | Refused, ...]:
    """Return what becomes of each m-line. Raises SdpError where none can be taken."""
    taken = [media.index for media in bundled(offer)]
    if not taken:
        raise SdpError("no_media", "The offer has no audio or video that this server can take.")
    return tuple(
        _accept(media, layout, ssrcs) if media.index in taken else Refused(media)
        for media in offer.media
    )


def bundled(offer: Offer) -> list[Media]:
    """Return the m-lines that are taken: those of one transport that nothing speaks against."""
    takeable = [media for media in offer.media if _is_takeable(media)]
    first = takeable[:1]
    if not first or not first[0].in_bundle:
        return first
    return [media for media in takeable if media.group == first[0].group]


def _is_takeable(media: Media) -> bool:
    return not any(applies(media) for _, applies in REFUSALS)


def _accept(media: Media, layout: Layout, ssrcs: Ssrcs) -> Agreed:
    kind: Kind = "audio" if media.kind == "audio" else "video"
    slot = layout.slot_of(media) if media.client_receives else None
    role = layout.publish.get(media.mid) if media.client_sends else None
    choices = codecs.published(media) if role or slot is None else codecs.received(media)
    ways = _ways(role is not None, slot is not None)
    answered, ids = extensions.accepted(media, choices[0].codec.name, ways)
    feedback = tuple(codecs.answered_feedback(each, kind, ids.transport_cc > 0) for each in choices)
    section = Section(
        mid=media.mid,
        kind=kind,
        codecs=tuple(choice.codec for choice in choices),
        extensions=ids,
        nack="nack" in feedback[0],
    )
    if role is not None:
        section = _receiving(section, media, role)
    if slot is not None:
        section = _sending(section, slot, layout.slots[slot].screen, ssrcs)
    return Agreed(media, section, answered, feedback)


def _ways(receives: bool, sends: bool) -> frozenset[str]:
    """Return the client's words for the ways in which packets flow."""
    return frozenset(word for word, flows in (("sendonly", receives), ("recvonly", sends)) if flows)


def _receiving(section: Section, media: Media, role: str) -> Section:
    """Add what the client sends: its simulcast layers and the ssrcs that it declares."""
    return msgspec.structs.replace(
        section,
        receives=True,
        role=role,
        rids=_layers(media) if section.extensions.rid else (),
        ssrcs=media.ssrcs,
        rtx_ssrcs=media.flow_pairs,
    )


def _layers(media: Media) -> tuple[str, ...]:
    """Return the rids of a simulcast m-line in the client's order, paused ones included."""
    offered = dict.fromkeys(layer.rid for layer in media.simulcast if layer.rid in media.rids)
    return tuple(offered)[:MAX_LAYERS]


def _sending(section: Section, slot: int, screen: bool, ssrcs: Ssrcs) -> Section:
    """Add what we send: the slot and our ssrcs."""
    if section.mid not in ssrcs:
        raise SdpError("no_ssrc", "An m-line that sends has got no ssrc.")
    ssrc, rtx_ssrc = ssrcs[section.mid]
    repairs = any(codec.rtx_payload_type is not None for codec in section.codecs)
    return msgspec.structs.replace(
        section,
        sends=True,
        slot=slot,
        screen_slot=screen,
        ssrc=ssrc,
        rtx_ssrc=rtx_ssrc if repairs else 0,
    )
