"""The dry run: every wrong cell, every likeness to a record or to a line before. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from clinic_api.directory.csv_cells import Context
from clinic_api.directory.csv_columns import CellError, Layout, ReadRow, read_row
from clinic_api.directory.csv_sheet import Sheet
from clinic_api.directory.import_model import CheckedRow, Report
from clinic_api.directory.likeness import Key, Known, Likeness, patient_keys, practitioner_keys
from clinic_api.directory.model import PatientDetails


class Existing(msgspec.Struct, frozen=True):
    """What there is before the import."""

    records: tuple[Known, ...]
    addresses: frozenset[str]  # of practitioners, each only once
    read_from: datetime  # what is newer than this may be missing


def check(sheet: Sheet, layout: Layout, context: Context, existing: Existing) -> Report:
    """Lists the rows that somebody should look at."""
    likeness, taken = Likeness(existing.records), set(existing.addresses)
    lines: list[CheckedRow] = []
    for row in read_rows(sheet, layout, context):
        errors = row.errors or _address_errors(row, taken)
        keys = frozenset[Key]() if errors else keys_of(row)
        candidates = likeness.candidates(keys)
        likeness.add_line(row.line, keys)
        if errors or candidates:
            lines.append(
                CheckedRow(line=row.line, name=row.name, errors=errors, candidates=candidates)
            )
    return Report(
        began_at=existing.read_from,
        rows=len(sheet.rows),
        unknown_columns=layout.unknown,
        lines=tuple(lines),
    )


def read_rows(sheet: Sheet, layout: Layout, context: Context) -> Iterable[ReadRow]:
    return (read_row(row, layout, context) for row in sheet.rows)


def keys_of(row: ReadRow) -> frozenset[Key]:
    """By what a row without errors can be recognised."""
    value = row.value
    if isinstance(value, PatientDetails):
        return patient_keys(value.name, value.birth_date, value.phones, value.emails)
    return practitioner_keys(row.name)


def _address_errors(row: ReadRow, taken: set[str]) -> tuple[CellError, ...]:
    address = None if isinstance(row.value, PatientDetails | None) else row.value.address
    if address is None:
        return ()
    if address in taken:
        return (CellError("address", "This address belongs to another practitioner."),)
    taken.add(address)
    return ()
