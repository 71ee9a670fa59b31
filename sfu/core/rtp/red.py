"""Redundant audio: a packet that carries earlier packets' sound before its own (RFC 2198).

A payload is block headers, oldest first, then the blocks' data in the same order. Every header but
the last is F = 1, payload type (7 bits), timestamp offset (14 bits), length (10 bits); the last one
is F = 0 and the payload type, and its block, the primary, takes what is left.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from sfu.core.rtp.header import RtpError

MAX_EARLIER = 4  # blocks before the primary; browsers send one or two
MAX_OFFSET = (1 << 14) - 1  # timestamp units: 341 ms at 48 kHz
MAX_BYTES = (1 << 10) - 1


class Block(msgspec.Struct, frozen=True):
    """Sound of a packet sent `offset` timestamp units before this one; 0 is the primary."""

    payload_type: int
    offset: int
    data: bytes


def unpack(payload: bytes) -> list[Block]:
    """The blocks, oldest first; the primary is the last. Raises RtpError."""
    headers: list[tuple[int, int, int]] = []
    position = 0
    while position < len(payload) and payload[position] & 0x80:
        if len(headers) == MAX_EARLIER:
            raise RtpError("too many redundant blocks")
        word = int.from_bytes(payload[position : position + 4])
        headers.append((word >> 24 & 0x7F, word >> 10 & MAX_OFFSET, word & MAX_BYTES))
        position += 4
    if position >= len(payload):
        raise RtpError("no primary block")
    primary = payload[position]
    position += 1
    if position + sum(size for _, _, size in headers) > len(payload):
        raise RtpError("a redundant block is cut")
    blocks: list[Block] = []
    for payload_type, offset, size in headers:
        blocks.append(Block(payload_type, offset, payload[position : position + size]))
        position += size
    blocks.append(Block(primary, 0, payload[position:]))
    return blocks


def pack(payload_type: int, primary: bytes, earlier: Iterable[tuple[int, bytes]]) -> bytes:
    """A payload of (timestamp offset, data) blocks, oldest first, and the primary; what does not
    fit into a header's fields is left out.
    """
    fitting = [
        (offset, data)
        for offset, data in earlier
        if 0 < offset <= MAX_OFFSET and 0 < len(data) <= MAX_BYTES
    ]
    heads = [
        ((0x80 | payload_type) << 24 | offset << 10 | len(data)).to_bytes(4)
        for offset, data in fitting
    ]
    return b"".join((*heads, bytes((payload_type,)), *(data for _, data in fitting), primary))
