"""Names, numbers and addresses in one form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic_api.directory.contacts import folded, tidy_email, tidy_name, tidy_phone
from clinic_api.errors import Refused


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("José  Müller-Ångström", "jose muller angstrom"),
        ("STRAẞE", "strasse"),
        ("O’Neil", "o neil"),
        ("Łukasz", "łukasz"),
        ("", ""),
    ],
)
def test_a_name_is_searched_without_case_accents_and_marks(name: str, kept: str) -> None:
    assert folded(name) == kept


@given(st.text(max_size=50))
def test_folding_twice_is_folding_once(name: str) -> None:
    assert folded(folded(name)) == folded(name)


@pytest.mark.parametrize(
    ("text", "region", "number"),
    [
        ("(202) 555-0123", "US", "+12025550123"),
        ("+49 30 123456", "US", "+4930123456"),
        ("030 123456", "DE", "+4930123456"),
    ],
)
def test_a_number_is_kept_as_e164(text: str, region: str, number: str) -> None:
    assert tidy_phone(text, region) == number


@pytest.mark.parametrize("text", ["", "call me", "1", "030 123456", "+0", "+1" * 30])
def test_what_is_no_number_names_its_field(text: str) -> None:
    with pytest.raises(Refused) as refused:
        tidy_phone(text, "", "phones")
    assert list(refused.value.fields) == ["phones"]


@pytest.mark.parametrize("text", ["", "a", "a@b", "a b@c.de", "a@b.de\nBcc: x@y.de", "<a@b.de>"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        tidy_email(text)


def test_an_address_is_kept_small_and_trimmed() -> None:
    assert tidy_email("  Alice@Example.COM ") == "alice@example.com"


def test_a_name_hides_and_turns_nothing() -> None:
    assert tidy_name(" Al\u202eice\n\tE. ") == "Al ice E."
    with pytest.raises(Refused):
        tidy_name("\u200b \u202e")
