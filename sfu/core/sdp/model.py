"""What an SDP offer says, as values: the session, its m-lines and their own payload type maps.

Everything that the session may say once for all m-lines (ICE, fingerprints, setup, direction,
extmap-allow-mixed) is already resolved into each `Media`. Directions are the *client's*: a media
with `client_sends` brings packets to us. Candidates are not kept: a lite agent answers whoever
proves to know the password, so candidates in offers have no use.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from sfu.core.description import Fingerprint

Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]
MediaKind = Literal["audio", "video", "application", "other"]

MIRRORED: dict[Direction, Direction] = {
    "sendrecv": "sendrecv",
    "sendonly": "recvonly",
    "recvonly": "sendonly",
    "inactive": "inactive",
}


class SdpError(Exception):
    """An offer that cannot be answered: a stable code and a sentence without the offer's text."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Format(msgspec.Struct, frozen=True):
    """One payload type of one m-line (RFC 8866 section 6.6); it means nothing in another m-line."""

    payload_type: int
    name: str  # as the client spells it
    clock_rate: int  # Hz
    channels: int = 1
    fmtp: str = ""
    feedback: tuple[str, ...] = ()  # rtcp-fb values in lower case, those for `*` included


class HeaderExtension(msgspec.Struct, frozen=True):
    """One a=extmap line (RFC 8285 section 5); the direction is the client's."""

    id: int
    uri: str
    direction: Direction = "sendrecv"


class Layer(msgspec.Struct, frozen=True):
    """One stream of a=simulcast:send (RFC 8853 section 5.1)."""

    rid: str
    paused: bool = False


class Media(msgspec.Struct, frozen=True):
    """One m-line of an offer."""

    index: int
    mid: str  # the m-line's position where the client wrote none
    kind: MediaKind
    port: int
    protocol: str
    tokens: tuple[str, ...]  # the m= line's format list as written
    media: str  # the m= line's first word as written
    has_mid: bool
    direction: Direction
    bundle_only: bool
    group: int | None  # index of its BUNDLE group, None outside of any
    ufrag: str
    password: str
    fingerprints: tuple[Fingerprint, ...]
    setup: str  # "" where the client says nothing
    rtcp_mux: bool
    rtcp_rsize: bool
    allow_mixed: bool
    formats: tuple[Format, ...]  # in the m= line's order
    extensions: tuple[HeaderExtension, ...]
    rids: tuple[str, ...]  # those the client sends
    simulcast: tuple[Layer, ...]
    ssrcs: tuple[int, ...]  # () unless the client sends
    flow_pairs: tuple[tuple[int, int], ...]  # a=ssrc-group:FID, (media, rtx); () unless it sends
    msids: tuple[tuple[str, str], ...]  # (stream, track) identifiers

    @property
    def rejected(self) -> bool:
        """Whether the m-line is stopped: port 0 without bundle-only (RFC 8843 section 6)."""
        return self.port == 0 and not (self.bundle_only and self.in_bundle)

    @property
    def in_bundle(self) -> bool:
        """Whether a BUNDLE group names the m-line."""
        return self.group is not None

    @property
    def client_sends(self) -> bool:
        """Whether the client may send media here."""
        return self.direction in ("sendrecv", "sendonly")

    @property
    def client_receives(self) -> bool:
        """Whether the client wants media here."""
        return self.direction in ("sendrecv", "recvonly")


class Offer(msgspec.Struct, frozen=True):
    """A parsed offer."""

    session_id: int  # from o=; no identity: some clients use one constant
    version: int  # from o=
    media: tuple[Media, ...]

    def named(self, mid: str) -> Media | None:
        """Return the m-line with this mid."""
        return next((media for media in self.media if media.mid == mid), None)
