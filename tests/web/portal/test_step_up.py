"""What needs a fresh second factor asks for it in the middle, and nothing is filled in twice."""

from __future__ import annotations

import pytest

from clinic_api.actions import STEP_UP_S
from tests.clinic_api.conftest import Clock
from tests.clinic_api.http.world import World
from tests.web.portal.conftest import Reader, Readers

EVE = {"display_name": "Eve <Nurse>", "login": "eve", "role": "nurse"}


@pytest.fixture
def ada(reader: Readers, clock: Clock) -> Reader:
    """An administrator whose code is too old by now."""
    clock.advance(STEP_UP_S + 1)
    return reader("ada")


async def test_the_filled_form_is_kept_and_done_once_the_code_is_right(ada: Reader) -> None:
    asked = await ada.post("/users/new", **EVE)
    assert asked.status == 401
    kept = asked.fields()
    assert {name: kept[name] for name in EVE} == EVE
    done = await ada.post("/users/new", **EVE, step_up_code=ada.code())
    assert (done.status, done.path[:7]) == (303, "/users/")
    assert "Eve <Nurse>" in (await ada.open(done.path)).words


async def test_a_wrong_code_is_told_and_the_form_still_kept(ada: Reader) -> None:
    asked = await ada.post("/users/new", **EVE, step_up_code="000000")
    assert (asked.status, "The code is not right" in asked.words) == (401, True)
    assert asked.fields()["display_name"] == "Eve <Nurse>"
    assert asked.fields()["step_up_code"] == ""
    assert "Eve" not in (await ada.open("/users")).words


async def test_no_secret_is_kept_in_the_page(ada: Reader) -> None:
    asked = await ada.post("/users/new", **EVE, password="three calm herons wade")
    assert "three calm herons wade" not in asked.text


async def test_a_button_is_pressed_once_only(ada: Reader, world: World) -> None:
    path = f"/users/{world.ids['user_id']}/disable"
    assert (await ada.post(path)).status == 401
    done = await ada.post(path, step_up_code=ada.code())
    assert (done.status, "Let in again" in done.words) == (200, True)


async def test_a_foreign_form_is_not_asked_for_a_code(ada: Reader) -> None:
    assert (await ada.post("/users/new", **(EVE | {"csrf": "guessed"}))).status == 403
