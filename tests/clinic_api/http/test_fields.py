"""Every wrong field at once, in JSON and in queries."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from clinic_api.http.fields import MISSING, NO_ZONE, NOT_KEPT, TOO_FAR, UNKNOWN, wrong_fields


class Inner(msgspec.Struct, frozen=True):
    city: Annotated[str, Meta(max_length=5)] = ""
    kind: Literal["home", "work"] = "home"


class Outer(msgspec.Struct, frozen=True):
    name: Annotated[str, Meta(min_length=1)]
    count: int = 0
    at: datetime | None = None
    sure: bool = False
    inner: Inner | None = None
    inners: Annotated[tuple[Inner, ...], Meta(max_length=2)] = ()
    numbers: tuple[int, ...] = ()


@pytest.mark.parametrize(
    ("value", "places"),
    [
        ({"name": "a"}, {}),
        ({"name": "a", "inner": None, "inners": [{}, {"kind": "work"}]}, {}),
        ({}, {"name": MISSING}),
        ({"name": "a", "odd": 1}, {"odd": UNKNOWN}),
        ({"name": "\0"}, {"name": NOT_KEPT}),
        ({"name": "\ud800"}, {"name": NOT_KEPT}),
        ({"name": "a", "count": 2**63}, {"count": TOO_FAR}),
        ({"name": "a", "at": "2030-01-31T12:00:00"}, {"at": NO_ZONE}),
        ({"name": "a", "at": "2030-01-31T12:00:00Z"}, {}),
        (
            {"name": "", "count": "1", "inner": {"city": "London", "zip": 1}},
            {"name": None, "count": None, "inner.city": None, "inner.zip": UNKNOWN},
        ),
        ({"name": "a", "inners": [{}, {"kind": "moon"}]}, {"inners[1].kind": None}),
        ({"name": "a", "inners": [{}, {}, {}]}, {"inners": None}),
        ({"name": "a", "inners": {}}, {"inners": None}),
    ],
)
def test_each_wrong_place_is_named(value: dict[str, Any], places: dict[str, str | None]) -> None:
    found = wrong_fields(value, Outer)
    assert found.keys() == places.keys()
    for place, sentence in places.items():
        assert sentence in (None, found[place])


def test_a_query_gives_numbers_and_booleans_as_text_but_times_only_as_times() -> None:
    fits = {"name": "7", "count": "7", "sure": "true", "numbers": ["1", "2"]}
    assert wrong_fields(fits, Outer, strict=False) == {}
    wrong = {"name": "7", "count": "x", "sure": "maybe", "numbers": ["1", "x"], "at": "0.5"}
    assert wrong_fields(wrong, Outer, strict=False).keys() == {"count", "sure", "numbers[1]", "at"}


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)
_NAMES = st.sampled_from([*Outer.__struct_fields__, "other"])


@given(st.dictionaries(_NAMES, _JSON, max_size=5))
def test_what_has_no_wrong_field_can_be_converted(value: dict[str, Any]) -> None:
    if not wrong_fields(value, Outer):
        msgspec.convert(value, Outer)
