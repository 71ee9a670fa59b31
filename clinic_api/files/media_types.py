"""The kinds of files that are taken, known by their first bytes and never by name or declaration.

A table of ten lines and no library: those know hundreds of types that are refused here, guess where
nothing fits, and say nothing of a file's end, where a second file hides.
"""

from __future__ import annotations

import re
import unicodedata

import msgspec

from clinic_api.files.model import NAME_CHARS

HEAD_BYTES = 4096  # as much as decides
ZIP = "application/zip"  # not taken as such: what it holds decides at its end
TEXT, CSV = "text/plain", "text/csv"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
ODT = "application/vnd.oasis.opendocument.text"
DICOM = "application/dicom"  # RFC 3240
PDF, JPEG, PNG, WEBP = "application/pdf", "image/jpeg", "image/png", "image/webp"
HEIC, TIFF = "image/heic", "image/tiff"

# First the ending that a file without a fitting one gets.
ENDINGS: dict[str, tuple[str, ...]] = {
    PDF: (".pdf",),
    JPEG: (".jpg", ".jpeg"),
    PNG: (".png",),
    WEBP: (".webp",),
    HEIC: (".heic", ".heif"),
    TIFF: (".tif", ".tiff"),
    DICOM: (".dcm", ".dicom"),
    TEXT: (".txt",),
    CSV: (".csv",),
    DOCX: (".docx",),
    ODT: (".odt",),
}
ACCEPTED = tuple(ENDINGS)
IN_WORDS = "PDF, JPEG, PNG, WebP, HEIC, TIFF, DICOM, plain text, CSV, DOCX and ODT"


class Signature(msgspec.Struct, frozen=True):
    """How files of a type begin."""

    media_type: str
    pattern: re.Pattern[bytes]


SIGNATURES: tuple[Signature, ...] = tuple(
    Signature(media_type, re.compile(pattern, re.DOTALL))
    for media_type, pattern in (
        (PDF, rb"%PDF-[12]\.\d"),  # ISO 32000-2 7.5.2
        (JPEG, rb"\xff\xd8\xff[\xc0-\xfe]"),  # ISO/IEC 10918-1 B.1.1.3
        (PNG, rb"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR"),  # W3C PNG 5.2
        (WEBP, rb"RIFF.{4}WEBPVP8[ LX]"),  # RFC 9649 2.4
        (HEIC, rb"\x00\x00..ftyp(heic|heix|heim|heis|mif1)"),  # ISO/IEC 23008-12 10.2
        (TIFF, rb"II\*\x00|MM\x00\*"),  # TIFF 6.0, section 2
        # DICOM PS3.10 7.1: a preamble that no program uses is zeros; others have been programs.
        (DICOM, rb"\x00{128}DICM"),
        (ZIP, rb"PK\x03\x04"),  # APPNOTE 4.3.7
    )
)


def media_type_of(head: bytes) -> str:
    """By the first bytes; "" where they are none of the table: it may be text."""
    return next((each.media_type for each in SIGNATURES if each.pattern.match(head)), "")


def tidy_name(name: str, media_type: str) -> str:
    """The name without folders, control and direction characters, with an ending of its type.

    A text called `report.html` would be opened as a page by whoever saves it.
    """
    last = name.replace("\\", "/").rpartition("/")[2]
    shown = "".join(char for char in last if unicodedata.category(char)[0] != "C")
    tidy = " ".join(unicodedata.normalize("NFC", shown).split()).strip(". ") or "file"
    endings = ENDINGS[media_type]
    ending = next((each for each in endings if tidy.lower().endswith(each)), "")
    stem = tidy[: len(tidy) - len(ending)] or "file"
    ending = ending or endings[0]
    return stem[: NAME_CHARS - len(ending)] + ending


def is_csv(name: str) -> bool:
    """Whether a text is called a table."""
    return name.lower().endswith(".csv")
