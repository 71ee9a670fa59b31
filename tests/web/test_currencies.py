"""The currency that a country suggests."""

from __future__ import annotations

import pytest

from clinic_api.organisation.profile import CURRENCIES
from web.currencies import currencies, currency_of
from web.places import countries


@pytest.mark.parametrize(
    ("country", "currency"),
    [
        ("PL", "PLN"),
        ("DE", "EUR"),
        ("HR", "EUR"),
        ("EC", "USD"),
        ("SV", "USD"),
        ("LI", "CHF"),
        ("SN", "XOF"),
        ("VE", "VES"),
        ("GB", "GBP"),
    ],
)
def test_a_country_has_its_own_or_the_one_it_shares(country: str, currency: str) -> None:
    assert currency_of(country) == currency


def test_every_country_with_people_has_one() -> None:
    assert {country for country, _ in countries() if not currency_of(country)} == {"AQ"}
    assert {currency_of(country) for country, _ in countries()} - {""} <= CURRENCIES


def test_every_currency_can_be_chosen_and_is_named() -> None:
    assert {code for code, _ in currencies()} == CURRENCIES
    named = dict(currencies())
    assert (named["EUR"], named["PLN"]) == ("EUR · euro", "PLN · Poland")
