"""One's own account: setting up the app, going out, what the pages say afterwards."""

from __future__ import annotations

import re

import pyotp

from clinic_api.actions import STEP_UP_S
from clinic_api.auth.factor_store import end_factors
from clinic_api.auth.store import user_by_login
from clinic_api.db import Database
from clinic_api.transaction import Transaction
from tests.clinic_api.conftest import Clock
from tests.clinic_api.http.world import CONSOLE
from tests.web.portal.conftest import Reader, Readers


def secret_of(text: str) -> str:
    """The key to type into the app."""
    found = re.search(r'class="link">([A-Z2-7]+)<', text)
    assert found, "no key"
    return found.group(1)


def picture_of(text: str) -> str:
    return text.partition("<svg")[2].partition("</svg>")[0]


async def test_a_wrong_code_leaves_the_picture_and_its_secret(
    reader: Readers, clock: Clock
) -> None:
    ena = reader("ena")
    begun = await ena.post("/account/factor/begin")
    for wrong in ("000000", ""):
        again = await ena.post("/account/factor/confirm", code=wrong)
        assert again.status == 422
        assert secret_of(again.text) == secret_of(begun.text)
        assert picture_of(again.text) == picture_of(begun.text) != ""
        assert "autofocus" in again.tag("code")
        assert 'id="code-error"' in again.text
    code = pyotp.TOTP(secret_of(begun.text)).at(int(clock.now_s))
    assert "Write these codes down" in (await ena.post("/account/factor/confirm", code=code)).words


async def test_the_secret_of_a_new_app_is_not_shown_without_a_fresh_code(
    reader: Readers, clock: Clock
) -> None:
    bob = reader("bob")
    begun = await bob.post("/account/factor/begin")
    clock.advance(STEP_UP_S + 1)
    asked = await bob.post("/account/factor/confirm", code="000000")
    assert secret_of(begun.text) not in asked.text


async def test_who_signs_out_is_told_so(reader: Readers, stranger: Reader) -> None:
    carol = reader("carol")
    out = await carol.post("/sign-out")
    assert (out.status, out.path) == (303, "/sign-in?done=sign-out")
    assert "You are signed out." in (await stranger.open(out.path)).words
    assert "You are signed out." not in (await stranger.open("/sign-in?done=<b>")).words
    assert "You are signed out." not in (await stranger.post(out.path, login="carol")).words


async def test_a_patient_finds_the_own_record(reader: Readers) -> None:
    found = re.search(
        r'href="(/patients/[^"]+)">Your record', (await reader("alice").open("/account")).text
    )
    assert found
    assert "alice" in (await reader("alice").open(found.group(1))).words


async def test_the_menu_opens_by_its_button_and_names_each_page_once(reader: Readers) -> None:
    page = (await reader("ada").open("/account")).text
    menu = page.partition('<div class="menu" id="menu" popover>')[2].partition("</div>")[0]
    assert 'popovertarget="menu">Menu<' in page
    assert re.findall(r'href="([^"]+)"', menu) == [
        "/visits",
        "/patients",
        "/users",
        "/messages",
        "/audit",
        "/account",
    ]
    assert "Sign out" in menu


async def test_a_patient_shows_the_password_before_an_app_is_set_up(
    reader: Readers, sqlite_database: Database
) -> None:
    def lose_the_app(tx: Transaction) -> None:
        user = user_by_login(tx, "alice-1")
        assert user is not None
        end_factors(tx, CONSOLE, user.id, "active")

    alice = reader("alice")
    assert 'name="present_password"' not in (await alice.open("/account/factor")).text
    await sqlite_database.write(lose_the_app)
    assert 'name="present_password"' in (await alice.open("/account/factor")).text
    for sent in ({}, {"present_password": "a guess"}):
        answer = await alice.post("/account/factor/begin", **sent)
        assert answer.status == 422
        assert 'id="present_password-error"' in answer.text
        assert 'class="link"' not in answer.text, "no secret is shown"
    assert 'name="present_password"' not in (await reader("ena").open("/account/factor")).text
