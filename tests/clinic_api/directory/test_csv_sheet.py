"""Tables in CSV as spreadsheets and programs for practices write them."""

from __future__ import annotations

import csv
import io
import re
from datetime import date
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic_api.directory.csv_cells import Context
from clinic_api.directory.csv_columns import COLUMN_NAMES, CellError, layout_of, read_row
from clinic_api.directory.csv_sheet import (
    EMPTY,
    MAX_ROWS,
    NOT_UTF_8,
    TOO_MANY,
    Sheet,
    SheetRow,
    Unreadable,
    as_utf_8,
    read_sheet,
)
from clinic_api.directory.model import PatientDetails
from clinic_api.files.inspecting import NotAccepted

CELL = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\t"), max_size=12
)


def test_a_mark_at_the_beginning_is_not_part_of_the_first_header() -> None:
    assert read_sheet(as_utf_8("\ufeffname\nZoë\n".encode()).decode()).header == ("name",)


@pytest.mark.parametrize("coding", ["latin-1", "utf-16"])
def test_other_encodings_are_refused_with_what_to_do(coding: str) -> None:
    with pytest.raises(NotAccepted) as refused:
        as_utf_8("name\nZoë\n".encode(coding))
    assert str(refused.value) == NOT_UTF_8


@given(
    st.sampled_from(",;\t"),
    st.sampled_from(["\n", "\r\n"]),
    st.lists(st.lists(CELL, min_size=3, max_size=3), min_size=1, max_size=5),
)
def test_cells_come_back_as_they_were_written(
    delimiter: str, end: str, rows: list[list[str]]
) -> None:
    target = io.StringIO()
    writer = csv.writer(target, delimiter=delimiter, lineterminator=end)
    writer.writerows([["name", "phone, or ; none", "e-mail"], *rows])
    kept = [tuple(cell.strip() for cell in row) for row in rows if any(map(str.strip, row))]
    if not kept:
        return
    text = target.getvalue()
    if text.partition("\n")[0].count(delimiter) < 2:
        return
    sheet = read_sheet(text)
    if sheet.header == ("name", "phone, or ; none", "e-mail"):
        assert [row.cells for row in sheet.rows] == kept


def test_lines_are_counted_as_an_editor_counts_them() -> None:
    sheet = read_sheet('name\tnote\n\n"A\nB"\tx\r\n\t\nC\ty\n')
    assert [(row.line, row.cells[0]) for row in sheet.rows] == [(3, "A\nB"), (6, "C")]


@pytest.mark.parametrize("text", ["", "\n\n", "name\n", "name\n,,\n"])
def test_a_file_without_rows_says_so(text: str) -> None:
    with pytest.raises(Unreadable, match=EMPTY):
        read_sheet(text)


def test_a_lone_quote_is_found_by_its_line() -> None:
    with pytest.raises(Unreadable, match="begins in line 3 "):
        read_sheet('name\nAda\n"Bob\nCem\n')


def test_one_row_too_many_is_refused() -> None:
    read_sheet("name\n" + "A\n" * MAX_ROWS)
    with pytest.raises(Unreadable, match=TOO_MANY):
        read_sheet("name\n" + "A\n" * (MAX_ROWS + 1))


def test_headers_are_known_in_any_spelling_and_only_once() -> None:
    layout = layout_of(read_sheet("Full Name,DATE-OF_birth,?\nA,,\n"), "patients")
    assert layout.places == {"name": 0, "birth_date": 1}
    assert layout.unknown == ("?",)
    with pytest.raises(Unreadable, match="twice"):
        layout_of(read_sheet("name,Full name\nA,\n"), "patients")
    with pytest.raises(Unreadable, match="no column"):
        layout_of(read_sheet("first name\nA\n"), "patients")


def test_no_header_stands_for_two_columns() -> None:
    for columns in COLUMN_NAMES.values():
        titles = [title for name, aliases in columns.items() for title in (name, *aliases)]
        bare = ["".join(filter(str.isalnum, title)) for title in titles]
        assert len(bare) == len(set(bare))


def test_the_page_about_imports_names_every_header() -> None:
    page = (Path(__file__).parents[3] / "docs" / "import.md").read_text(encoding="utf-8")
    for columns in COLUMN_NAMES.values():
        for title in (each for name, aliases in columns.items() for each in (name, *aliases)):
            assert re.search(rf"[|,] {title.replace('_', ' ')}\b", page), title


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=210), min_size=19))
def test_a_row_that_is_right_fits_the_record_whatever_it_says(cells: list[str]) -> None:
    sheet = Sheet(tuple(COLUMN_NAMES["patients"]), (SheetRow(2, tuple(cells[:19])),))
    layout = layout_of(sheet, "patients")
    read = read_row(sheet.rows[0], layout, Context("FR", date(2026, 1, 1)))
    assert bool(read.errors) == (read.value is None)
    if read.value is not None:
        fitting = msgspec.convert(msgspec.to_builtins(read.value), PatientDetails)
        assert fitting == read.value


def test_what_becomes_too_long_when_it_is_composed_is_told() -> None:
    sheet = Sheet(("name",), (SheetRow(2, ("\u0958" * 150,)),))
    read = read_row(sheet.rows[0], layout_of(sheet, "patients"), Context("FR", date(2026, 1, 1)))
    assert read.errors == (CellError("name", "This is longer than 200 characters."),)
