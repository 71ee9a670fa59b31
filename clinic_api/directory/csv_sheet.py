"""Reads a table in CSV (RFC 4180) as programs for practices and spreadsheets write it.

With a header; cells apart by comma, semicolon or tab, quoted where needed; in UTF-8. Cells are
texts and stay texts: one that begins with `=`, `+`, `-` or `@` is no formula here.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import msgspec

from clinic_api.files.inspecting import NotAccepted

MAX_ROWS = 10_000
MAX_COLUMNS = 100
_DELIMITERS = ",;\t"
_TEST_LINE_CHARS = 20_000  # of the header, where the delimiter is looked for

NOT_UTF_8 = (
    "This file is not in UTF-8. Please save it anew: in Excel as “CSV UTF-8”, in LibreOffice with "
    "the character set UTF-8."
)
EMPTY = "This file has no rows below its header."
TOO_MANY = f"This file has more than {MAX_ROWS} rows. Please send it in parts."
TOO_WIDE = f"This file has more than {MAX_COLUMNS} columns."


class SheetRow(msgspec.Struct, frozen=True):
    """`line` is the number of the line in the file at which it begins, the header's being 1."""

    line: int
    cells: tuple[str, ...]


class Sheet(msgspec.Struct, frozen=True):
    """Without rows that are empty."""

    header: tuple[str, ...]
    rows: tuple[SheetRow, ...]


class Unreadable(Exception):
    """The message is a sentence for whoever sent the file."""


def as_utf_8(data: bytes) -> bytes:
    """The same without a byte order mark. Raises NotAccepted."""
    try:
        return data.decode("utf-8-sig").encode()
    except UnicodeDecodeError:
        raise NotAccepted(NOT_UTF_8) from None


def read_sheet(text: str) -> Sheet:
    """Raises Unreadable: no rows, too many, a quote that is not closed."""
    rows = _rows(text)
    header = next(rows, None)
    if header is None:
        raise Unreadable(EMPTY)
    if len(header.cells) > MAX_COLUMNS:
        raise Unreadable(TOO_WIDE)
    kept: list[SheetRow] = []
    for row in rows:
        kept.append(row)
        if len(kept) > MAX_ROWS:
            raise Unreadable(TOO_MANY)
    if not kept:
        raise Unreadable(EMPTY)
    return Sheet(header.cells, tuple(kept))


def _rows(text: str) -> Iterator[SheetRow]:
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=_delimiter(text), strict=True)
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield SheetRow(line, tuple(cell.strip() for cell in cells))
            line = reader.line_num + 1
    except csv.Error:
        sentence = f"The row that begins in line {line} cannot be read: look for a lone quote."
        raise Unreadable(sentence) from None


def _delimiter(text: str) -> str:
    """The one that the header has most of, outside of quotes."""
    head = text[:_TEST_LINE_CHARS].lstrip("\r\n").partition("\n")[0]
    bare = "".join(head.split('"')[::2])
    return max(_DELIMITERS, key=bare.count)
