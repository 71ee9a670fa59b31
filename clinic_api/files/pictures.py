"""Pictures without what cameras and programs wrote into them: places, times, names, small copies.

Only the container is taken apart, never the picture: what a reader needs to show it stays as it is,
byte for byte, and everything else is left out, whatever it may be. A JPEG keeps which side is up.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from clinic_api.files import media_types as types
from clinic_api.files.inspecting import CUT, NotAccepted

NO_PICTURE = "A photo has to be a JPEG, PNG or WebP picture."

# ISO/IEC 10918-1, table B.1
_SOI, _EOI = b"\xff\xd8", b"\xff\xd9"
_SOS = 0xDA
_NO_LENGTH = frozenset({0x01, *range(0xD0, 0xD8)})
_APP0, _APP1, _APP2, _APP14, _APP15, _COM = 0xE0, 0xE1, 0xE2, 0xEE, 0xEF, 0xFE
_ICC = b"ICC_PROFILE\0"  # ICC.1, annex B.4: colours, which look wrong without it
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)  # in coded data (B.1.1.5)
_EXIF = b"Exif\0\0"
_ORIENTATION = 0x0112  # Exif 2.32, 4.6.4; 1 is upright
_SHORT = 3

_PNG_HEAD = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT = frozenset(
    (b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT")
)
_WEBP_KEPT = frozenset((b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ICCP", b"ANIM", b"ANMF"))
_WEBP_FLAGS = 0xFF & ~(0x08 | 0x04)  # RFC 9649 2.7.1: neither Exif nor XMP


def without_metadata(data: bytes) -> bytes:
    """The same picture. Raises NotAccepted for what is no JPEG, PNG or WebP, or is not whole."""
    kind = types.media_type_of(data[: types.HEAD_BYTES])
    try:
        if kind == types.JPEG:
            return b"".join(_jpeg(data))
        if kind == types.PNG:
            return _PNG_HEAD + b"".join(_png(data))
        if kind == types.WEBP:
            return _webp(data)
    except (struct.error, IndexError):
        raise NotAccepted(CUT) from None
    raise NotAccepted(NO_PICTURE)


def _jpeg(data: bytes) -> Iterator[bytes]:
    yield _SOI
    at, upright = len(_SOI), False
    while data[at : at + 2] != _EOI:
        if data[at] != 0xFF:
            raise NotAccepted(CUT)
        code = data[at + 1]
        if code == 0xFF or code in _NO_LENGTH:  # filling
            at += 1 if code == 0xFF else 2
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        end = at + 2 + length
        body = data[at + 4 : end]
        if end > len(data) or length < 2:
            raise NotAccepted(CUT)
        if code == _APP1 and not upright:
            turned = _exif_with(_orientation(body))
            upright = bool(turned)
            yield turned
        if _is_needed(code, body):
            yield data[at:end]
        at = end
        if code == _SOS:
            found = _MARKER.search(data, at)
            if found is None:
                raise NotAccepted(CUT)
            yield data[at : found.start()]
            at = found.start()
    yield _EOI


def _is_needed(code: int, body: bytes) -> bool:
    if code == _APP2:
        return body.startswith(_ICC)
    return code in (_APP0, _APP14) or not (_APP1 <= code <= _APP15 or code == _COM)


def _orientation(body: bytes) -> int:
    """Of the first directory of an Exif segment; 1 where it says nothing."""
    if not body.startswith(_EXIF):
        return 1
    tiff = body[len(_EXIF) :]
    order = "<" if tiff[:2] == b"II" else ">"
    try:
        (first,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, first)
        for number in range(count):
            entry = first + 2 + 12 * number
            tag, kind, _ = struct.unpack_from(f"{order}HHI", tiff, entry)
            if (tag, kind) == (_ORIENTATION, _SHORT):
                (value,) = struct.unpack_from(f"{order}H", tiff, entry + 8)
                return int(value)
    except struct.error:
        return 1
    return 1


def _exif_with(orientation: int) -> bytes:
    """A segment that says which side is up and nothing else; none for an upright picture."""
    if orientation not in range(2, 9):
        return b""
    entry = struct.pack(">HHIHH", _ORIENTATION, _SHORT, 1, orientation, 0)
    body = _EXIF + b"MM\x00\x2a" + struct.pack(">IH", 8, 1) + entry + bytes(4)
    return struct.pack(">BBH", 0xFF, _APP1, len(body) + 2) + body


def _png(data: bytes) -> Iterator[bytes]:
    at, kind = len(_PNG_HEAD), b""
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > len(data):
            raise NotAccepted(CUT)
        if kind in _PNG_KEPT:
            yield data[at:end]
        at = end


def _webp(data: bytes) -> bytes:
    (size,) = struct.unpack_from("<I", data, 4)
    if size + 8 > len(data):
        raise NotAccepted(CUT)
    kept = b"".join(_webp_chunks(data[12 : size + 8]))
    return b"RIFF" + struct.pack("<I", len(kept) + 4) + b"WEBP" + kept


def _webp_chunks(data: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        kind, length = struct.unpack_from("<4sI", data, at)
        end = at + 8 + length
        if end > len(data):
            raise NotAccepted(CUT)
        chunk = data[at:end] + bytes(length % 2)
        if kind == b"VP8X":
            chunk = chunk[:8] + bytes([chunk[8] & _WEBP_FLAGS]) + chunk[9:]
        if kind in _WEBP_KEPT:
            yield chunk
        at = end + length % 2
