"""The first run: one link, one organisation, one doctor, all or nothing."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from clinic_api.actor import STRANGER
from clinic_api.auth.users import ListUsers, list_users
from clinic_api.db import Database
from clinic_api.directory.service import ListPractitioners, list_practitioners
from clinic_api.errors import Refused
from clinic_api.journeys.set_up import set_up
from clinic_api.organisation.model import ReadOrganisation
from clinic_api.organisation.service import read_organisation
from tests.clinic_api.auth.people import (
    BOBS_PASSWORD,
    Browser,
    asked,
    audited,
    bob_at_work,
    org_id_of,
)
from tests.clinic_api.conftest import Clock


async def test_the_link_makes_the_clinic_and_its_first_doctor(
    database: Database, clock: Clock
) -> None:
    bob = await bob_at_work(database, clock)
    actor = await bob.actor()
    assert actor.roles == {"admin", "doctor"}
    (practitioner,) = (await bob.does(list_practitioners, ListPractitioners())).items
    assert (practitioner.id, practitioner.name) == (actor.practitioner_id, "Dr. Bob")
    known = await bob.does(read_organisation, ReadOrganisation())
    assert (known.state, known.name) == ("ready", "Harbour Clinic")
    done = [action for action, outcome, _ in await audited(database) if outcome == "done"]
    assert done[:3] == ["organisation.set_up", "account.activate", "practitioner.create"]


async def test_two_who_use_the_link_at_once_make_one_clinic(
    database: Database, clock: Clock
) -> None:
    first = asked(database, await org_id_of(database))
    second = replace(first, login="charlie@clinic.example", name="Charlie's")
    outcomes = await asyncio.gather(
        set_up(database, STRANGER, first),
        set_up(database, STRANGER, second),
        return_exceptions=True,
    )
    refused = [each for each in outcomes if isinstance(each, Refused)]
    assert [each.code for each in refused] == ["already_set_up"]
    clock.advance(1)


@pytest.mark.parametrize("token", ["", "x" * 27])
async def test_without_the_link_nothing_is_set_up(
    sqlite_database: Database, clock: Clock, token: str
) -> None:
    command = replace(asked(sqlite_database, await org_id_of(sqlite_database)), token=token)
    with pytest.raises(Refused) as refused:
        await Browser(sqlite_database, clock).runs(set_up, command)
    assert refused.value.code == "gone"


async def test_every_wrong_field_is_told_and_nothing_is_kept(
    sqlite_database: Database, clock: Clock
) -> None:
    right = asked(sqlite_database, await org_id_of(sqlite_database))
    wrong = replace(right, country="ZZ", phone="1", login="?", display_name="", password="short")
    browser = Browser(sqlite_database, clock)
    with pytest.raises(Refused) as refused:
        await browser.runs(set_up, wrong)
    fields = {"country", "phone", "login", "display_name", "password"}
    assert set(refused.value.fields) == fields
    await browser.runs(set_up, right)
    await browser.enrols()
    assert len((await browser.does(list_users, ListUsers())).items) == 1
    assert (await browser.signs_in("bob@clinic.example", BOBS_PASSWORD)).next == "second_factor"
