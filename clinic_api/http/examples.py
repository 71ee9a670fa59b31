"""An example of a type's value for whoever reads the API's description: the cast is Alice's."""

from __future__ import annotations

from datetime import date, datetime
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from clinic_api.http.fields import wrong_fields

_ID = "018f5e6a-7c2b-7d3e-9a41-5b6c7d8e9f00"
_BY_NAME: dict[str, str] = {
    "name": "Alice Example",
    "display_name": "Alice Example",
    "email": "alice@example.org",
    "emails": "alice@example.org",
    "phone": "+33199000123",
    "phones": "+33199000123",
    "language": "en",
    "languages": "en",
    "country": "FR",
    "currency": "EUR",
    "time_zone": "Europe/Paris",
    "zone": "Europe/Paris",
    "from_time": "09:00",
    "until_time": "12:00",
    "starts_local": "2030-01-31T09:00",
    "ends_local": "2030-01-31T12:00",
    "local": "2030-01-31T09:00",
    "code": "123456",
    "system": "urn:oid:2.16.840.1.113883.6.96",  # SNOMED CT
    "since": "2024-05",
    "until": "2025",
    "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",  # of nothing
}
_BY_TYPE: dict[Any, Any] = {
    str: "text",
    int: 1,
    float: 1.5,
    bool: True,
    date: "1980-05-17",
    datetime: "2030-01-31T12:00:00Z",
    bytes: "dGV4dA==",
}


def example_of(kind: Any) -> Any:
    """A value in JSON that fits the type; None where none is known, as for odd patterns."""
    value = _value(kind, "")
    return None if wrong_fields(value, kind) else value


def _value(kind: Any, name: str) -> Any:
    origin = get_origin(kind)
    if origin is Annotated:
        inner, *metas = get_args(kind)
        lowest = [
            meta.ge for meta in metas if isinstance(meta, msgspec.Meta) and meta.ge is not None
        ]
        return max([1, *lowest]) if inner is int else _value(inner, name)
    if origin in {Union, UnionType}:
        return _value(next(one for one in get_args(kind) if one is not NoneType), name)
    if origin is Literal:
        return get_args(kind)[0]
    if origin in {list, tuple, set, frozenset}:
        return [_value(get_args(kind)[0], name)]
    if origin is dict:
        keys, values = get_args(kind)
        return {_value(keys, "language"): _value(values, name)}
    struct = origin or kind
    if isinstance(struct, type) and issubclass(struct, msgspec.Struct):
        return {
            field.encode_name: _value(field.type, field.name)
            for field in msgspec.structs.fields(kind)
        }
    return _plain(kind, name)


def _plain(kind: Any, name: str) -> Any:
    if kind is str and (name == "id" or name.endswith(("_id", "_ids"))):
        return _ID
    if kind is str and name in _BY_NAME:
        return _BY_NAME[name]
    return _BY_TYPE.get(kind, {})
