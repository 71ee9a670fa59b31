"""Checks a decoded JSON value against a type and tells every wrong field at once.

msgspec stops at the first error and lets unknown fields of inner Structs pass; this walks into
Structs and lists itself and leaves the single values to msgspec. Beyond the types it refuses what
no database keeps: NUL in a text, integers over 63 bits, times without a zone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec

MISSING = "Please give this."
UNKNOWN = "There is no such field."
NOT_KEPT = "This has a character that cannot be kept."
TOO_FAR = "This number is too large."
NO_ZONE = "Say the time zone, as in 2030-01-31T12:00:00Z."
NOT_FITTING = "This does not fit here."

_MAX_INTEGER = 2**63 - 1
_WHERE = re.compile(r" - at `.*`$", re.DOTALL)


def wrong_fields(value: Any, kind: Any, place: str = "", *, strict: bool = True) -> dict[str, str]:
    """Place → sentence, as `address.city` or `phones[0]`; empty where everything fits.

    `kind` is any type that msgspec converts to; without `strict`, texts are read as numbers and
    booleans, as queries need it.
    """
    kind = _stripped(kind, value)
    if isinstance(value, dict) and _is_struct(kind):
        return dict(_wrong_of_struct(value, kind, place, strict))
    wrong = _wrong_value(value, kind, strict)
    inner = _item_type(kind)
    if inner is None or not isinstance(value, list):
        return {place: wrong} if wrong else {}
    found: dict[str, str] = {}
    for index, item in enumerate(value):
        found |= wrong_fields(item, inner, f"{place}[{index}]", strict=strict)
    return found if found or not wrong else {place: wrong}


def is_list(kind: Any) -> bool:
    """Whether several values of the same name fit."""
    return _item_type(kind) is not None


def _wrong_of_struct(
    value: Mapping[str, Any], kind: Any, place: str, strict: bool
) -> Iterator[tuple[str, str]]:
    known = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    for name in value:
        if name not in known:
            yield _join(place, name), UNKNOWN
    for name, field in known.items():
        if name in value:
            inner = wrong_fields(value[name], field.type, _join(place, name), strict=strict)
            yield from inner.items()
        elif field.required:
            yield _join(place, name), MISSING


def _wrong_value(value: Any, kind: Any, strict: bool) -> str:
    """A sentence, "" where it fits."""
    try:
        converted = msgspec.convert(value, kind, strict=strict or not _is_loose(kind))
    except msgspec.ValidationError as problem:
        return _sentence(problem)
    match converted:
        case str() if not _can_be_kept(converted):
            return NOT_KEPT
        case int() if abs(converted) > _MAX_INTEGER:
            return TOO_FAR
        case datetime() if converted.tzinfo is None:
            return NO_ZONE
        case _:
            return ""


def _is_loose(kind: Any) -> bool:
    """Whether a text in a query stands for it; msgspec would read numbers as times too."""
    base = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    return base in {int, float, bool} or is_list(kind)


def _can_be_kept(text: str) -> bool:
    """PostgreSQL keeps no NUL, and nothing encodes a lone surrogate (Unicode 3.9, D75)."""
    return "\0" not in text and not any("\ud800" <= char <= "\udfff" for char in text)


def _stripped(kind: Any, value: Any) -> Any:
    """The type inside of `X | None` for a value that is there, where it says enough by itself."""
    if get_origin(kind) not in {Union, UnionType} or value is None:
        return kind
    others = [one for one in get_args(kind) if one is not type(None)]
    return others[0] if len(others) == 1 else kind


def _is_struct(kind: Any) -> bool:
    kind = get_origin(kind) or kind  # generic Structs
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _item_type(kind: Any) -> Any:
    """The type of a list's items; None for other types."""
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if get_origin(kind) in {list, set, frozenset}:
        return get_args(kind)[0]
    if get_origin(kind) is tuple and get_args(kind)[1:] == (...,):
        return get_args(kind)[0]
    return None


def _join(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _sentence(problem: msgspec.ValidationError) -> str:
    text = _WHERE.sub("", str(problem)).replace("`", "").strip()
    return f"{text}." if text else NOT_FITTING
