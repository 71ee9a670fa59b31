"""DOCX and ODT: archives whose content is looked at, within bounds, before they are taken.

What is said of sizes in the directory is checked by unpacking, part by part and into nothing: a
part that is longer than declared does not match its checksum. Archives inside are not opened.
"""

from __future__ import annotations

import io
import zipfile
import zlib

from clinic_api.files.inspecting import CUT, TWO_FILES, WRONG_TYPE, NotAccepted
from clinic_api.files.media_types import DOCX, ODT

MOST_PARTS = 5_000
MOST_EXPANDED_BYTES = 100 * 1024 * 1024
MOST_RATIO = 100  # expanded to packed; text of a table in XML packs to a fiftieth
RATIO_COUNTS_FROM_BYTES = 1024 * 1024
READ_BYTES = 65_536
END_BYTES = 22  # of the end of the directory, without a comment (APPNOTE 4.3.16)
TOO_LARGE_INSIDE = "This file becomes far too large when it is opened."
MACROS = "This document holds a program (macros). Please save it without."
LOCKED = "This document has a password. Please save it without."

_PACKINGS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})  # as both formats want it
_ENCRYPTED = 0x1  # APPNOTE 4.4.4
_MACROS = ("vbaproject.bin", "basic/script-lc.xml")


def media_type_of(file: io.RawIOBase, size: int) -> str:
    """`file` can be read anywhere. Raises NotAccepted, and OSError of the file."""
    try:
        with zipfile.ZipFile(file) as archive:
            _check_frame(archive, file, size)
            parts = archive.infolist()
            _check_parts(parts)
            media_type = _type_by(archive, parts)
            for each in parts:
                _unpack(archive, each)
            return media_type
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, KeyError):
        raise NotAccepted(CUT) from None
    except (NotImplementedError, RuntimeError):  # odd packings, passwords
        raise NotAccepted(WRONG_TYPE) from None


def _check_frame(archive: zipfile.ZipFile, file: io.RawIOBase, size: int) -> None:
    """The archive is all that there is: nothing before its first part, nothing after its end."""
    parts = archive.infolist()
    first = min((each.header_offset for each in parts), default=-1)
    file.seek(size - END_BYTES)
    ends = file.read(4) == b"PK\x05\x06"
    if first != 0 or archive.comment or not ends:
        raise NotAccepted(TWO_FILES)


def _check_parts(parts: list[zipfile.ZipInfo]) -> None:
    expanded = sum(each.file_size for each in parts)
    packed = sum(each.compress_size for each in parts)
    if len(parts) > MOST_PARTS or expanded > MOST_EXPANDED_BYTES:
        raise NotAccepted(TOO_LARGE_INSIDE)
    if expanded > RATIO_COUNTS_FROM_BYTES and expanded > MOST_RATIO * packed:
        raise NotAccepted(TOO_LARGE_INSIDE)
    if any(each.flag_bits & _ENCRYPTED for each in parts):
        raise NotAccepted(LOCKED)
    if any(each.compress_type not in _PACKINGS for each in parts):
        raise NotAccepted(WRONG_TYPE)
    names = [each.filename.lower() for each in parts]
    if len(set(names)) < len(names):
        raise NotAccepted(TWO_FILES)
    if any(name.endswith(_MACROS) for name in names):
        raise NotAccepted(MACROS)


def _type_by(archive: zipfile.ZipFile, parts: list[zipfile.ZipInfo]) -> str:
    names = {each.filename for each in parts}
    if {"[Content_Types].xml", "word/document.xml"} <= names:  # ECMA-376 part 2, 10.1.2.2
        return DOCX
    first = min(parts, key=lambda each: each.header_offset)  # OpenDocument 1.3, part 2, 3.3
    is_said = first.filename == "mimetype" and first.file_size == len(ODT)
    if is_said and archive.read(first) == ODT.encode():
        return ODT
    raise NotAccepted(WRONG_TYPE)


def _unpack(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    """Into nothing; zipfile gives no more than was declared, and checks the sum at its end."""
    with archive.open(part) as text:
        while text.read(READ_BYTES):
            pass
