"""What a file is, by its content; and what it must not be besides."""

from __future__ import annotations

import io
import struct
import zipfile

import pytest

from clinic_api.files import documents_in_zip as zips
from clinic_api.files.inspecting import CUT, EMPTY, TWO_FILES, WRONG_TYPE, Inspector, NotAccepted
from clinic_api.files.media_types import CSV, PDF, PNG, TEXT, ZIP, tidy_name
from tests.clinic_api.files.samples import TAKEN, docx, odt, pdf, png, zipped

_ZIP = zipped({"evil.js": b"alert(1)"})


def inspected(data: bytes, name: str = "x", step: int = 65_536) -> str:
    inspector = Inspector(name)
    for start in range(0, len(data), step):
        inspector.feed(data[start : start + step])
    return inspector.finish()


def refusal(data: bytes, step: int = 65_536) -> str:
    with pytest.raises(NotAccepted) as refused:
        inspected(data, step=step)
    return str(refused.value)


@pytest.mark.parametrize("name", TAKEN)
@pytest.mark.parametrize("step", [1, 7, 65_536])
def test_each_kind_is_known_however_it_comes_in_parts(name: str, step: int) -> None:
    media_type, data = TAKEN[name]
    found = inspected(data, name, step)
    assert found == (ZIP if name.startswith("report") else media_type)


@pytest.mark.parametrize(
    ("why", "data"),
    {
        "an archive behind a picture": png() + _ZIP,
        "an archive behind a PDF": pdf() + _ZIP,
        "an archive whose comment ends like a PDF": pdf() + _ZIP[:-2] + b"\x06\x00%%EOF\n",
        "a PDF inside a picture's head": b"\xff\xd8\xff\xfe\x00\x20%PDF-1.7" + pdf(),
        "a RAR behind a picture": png() + b"Rar!\x1a\x07\x01\x00" + bytes(90),
        "a 7z in the middle": b"II*\x00" + b"7z\xbc\xaf\x27\x1c" + bytes(90_000),
        "a page in a picture's head": b"\xff\xd8\xff\xfe\x00\x20<SCRIPT>alert(1)</script>",
        "a page at a picture's end": b"\xff\xd8\xff\xe0" + bytes(9000) + b"<html>",
    }.items(),
)
@pytest.mark.parametrize("step", [5, 65_536])
def test_a_second_file_inside_is_refused(why: str, data: bytes, step: int) -> None:
    assert refusal(data, step) == TWO_FILES, why


@pytest.mark.parametrize(
    "data",
    [
        b"<!DOCTYPE html><title>x</title>",
        b'\xef\xbb\xbf  <svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
        b"hello\n<script>alert(1)</script>",
        b"MZ\x90\x00" + bytes(60),
        b"\x7fELF" + bytes(60),
        b"GIF89a" + bytes(60),
        b"text with \x00 in it",
        b"text with \x1b[2J in it",
        b"Latin-1: caf\xe9",
        b"a" * 100_000 + b"\xff",
        b"cut in the middle: \xc3",
        b"\x01" * 128 + b"DICM" + bytes(60),
        b"Rar!\x1a\x07\x01\x00" + bytes(90),
        b" %PDF-1.7 not at the beginning",
    ],
)
def test_other_kinds_are_refused(data: bytes) -> None:
    assert refusal(data) in {WRONG_TYPE, TWO_FILES}


@pytest.mark.parametrize(
    "data",
    [pdf()[:-6], pdf() + b"more", png()[:-1], png() + b"\0", TAKEN["skin.webp"][1] + b"\0"],
)
def test_formats_that_say_where_they_end_end_there(data: bytes) -> None:
    assert refusal(data) == CUT


def test_an_empty_file_is_refused() -> None:
    assert refusal(b"") == EMPTY


def test_a_text_is_a_table_by_its_name_only() -> None:
    assert [inspected(b"a,b\n", name) for name in ("a.csv", "a.html")] == [CSV, TEXT]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd.txt"),
        ("C:\\Users\\Alice\\diary.TXT", "diary.txt"),
        ("report.html", "report.html.txt"),
        ("gnp.\u202eexe.txt", "gnp.exe.txt"),
        ("a\r\nSet-Cookie: x.txt", "aSet-Cookie: x.txt"),
        ("", "file.txt"),
        (".txt", "txt.txt"),
        ("x" * 500, "x" * 196 + ".txt"),
    ],
)
def test_a_name_is_shown_as_it_is_and_ends_as_its_type(given: str, kept: str) -> None:
    assert tidy_name(given, TEXT) == kept


def test_a_picture_of_another_kind_gets_its_own_ending() -> None:
    assert tidy_name("scan.jpg", PNG) == "scan.jpg.png"
    assert tidy_name("scan.PDF", PDF) == "scan.pdf"


# archives


def inside(data: bytes) -> str:
    return zips.media_type_of(io.BytesIO(data), len(data))  # type: ignore[arg-type]


def refused_inside(data: bytes) -> str:
    with pytest.raises(NotAccepted) as refused:
        inside(data)
    return str(refused.value)


def test_documents_are_known_by_their_parts() -> None:
    assert [inside(docx()), inside(odt())] == [TAKEN["report.docx"][0], TAKEN["report.odt"][0]]


def test_an_archive_of_anything_else_is_refused() -> None:
    assert refused_inside(_ZIP) == WRONG_TYPE
    assert refused_inside(zipped({"mimetype": b"application/epub+zip"})) == WRONG_TYPE


def test_a_bomb_is_refused_by_its_directory() -> None:
    bomb = docx(**{"word/media/a": bytes(20_000_000)})
    assert len(bomb) < 30_000
    assert refused_inside(bomb) == zips.TOO_LARGE_INSIDE


def test_a_bomb_that_lies_in_its_directory_is_refused() -> None:
    bomb = bytearray(docx(**{"word/media/a": bytes(20_000_000)}))
    true, false = struct.pack("<I", 20_000_000), struct.pack("<I", 20)
    assert refused_inside(bytes(bomb.replace(true, false))) == CUT


def test_overlapping_parts_are_refused() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("[Content_Types].xml", "word/document.xml", "a", "b"):
            archive.writestr(name, b"<x/>" * 1000)
        first, last = archive.infolist()[-2:]
        last.header_offset = first.header_offset  # the directory is written on closing
    assert refused_inside(target.getvalue()) == CUT


def test_too_many_parts_are_refused() -> None:
    assert refused_inside(docx(**{f"p{n}": b"" for n in range(5_000)})) == zips.TOO_LARGE_INSIDE


def test_macros_are_refused() -> None:
    assert refused_inside(docx(**{"word/vbaProject.bin": b"x"})) == zips.MACROS


def test_a_locked_document_is_refused() -> None:
    locked = bytearray(docx())
    for at in range(len(locked) - 4):
        if locked[at : at + 4] == b"PK\x01\x02":
            locked[at + 8] |= 1
    assert refused_inside(bytes(locked)) == zips.LOCKED


@pytest.mark.parametrize("data", [docx() + b"more", b"#!/bin/sh\n" + docx(), docx() + png()])
def test_nothing_stands_before_or_behind_an_archive(data: bytes) -> None:
    assert refused_inside(data) in {TWO_FILES, CUT}


@pytest.mark.parametrize("cut", [30, 100, 200])
def test_a_cut_archive_is_refused(cut: int) -> None:
    assert refused_inside(docx()[:cut]) == CUT
