"""Setting up: a first-time user is told what to choose, and where what is wrong."""

from __future__ import annotations

import pytest

from clinic_api.actor import STRANGER
from clinic_api.db import Database
from clinic_api.organisation.model import ReadOrganisation
from clinic_api.organisation.service import read_organisation, setup_token
from tests.web.portal.conftest import Reader

RIGHT = {
    "name": "Riverside Clinic",
    "phone": "+48 22 123 45 67",
    "country": "PL",
    "time_zone": "Europe/Warsaw",
    "currency": "PLN",
    "display_name": "Dr. Bob Example",
    "login": "bob",
    "password": "three calm herons wade",
}


@pytest.fixture
async def token(sqlite_database: Database) -> str:
    """What the one-time link carries."""
    clinic = await sqlite_database.read(
        lambda tx: read_organisation(tx, STRANGER, ReadOrganisation())
    )
    return setup_token(sqlite_database.keys, clinic.id)


async def test_each_country_brings_its_zones_and_its_currency(stranger: Reader) -> None:
    page = (await stranger.open("/set-up")).text
    assert '<option value="PL" data-zones="Europe/Warsaw" data-currency="PLN">Poland<' in page
    assert '<option value="PLN">PLN · Poland<' in page
    assert '<option value="Europe/Warsaw">Europe/Warsaw<' in page


async def test_everything_right_goes_on_to_the_authenticator_app(
    stranger: Reader, token: str
) -> None:
    done = await stranger.post("/set-up", **RIGHT, token=token)
    assert (done.status, done.path) == (303, "/account/factor")


@pytest.mark.parametrize(
    ("phone", "words"),
    [
        ("+48 22 12", "This number is too short."),
        ("+48 22 123 45", "There is no such number: a digit may be missing or wrong."),
        ("+48 22 123 45 67 89 01 23", "This number is too long."),
        ("call us", "Please write a telephone number of the country, or with + and its code."),
    ],
)
async def test_a_wrong_telephone_number_is_refused_in_words(
    stranger: Reader, token: str, phone: str, words: str
) -> None:
    page = await stranger.post("/set-up", **(RIGHT | {"phone": phone}), token=token)
    assert (page.status, words in page.words) == (422, True)
    assert "autofocus" in page.tag("phone")


async def test_the_first_wrong_field_has_the_focus_and_each_says_what_is_wrong(
    stranger: Reader, token: str
) -> None:
    sent = RIGHT | {"country": "", "currency": "", "login": "b"}
    page = await stranger.post("/set-up", **sent, token=token)
    assert page.status == 422
    assert page.text.count("autofocus") == 1
    assert "autofocus" in page.tag("country")
    for name in ("country", "currency", "login"):
        assert 'aria-invalid="true"' in page.tag(name)
        assert f"{name}-error" in page.tag(name).partition("aria-describedby=")[2]
        assert f'id="{name}-error"' in page.text
    assert page.fields()["time_zone"] == "Europe/Warsaw"
    assert page.fields()["password"] == ""
