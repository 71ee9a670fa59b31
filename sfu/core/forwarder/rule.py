"""A forwarding rule: what the executor does with each packet of a source, as plain numbers.

The forwarder compiles a steady forward into a `Rule`; the executor applies it without asking. A
packet's outgoing form depends only on the rule, the packet and the transport-wide number, so the
same `render` serves the executor, retransmission and the tests' oracle (RFC 3550, RFC 8285).
"""

from __future__ import annotations

from struct import Struct

import msgspec

from sfu.core.rtp import header, vp8

FOREVER = 1 << 62
_HEADER = Struct("!BBHII")
_U16 = Struct("!H")


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
    picture_id_offset: int = 0
    tl0_offset: int = 0
    keep_ciphertext: bool = False  # NACK without RTX: the same ciphertext is sent again


def render(rule: Rule, packet: bytes, seq: int, twcc: int) -> bytes:
    """The outgoing plain RTP packet. `seq` is the incoming extended number, `twcc` 16 bit."""
    return _assemble(
        rule.extensions,
        packet,
        (packet[1] & 0x80) | rule.payload_type,
        seq + rule.seq_offset,
        rule.timestamp_offset,
        rule.ssrc,
        twcc,
        _payload(rule, packet),
    )


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
    return _assemble(
        rule.extensions,
        packet,
        (packet[1] & 0x80) | rtx_payload_type,
        rtx_seq,
        rule.timestamp_offset,
        rtx_ssrc,
        twcc,
        _U16.pack((seq + rule.seq_offset) & 0xFFFF) + _payload(rule, packet),
    )


def _payload(rule: Rule, packet: bytes) -> bytes:
    start = header.payload_offset(packet)
    if packet[0] & 0x20:
        packet = packet[: len(packet) - header.padding_length(packet)]
    if rule.vp8 and len(packet) > start:
        return vp8.rewrite(packet, start, rule.picture_id_offset, rule.tl0_offset)
    return packet[start:]


def _assemble(
    plan: ExtensionPlan,
    packet: bytes,
    second: int,
    seq: int,
    timestamp_offset: int,
    ssrc: int,
    twcc: int,
    payload: bytes,
) -> bytes:
    timestamp = (header.timestamp(packet) + timestamp_offset) & 0xFFFFFFFF
    first = 0x90 if plan.head else 0x80
    fixed = _HEADER.pack(first, second, seq & 0xFFFF, timestamp, ssrc)
    if not plan.head:
        return fixed + payload
    block = plan.head + _U16.pack(twcc & 0xFFFF) + plan.middle if plan.twcc else plan.head
    if plan.level_id:
        block += (header.extension(packet, plan.level_id) or b"\x7f")[:1]
    return fixed + block + plan.tail + payload
