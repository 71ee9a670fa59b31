"""What a negotiated connection is made of: the typed values that SDP is turned into.

The caller's side (`sfu.core.sdp`) parses an offer and chooses everything; the media worker gets
only these values, never SDP text. Directions are the *server's*: a section that `receives` takes
media from the client, a section that `sends` is a slot or a plain subscription.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Kind = Literal["audio", "video"]
SourceRole = Literal["microphone", "camera", "screen"]
DtlsRole = Literal["client", "server"]


class Codec(msgspec.Struct, frozen=True):
    """A payload format with the *client's* payload types for this m-line (RFC 8829 5.3.1)."""

    name: str  # canonical spelling: opus, VP8, VP9, H264, AV1
    clock_rate: int  # Hz
    payload_type: int
    rtx_payload_type: int | None = None  # RFC 4588; None where no rtx was negotiated
    red_payload_type: int | None = None  # RFC 2198, of audio; None where it was not negotiated
    red_first: bool = False  # and the client prefers it to the codec alone
    fmtp: str = ""  # answered format parameters, "" where there are none


class Extensions(msgspec.Struct, frozen=True):
    """Header extension ids of one m-line (RFC 8285); 0 means not negotiated."""

    mid: int = 0
    rid: int = 0
    repaired_rid: int = 0
    transport_cc: int = 0
    audio_level: int = 0
    abs_send_time: int = 0
    dependency_descriptor: int = 0


class Section(msgspec.Struct, frozen=True):
    """One accepted m-line after negotiation."""

    mid: str
    kind: Kind
    codecs: tuple[Codec, ...]  # preferred first, never empty
    extensions: Extensions
    receives: bool = False  # client → server
    sends: bool = False  # server → client
    nack: bool = False  # generic NACK negotiated (RFC 4585)
    role: SourceRole | None = None  # what the client publishes here
    rids: tuple[str, ...] = ()  # simulcast layers, lowest first; () where there is no simulcast
    ssrcs: tuple[int, ...] = ()  # declared by the client; () where it relies on MID/RID
    rtx_ssrcs: tuple[
        tuple[int, int], ...
    ] = ()  # (media ssrc, rtx ssrc) pairs from a=ssrc-group:FID
    slot: int | None = None  # index of the slot that this section belongs to
    screen_slot: bool = False  # the slot that shows only screens
    ssrc: int = 0  # ours, where `sends`
    rtx_ssrc: int = 0  # ours, where `sends` and rtx was negotiated


class Fingerprint(msgspec.Struct, frozen=True):
    """A certificate hash as SDP writes it (RFC 8122): lower-case name, upper-case hex pairs."""

    algorithm: str
    value: str


class Candidate(msgspec.Struct, frozen=True):
    """A host candidate of ours; for `tcp` the client connects to us (RFC 6544, passive)."""

    address: str  # IPv4 or IPv6 literal, without scope
    port: int
    transport: Literal["udp", "tcp"] = "udp"


class Connection(msgspec.Struct, frozen=True):
    """Everything the media worker needs to run one PeerConnection."""

    local_ufrag: str
    local_password: str
    remote_ufrag: str
    remote_password: str
    dtls_role: DtlsRole  # ours
    fingerprints: tuple[Fingerprint, ...]  # the client's; any one that matches is enough (RFC 8122)
    sections: tuple[Section, ...]  # accepted ones only, in m-line order
