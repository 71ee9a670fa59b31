"""Which columns a table of patients or practitioners may have, and what a cell of each means.

A header's name counts without case, spaces, hyphens and underscores: `Date of Birth` is
`date_of_birth`. Every wrong cell of a row is told, not the first one only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from clinic_api.directory import csv_cells as cells
from clinic_api.directory.contacts import tidy_text
from clinic_api.directory.csv_cells import Context
from clinic_api.directory.csv_sheet import Sheet, SheetRow, Unreadable
from clinic_api.directory.model import Address, EmergencyContact, PatientDetails
from clinic_api.directory.service import CreatePractitioner
from clinic_api.errors import Refused

Kind = Literal["patients", "practitioners"]


class CellError(msgspec.Struct, frozen=True):
    """What is wrong, and where."""

    column: str
    message: str


class ReadRow(msgspec.Struct, frozen=True, kw_only=True):
    """One row: `value` is there where nothing is wrong."""

    line: int
    name: str
    value: PatientDetails | CreatePractitioner | None
    errors: tuple[CellError, ...]


class _Column(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    aliases: tuple[str, ...] = ()
    most: int = 200  # characters
    read: Callable[[str, Context], Any]


class Layout(msgspec.Struct, frozen=True):
    """Where which column is."""

    kind: Kind
    places: dict[str, int]  # column → index in a row
    width: int
    unknown: tuple[str, ...]  # headers that are not known; their cells are left out


def layout_of(sheet: Sheet, kind: Kind) -> Layout:
    """Raises Unreadable: no column of names, a column twice."""
    known = {_bare(name): each for each in _COLUMNS[kind] for name in (each.name, *each.aliases)}
    places: dict[str, int] = {}
    unknown: list[str] = []
    for index, title in enumerate(sheet.header):
        column = known.get(_bare(title))
        if column is None:
            unknown.append(tidy_text(title)[:100])
        elif column.name in places:
            raise Unreadable(f"The column {column.name} is there twice.")
        else:
            places[column.name] = index
    if "name" not in places and "last_name" not in places:
        raise Unreadable("There is no column “name”, nor “first_name” and “last_name”.")
    return Layout(kind, places, len(sheet.header), tuple(title for title in unknown if title))


def read_row(row: SheetRow, layout: Layout, context: Context) -> ReadRow:
    """What the row says, or everything that is wrong with it."""
    values: dict[str, Any] = {}
    errors: list[CellError] = []
    if len(row.cells) > layout.width:
        errors.append(CellError("", "This row has more cells than the header."))
    for column in _COLUMNS[layout.kind]:
        index = layout.places.get(column.name, len(row.cells))
        cell = row.cells[index] if index < len(row.cells) else ""
        try:
            values[column.name] = _value(column, cell, context)
        except cells.Wrong as wrong:
            errors.append(CellError(column.name, str(wrong)))
    name = _name(values)
    if not name and not any(error.column in _NAME_COLUMNS for error in errors):
        errors.append(CellError("name", "Please give a name."))
    build = _patient if layout.kind == "patients" else _practitioner
    value = None if errors else build(name, values)
    return ReadRow(line=row.line, name=name[:200], value=value, errors=tuple(errors))


def _value(column: _Column, cell: str, context: Context) -> Any:
    if not cell:
        return None
    try:
        value = column.read(cell, context) if len(cell) <= column.most else cell
    except Refused as refused:
        raise cells.Wrong(next(iter(refused.fields.values()), refused.message)) from None
    if isinstance(value, str) and len(value) > column.most:  # composing may lengthen it
        raise cells.Wrong(f"This is longer than {column.most} characters.")
    return value


def _bare(title: str) -> str:
    return re.sub(r"[\s_-]+", "", title).casefold()


def _name(values: Mapping[str, Any]) -> str:
    parts = (values.get("first_name"), values.get("last_name"))
    return values.get("name") or " ".join(part for part in parts if part)


def _patient(name: str, values: Mapping[str, Any]) -> PatientDetails:
    return PatientDetails(
        name=name,
        birth_date=values["birth_date"],
        sex=values["sex"] or "unknown",
        language=values["language"] or "en",
        phones=_given(values, "phone", "other_phone"),
        emails=_given(values, "email", "other_email"),
        address=Address(
            lines=_given(values, "address_line", "address_line_2"),
            city=values["city"] or "",
            region=values["region"] or "",
            postal_code=values["postal_code"] or "",
            country=values["country"] or "",
        ),
        emergency=EmergencyContact(
            name=values["emergency_name"] or "",
            phone=values["emergency_phone"] or "",
            relationship=values["emergency_relationship"] or "",
        ),
    )


def _practitioner(name: str, values: Mapping[str, Any]) -> CreatePractitioner:
    return CreatePractitioner(
        name=name,
        speciality=values["speciality"] or "",
        languages=values["languages"] or ("en",),
        address=values["address"],
        accepts_walk_ins=values["accepts_walk_ins"] or False,
    )


def _given(values: Mapping[str, Any], *names: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values[name] for name in names if values[name]))


def _column(
    name: str, read: Callable[[str, Context], Any], *aliases: str, most: int = 200
) -> _Column:
    return _Column(name=name, aliases=aliases, most=most, read=read)


_NAMES = (
    _column("name", cells.name, "full_name", "display_name"),
    _column("first_name", cells.name, "given_name", "forename", most=99),
    _column("last_name", cells.name, "family_name", "surname", most=100),
)
_NAME_COLUMNS = frozenset(each.name for each in _NAMES)
_COLUMNS: dict[Kind, Sequence[_Column]] = {
    "patients": (
        *_NAMES,
        _column("birth_date", cells.birth_date, "date_of_birth", "birthday", "dob"),
        _column("sex", cells.sex, "gender"),
        _column("language", cells.language, "preferred_language"),
        _column("phone", cells.phone, "phone_number", "telephone", "mobile", most=40),
        _column("other_phone", cells.phone, "phone_2", "home_phone", "work_phone", most=40),
        _column("email", cells.email, "email_address", most=254),
        _column("other_email", cells.email, "email_2", most=254),
        _column("address_line", cells.text, "address", "street", "address_1", "address_line_1"),
        _column("address_line_2", cells.text, "address_2", "street_2"),
        _column("city", cells.text, "town", most=100),
        _column("region", cells.text, "state", "province", most=100),
        _column("postal_code", cells.text, "postcode", "zip", "zip_code", most=20),
        _column("country", cells.country, "country_code"),
        _column("emergency_name", cells.text, "emergency_contact"),
        _column("emergency_phone", cells.phone, "emergency_contact_phone", most=40),
        _column("emergency_relationship", cells.text, "emergency_contact_relationship", most=100),
    ),
    "practitioners": (
        *_NAMES,
        _column("speciality", cells.text, "specialty", most=100),
        _column("languages", cells.languages, "language"),
        _column("address", cells.slug, "slug", most=60),
        _column("accepts_walk_ins", cells.yes, "walk_ins"),
    ),
}
COLUMN_NAMES: dict[Kind, dict[str, tuple[str, ...]]] = {
    kind: {each.name: each.aliases for each in columns} for kind, columns in _COLUMNS.items()
}
