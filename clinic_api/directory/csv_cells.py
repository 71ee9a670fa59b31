"""What a cell of a table of people says: each reads one kind, or says in words why it cannot."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

import msgspec

from clinic_api.directory.contacts import tidy_email, tidy_name, tidy_phone, tidy_text
from clinic_api.directory.model import Address, Language, Slug

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


class Wrong(Exception):
    """The message is a sentence."""


def text(cell: str, context: Context) -> str:
    del context
    return tidy_text(cell)


def name(cell: str, context: Context) -> str:
    del context
    return tidy_name(cell)


def phone(cell: str, context: Context) -> str:
    return tidy_phone(cell, context.country)


def email(cell: str, context: Context) -> str:
    del context
    return tidy_email(cell)


def birth_date(cell: str, context: Context) -> date:
    """ISO 8601, or with dots, where the day is first for everybody."""
    dotted = _DOTTED_DATE.fullmatch(cell)
    try:
        if dotted is not None:
            day, month, year = map(int, dotted.groups())
            born = date(year, month, day)
        elif _ISO_DATE.fullmatch(cell):
            born = date.fromisoformat(cell)
        else:
            raise Wrong("Write a day as YYYY-MM-DD or DD.MM.YYYY.")
    except ValueError:
        raise Wrong("There is no such day.") from None
    if born > context.today:
        raise Wrong("This day has not come yet.")
    return born


def sex(cell: str, context: Context) -> str:
    del context
    return str(_one_of(_SEXES, cell, "Write female, male, other or unknown."))


def yes(cell: str, context: Context) -> bool:
    del context
    return bool(_one_of(_YES, cell, "Write yes or no."))


def _one_of(words: Mapping[str, Any], cell: str, otherwise: str) -> Any:
    try:
        return words[cell.casefold()]
    except KeyError:
        raise Wrong(otherwise) from None


def language(cell: str, context: Context) -> str:
    del context
    sentence = "Write a language as en, es or pt-BR (BCP 47)."
    return str(_fitting(cell, Language, sentence))


def languages(cell: str, context: Context) -> tuple[str, ...]:
    tags = [tag for tag in _BETWEEN.split(cell) if tag]
    return tuple(dict.fromkeys(language(tag, context) for tag in tags))[:20]


def country(cell: str, context: Context) -> str:
    del context
    kind = msgspec.structs.fields(Address)[-1].type
    return str(_fitting(cell.upper(), kind, "Write a country as FR or US (ISO 3166-1)."))


def slug(cell: str, context: Context) -> str:
    del context
    return str(_fitting(cell, Slug, "Use small letters, digits and hyphens, as in dr-bob."))


def _fitting(cell: str, kind: Any, otherwise: str) -> object:
    try:
        return msgspec.convert(cell, kind)
    except msgspec.ValidationError:
        raise Wrong(otherwise) from None
