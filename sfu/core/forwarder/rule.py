"""A forwarding rule: what the executor does with each packet of a source, as plain numbers.

The forwarder compiles a steady forward into a `Rule`; the executor applies it without asking. A
packet's outgoing form depends only on the rule, the packet and the transport-wide number: a
`HeaderTemplate` filled in, and the payload, of which only VP8's descriptor ever changes (RFC 3550,
RFC 8285, RFC 7741).
"""

from __future__ import annotations

from struct import Struct

import msgspec

from sfu.core.rtp import header, vp8

FOREVER = 1 << 62
EVERY_TID = 3  # RFC 7741 4.2: TID has two bits
_SILENCE = b"\x7f"  # −127 dBov (RFC 6464)
_pack_fixed = Struct("!BBHII").pack
_pack_numbers = Struct("!BHI").pack_into  # payload type with marker, number, timestamp
_pack_u16_into = Struct("!H").pack_into


class ExtensionPlan(msgspec.Struct, frozen=True):
    """The outgoing extension block in pieces: `head` twcc `middle` audio-level `tail`.

    Numbers that change per packet go between the pieces, so that a block costs one concatenation.
    """

    head: bytes = b""
    twcc: bool = False
    middle: bytes = b""
    level_id: int = 0  # id of the audio level in the *source's* packets; 0: none is sent
    tail: bytes = b""

    @property
    def size(self) -> int:
        """Bytes of the whole block."""
        per_packet = 2 * self.twcc + bool(self.level_id)
        return len(self.head) + len(self.middle) + len(self.tail) + per_packet


def plan_extensions(
    *, mid_id: int, mid: str, twcc_id: int, level_id: int, source_level_id: int
) -> ExtensionPlan:
    """Lay out [twcc][audio level][mid]; ids of 0 are left out."""
    items: list[tuple[int, bytes]] = []
    if twcc_id:
        items.append((twcc_id, b"\0\0"))
    with_level = bool(level_id and source_level_id)
    if with_level:
        items.append((level_id, b"\0"))
    if mid_id:
        items.append((mid_id, mid.encode()))
    if not items:
        return ExtensionPlan()
    block = header.one_byte_extensions(items)
    element_header = 1 if block[:2] == b"\xbe\xde" else 2
    position = 4  # after the profile and the length
    cuts: list[int] = []  # where a per-packet value starts, and where it ends
    for wanted, size in ((twcc_id, 2), (with_level, 1)):
        if wanted:
            cuts += [position + element_header, position + element_header + size]
            position = cuts[-1]
    pieces = [block[start:end] for start, end in zip([0, *cuts], [*cuts, len(block)], strict=True)]
    return ExtensionPlan(
        head=pieces[0],
        twcc=bool(twcc_id),
        middle=pieces[2] if twcc_id and with_level else b"",
        level_id=source_level_id if with_level else 0,
        tail=pieces[-1] if cuts else b"",
    )


class Rule(msgspec.Struct, frozen=True):
    """Forward the packets first..last (extended numbers) of one source to one outgoing stream."""

    stream: int  # the outgoing stream's id
    peer: str  # whose transport carries it
    ssrc: int
    payload_type: int
    first: int
    seq_offset: int  # outgoing extended number = incoming + offset
    timestamp_offset: int
    extensions: ExtensionPlan
    last: int = FOREVER
    vp8: bool = False
    vp8_offsets: tuple[int, int] = (0, 0)  # of picture id and TL0PICIDX
    red_payload_type: int = 0  # of packets that carry earlier ones too (RFC 2198); 0: plain
    red_earlier: int = 0  # how many of them each carries
    keep_ciphertext: bool = False  # NACK without RTX: the same ciphertext is sent again
    max_tid: int = EVERY_TID  # what belongs to a higher VP8 temporal layer is punted


class HeaderTemplate:
    """The outgoing RTP header of a stream: written once, then only what differs per packet.

    `fill` returns the same buffer each time. measured: 0.25 µs, against 0.9 for a header that is
    put together anew.
    """

    __slots__ = ("_buffer", "_level_at", "_twcc_at")

    def __init__(self, plan: ExtensionPlan, ssrc: int) -> None:
        first = 0x90 if plan.head else 0x80
        self._buffer = bytearray(_pack_fixed(first, 0, 0, 0, ssrc) + plan.head)
        self._twcc_at = len(self._buffer) if plan.twcc else 0
        self._buffer += (b"\0\0" if plan.twcc else b"") + plan.middle
        self._level_at = len(self._buffer) if plan.level_id else 0
        self._buffer += (b"\0" if plan.level_id else b"") + plan.tail

    def fill(self, second: int, seq: int, timestamp: int, twcc: int, level: int) -> bytearray:
        """Numbers may be longer than their fields; `level` is the audio level's byte."""
        buffer = self._buffer
        _pack_numbers(buffer, 1, second, seq & 0xFFFF, timestamp & 0xFFFFFFFF)
        if self._twcc_at:
            _pack_u16_into(buffer, self._twcc_at, twcc & 0xFFFF)
        if self._level_at:
            buffer[self._level_at] = level
        return buffer


def audio_level(rule: Rule, packet: bytes) -> int:
    """The audio level's byte for the outgoing header: silence where the packet tells none."""
    level_id = rule.extensions.level_id
    return (header.extension(packet, level_id) or _SILENCE)[0] if level_id else 0


def render_rtx(
    rule: Rule,
    packet: bytes,
    seq: int,
    twcc: int,
    *,
    rtx_ssrc: int,
    rtx_payload_type: int,
    rtx_seq: int,
) -> bytes:
    """The packet as a retransmission: its number before the payload (RFC 4588 section 4)."""
    start = header.payload_offset(packet)
    end = len(packet) - header.padding_length(packet)
    payload = packet[start:end]
    if rule.vp8 and payload:
        payload = vp8.rewrite(packet[:end], start, *rule.vp8_offsets)
    template = HeaderTemplate(rule.extensions, rtx_ssrc)
    head = template.fill(
        packet[1] & 0x80 | rtx_payload_type,
        rtx_seq,
        header.timestamp(packet) + rule.timestamp_offset,
        twcc,
        audio_level(rule, packet),
    )
    number = (seq + rule.seq_offset) & 0xFFFF
    return b"".join((head, number.to_bytes(2), payload))
