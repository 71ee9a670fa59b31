"""RTCP packets as values (RFC 3550 6, RFC 4585, RFC 5104), without their wire form.

`rtcp` reads and builds them; feedback about transport-wide sequence numbers is in `twcc`.
"""

from __future__ import annotations

import msgspec


class RtcpError(ValueError):
    """A datagram or packet that is not RTCP."""


class ReportBlock(msgspec.Struct, frozen=True):
    """What a receiver says about one source (RFC 3550 6.4.1)."""

    ssrc: int
    fraction_lost: int  # 0..255, 256ths since the report before
    lost: int  # signed 24 bits, since the start
    highest: int  # extended sequence number, 32 bits
    jitter: int  # timestamp units
    lsr: int  # middle 32 bits of the last sender report's NTP time, 0 if none
    dlsr: int  # units of 1/65536 s since then


class SenderReport(msgspec.Struct, frozen=True):
    """RFC 3550 6.4.1."""

    ssrc: int
    ntp: int  # 64 bits, seconds since 1900 in 32.32 fixed point
    rtp_timestamp: int
    packets: int
    octets: int
    blocks: tuple[ReportBlock, ...] = ()


class ReceiverReport(msgspec.Struct, frozen=True):
    """RFC 3550 6.4.2."""

    ssrc: int
    blocks: tuple[ReportBlock, ...] = ()


class SourceDescription(msgspec.Struct, frozen=True):
    """The CNAME items of RFC 3550 6.5; chunks without one are left out."""

    chunks: tuple[tuple[int, str], ...]  # (ssrc, cname)


class Goodbye(msgspec.Struct, frozen=True):
    """RFC 3550 6.6, without the reason."""

    ssrcs: tuple[int, ...]


class Nack(msgspec.Struct, frozen=True):
    """Generic NACK (RFC 4585 6.2.1)."""

    sender: int
    media: int
    sequence_numbers: tuple[int, ...]  # 16 bits each, in the order of the packet


class PictureLoss(msgspec.Struct, frozen=True):
    """Picture loss indication (RFC 4585 6.3.1)."""

    sender: int
    media: int


class FullIntraRequest(msgspec.Struct, frozen=True):
    """RFC 5104 4.3.1: the media ssrcs stand in the entries."""

    sender: int
    entries: tuple[tuple[int, int], ...]  # (ssrc, 8-bit command sequence number)


class Remb(msgspec.Struct, frozen=True):
    """Receiver estimated maximum bitrate (draft-alvestrand-rmcat-remb-03)."""

    sender: int
    bitrate_bps: int
    ssrcs: tuple[int, ...]


class TransportFeedback(msgspec.Struct, frozen=True):
    """Which transport-wide sequence numbers came, and when (see `twcc`)."""

    sender: int
    media: int
    base_seq: int  # 16 bits, of the first packet reported
    reference_time: int  # signed 24 bits, units of 64 ms
    feedback_count: int  # 8 bits
    deltas: tuple[int | None, ...]  # of each packet, 250 µs since the one before; None: lost


RtcpPacket = (
    SenderReport
    | ReceiverReport
    | SourceDescription
    | Goodbye
    | Nack
    | PictureLoss
    | FullIntraRequest
    | Remb
    | TransportFeedback
)
