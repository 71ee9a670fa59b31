"""Which columns a table of patients or practitioners may have, and what a cell of each means.

A header's name counts without case, spaces, hyphens and underscores: `Date of Birth` is
`date_of_birth`. Every wrong cell of a row is told, not the first one only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Literal

import msgspec

from clinic_api.directory.contacts import tidy_email, tidy_name, tidy_phone, tidy_text
from clinic_api.directory.csv_sheet import Sheet, SheetRow, Unreadable
from clinic_api.directory.model import Address, EmergencyContact, Language, PatientDetails, Slug
from clinic_api.directory.service import CreatePractitioner
from clinic_api.errors import Refused

Kind = Literal["patients", "practitioners"]

_SEXES = {
    "f": "female",
    "female": "female",
    "m": "male",
    "male": "male",
    "o": "other",
    "other": "other",
    "u": "unknown",
    "unknown": "unknown",
}
_YES = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_DOTTED_DATE = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")
_BETWEEN = re.compile(r"[\s,;|]+")


class Context(msgspec.Struct, frozen=True):
    """`country` (ISO 3166-1) is where numbers without + are."""

    country: str
    today: date


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


class _Wrong(Exception):
    """The message is a sentence."""


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
        except _Wrong as wrong:
            errors.append(CellError(column.name, str(wrong)))
    name = _name(values)
    if not name and not any(error.column.endswith("name") for error in errors):
        errors.append(CellError("name", "Please give a name."))
    build = _patient if layout.kind == "patients" else _practitioner
    value = None if errors else build(name, values)
    return ReadRow(line=row.line, name=name[:200], value=value, errors=tuple(errors))


def _value(column: _Column, cell: str, context: Context) -> Any:
    if len(cell) > column.most:
        raise _Wrong(f"This is longer than {column.most} characters.")
    if not cell:
        return None
    try:
        return column.read(cell, context)
    except Refused as refused:
        raise _Wrong(next(iter(refused.fields.values()), refused.message)) from None


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


# cells


def _text(cell: str, context: Context) -> str:
    del context
    return tidy_text(cell)


def _name_cell(cell: str, context: Context) -> str:
    del context
    return tidy_name(cell)


def _phone(cell: str, context: Context) -> str:
    return tidy_phone(cell, context.country)


def _email(cell: str, context: Context) -> str:
    del context
    return tidy_email(cell)


def _birth_date(cell: str, context: Context) -> date:
    """ISO 8601, or with dots, where the day is first for everybody."""
    dotted = _DOTTED_DATE.fullmatch(cell)
    try:
        if dotted is not None:
            day, month, year = map(int, dotted.groups())
            born = date(year, month, day)
        elif _ISO_DATE.fullmatch(cell):
            born = date.fromisoformat(cell)
        else:
            raise _Wrong("Write a day as YYYY-MM-DD or DD.MM.YYYY.")
    except ValueError:
        raise _Wrong("There is no such day.") from None
    if born > context.today:
        raise _Wrong("This day has not come yet.")
    return born


def _sex(cell: str, context: Context) -> str:
    del context
    return str(_one_of(_SEXES, cell, "Write female, male, other or unknown."))


def _yes(cell: str, context: Context) -> bool:
    del context
    return bool(_one_of(_YES, cell, "Write yes or no."))


def _one_of(words: Mapping[str, Any], cell: str, otherwise: str) -> Any:
    try:
        return words[cell.casefold()]
    except KeyError:
        raise _Wrong(otherwise) from None


def _language(cell: str, context: Context) -> str:
    del context
    sentence = "Write a language as en, es or pt-BR (BCP 47)."
    return str(_fitting(cell, Language, sentence))


def _languages(cell: str, context: Context) -> tuple[str, ...]:
    tags = [tag for tag in _BETWEEN.split(cell) if tag]
    return tuple(dict.fromkeys(_language(tag, context) for tag in tags))[:20]


def _country(cell: str, context: Context) -> str:
    del context
    kind = msgspec.structs.fields(Address)[-1].type
    return str(_fitting(cell.upper(), kind, "Write a country as FR or US (ISO 3166-1)."))


def _slug(cell: str, context: Context) -> str:
    del context
    return str(_fitting(cell, Slug, "Use small letters, digits and hyphens, as in dr-bob."))


def _fitting(cell: str, kind: Any, otherwise: str) -> object:
    try:
        return msgspec.convert(cell, kind)
    except msgspec.ValidationError:
        raise _Wrong(otherwise) from None


def _column(
    name: str, read: Callable[[str, Context], Any], *aliases: str, most: int = 200
) -> _Column:
    return _Column(name=name, aliases=aliases, most=most, read=read)


_NAMES = (
    _column("name", _name_cell, "full_name", "display_name"),
    _column("first_name", _name_cell, "given_name", "forename", most=99),
    _column("last_name", _name_cell, "family_name", "surname", most=100),
)
_COLUMNS: dict[Kind, Sequence[_Column]] = {
    "patients": (
        *_NAMES,
        _column("birth_date", _birth_date, "date_of_birth", "birthday", "dob"),
        _column("sex", _sex, "gender"),
        _column("language", _language, "preferred_language"),
        _column("phone", _phone, "phone_number", "telephone", "mobile", most=40),
        _column("other_phone", _phone, "phone_2", "home_phone", "work_phone", most=40),
        _column("email", _email, "email_address", most=254),
        _column("other_email", _email, "email_2", most=254),
        _column("address_line", _text, "address", "street", "address_1", "address_line_1"),
        _column("address_line_2", _text, "address_2", "street_2"),
        _column("city", _text, "town", most=100),
        _column("region", _text, "state", "province", most=100),
        _column("postal_code", _text, "postcode", "zip", "zip_code", most=20),
        _column("country", _country, "country_code"),
        _column("emergency_name", _text, "emergency_contact"),
        _column("emergency_phone", _phone, "emergency_contact_phone", most=40),
        _column("emergency_relationship", _text, "emergency_contact_relationship", most=100),
    ),
    "practitioners": (
        *_NAMES,
        _column("speciality", _text, "specialty", most=100),
        _column("languages", _languages, "language"),
        _column("address", _slug, "slug", most=60),
        _column("accepts_walk_ins", _yes, "walk_ins"),
    ),
}
COLUMN_NAMES: dict[Kind, dict[str, tuple[str, ...]]] = {
    kind: {each.name: each.aliases for each in columns} for kind, columns in _COLUMNS.items()
}
