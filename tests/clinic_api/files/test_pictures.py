"""Pictures lose what a camera wrote into them, and nothing of what they show."""

from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic_api.files.inspecting import CUT, NotAccepted
from clinic_api.files.pictures import NO_PICTURE, without_metadata
from tests.clinic_api.files.samples import pdf, png

PLACE = b"48.8566 N 2.3522 E"
TABLES = b"\xff\xdb\x00\x05\x00\x01\x02"
FRAME = b"\xff\xc0\x00\x0b\x08\x00\x01\x00\x01\x01\x01\x11\x00"
SCAN = b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" + b"\x12\xff\x00\x34\xff\xd0\x56"
JFIF = b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"


def segment(code: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, code, len(body) + 2) + body


def exif(orientation: int, order: str = "<") -> bytes:
    """With a place and a side that is up."""
    head = b"II\x2a\x00" if order == "<" else b"MM\x00\x2a"
    entry = struct.pack(f"{order}HHIHH", 0x0112, 3, 1, orientation, 0)
    tiff = head + struct.pack(f"{order}IH", 8, 1) + entry + bytes(4) + PLACE
    return segment(0xE1, b"Exif\0\0" + tiff)


def jpeg(*segments: bytes) -> bytes:
    return b"\xff\xd8" + b"".join(segments) + TABLES + FRAME + SCAN + SCAN + b"\xff\xd9"


def test_a_jpeg_loses_places_comments_and_small_copies_and_keeps_its_picture() -> None:
    colours = segment(0xE2, b"ICC_PROFILE\0\x01\x01colours")
    taken = jpeg(
        JFIF,
        exif(1),
        segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + PLACE),
        colours,
        segment(0xE2, b"MPF\0" + PLACE),
        segment(0xED, b"Photoshop 3.0\0" + PLACE),
        segment(0xFE, PLACE),
    )
    assert without_metadata(taken + b"a film of " + PLACE) == jpeg(JFIF, colours)


@pytest.mark.parametrize("order", "<>")
def test_a_jpeg_that_was_held_upright_is_shown_upright(order: str) -> None:
    kept = without_metadata(jpeg(exif(6, order)))
    assert PLACE not in kept
    assert kept == jpeg(exif(6, ">").replace(PLACE, b"").replace(b"\x00\x34", b"\x00\x22", 1))


def test_a_png_keeps_only_what_shows_it() -> None:
    taken = png()
    text = b"tEXtLocation\0" + PLACE
    chunk = struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text))
    assert without_metadata(taken[:33] + chunk + taken[33:] + PLACE) == taken


def test_a_webp_keeps_only_what_shows_it() -> None:
    def riff(*chunks: tuple[bytes, bytes]) -> bytes:
        body = b"".join(
            kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)
            for kind, data in chunks
        )
        return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body

    def head(flags: int) -> tuple[bytes, bytes]:
        return b"VP8X", bytes([flags, 0, 0, 0, 0, 0, 0, 0, 0, 0])

    picture = (b"VP8L", b"\x2f" + bytes(4))
    taken = riff(head(0x1C), picture, (b"EXIF", PLACE), (b"XMP ", PLACE))
    assert without_metadata(taken) == riff(head(0x10), picture)


@pytest.mark.parametrize("data", [pdf(), b"", b"GIF89a" + bytes(40), b"II*\x00" + bytes(40)])
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(NotAccepted, match=NO_PICTURE):
        without_metadata(data)


@given(st.data())
def test_a_cut_picture_is_refused_and_no_bytes_break_it(data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from([jpeg(JFIF, exif(3)), png()]))
    with pytest.raises(NotAccepted):
        without_metadata(whole[: data.draw(st.integers(0, len(whole) - 1))])
    at = data.draw(st.integers(12, len(whole) - 1))
    changed = whole[:at] + data.draw(st.binary(min_size=1, max_size=4)) + whole[at:]
    try:
        assert PLACE not in without_metadata(changed)
    except NotAccepted as why:
        assert str(why) in {CUT, NO_PICTURE}
