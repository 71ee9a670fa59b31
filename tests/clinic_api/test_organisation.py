"""The organisation: one row from the first start, set up once by a link."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic_api.actor import STRANGER, Actor
from clinic_api.db import Database
from clinic_api.errors import Refused
from clinic_api.opening import Place, open_database
from clinic_api.organisation import profile
from clinic_api.organisation.model import ChangeOrganisation, Profile, ReadOrganisation
from clinic_api.organisation.service import (
    change_organisation,
    check_setup_token,
    make_ready,
    read_organisation,
    setup_token,
)
from clinic_api.organisation.store import organisations
from tests.clinic_api.conftest import place_in

HARBOUR = Profile(
    name=" Harbour  Clinic ",
    country="GB",
    currency="GBP",
    time_zone="Europe/London",
    phone="020 7946 0000",
)
ADA = Actor(kind="user", id="ada", roles=frozenset({"admin"}))


async def test_everybody_may_know_a_clinic_that_is_set_up(database: Database) -> None:
    await database.write(lambda tx: make_ready(tx, STRANGER, HARBOUR))
    known = await database.read(lambda tx: read_organisation(tx, STRANGER, ReadOrganisation()))
    assert (known.name, known.state, known.phone) == ("Harbour Clinic", "ready", "+442079460000")


async def test_the_link_is_worth_nothing_once_the_clinic_is_ready(database: Database) -> None:
    org_id = await database.read(lambda tx: tx.org_id)
    token = setup_token(database.keys, org_id)
    await database.read(lambda tx: check_setup_token(tx, token))
    for wrong in ("", "x" * 27, token[:-1] + "é", setup_token(database.keys, "other")):
        with pytest.raises(Refused) as refused:
            await database.read(lambda tx, wrong=wrong: check_setup_token(tx, wrong))  # type: ignore[misc]
        assert refused.value.code == "gone"
    await database.write(lambda tx: make_ready(tx, STRANGER, HARBOUR))
    for again in (
        lambda tx: check_setup_token(tx, token),
        lambda tx: make_ready(tx, STRANGER, HARBOUR),
    ):
        with pytest.raises(Refused) as refused:
            await database.write(again)
        assert refused.value.code == "already_set_up"


async def test_two_processes_that_start_at_once_make_one_organisation(tmp_path: Path) -> None:
    place: Place = place_in(tmp_path)
    opened = await asyncio.gather(*(open_database(place) for _ in range(2)))
    ids = {await each.read(lambda tx: tx.org_id) for each in opened}
    count = sa.select(sa.func.count()).select_from(organisations)
    rows = await opened[0].read(lambda tx: tx.sql.execute(count).scalar())
    await asyncio.gather(*(each.close() for each in opened))
    assert (len(ids), rows) == (1, 1)


async def test_every_wrong_field_is_told_at_once() -> None:
    wrong = Profile(name=" ", country="XX", currency="EURO", time_zone="Mars/Base", phone="12")
    with pytest.raises(Refused) as refused:
        profile.checked(wrong)
    assert set(refused.value.fields) == {"name", "country", "currency", "time_zone", "phone"}


async def test_an_administrator_changes_the_version_that_was_read(
    sqlite_database: Database,
) -> None:
    ready = await sqlite_database.write(lambda tx: make_ready(tx, STRANGER, HARBOUR))
    wanted = ChangeOrganisation(
        version=ready.version,
        name="Haven Clinic",
        country="IE",
        currency="EUR",
        time_zone="Europe/Dublin",
        phone="+353 1 234 5678",
    )
    changed = await sqlite_database.write(lambda tx: change_organisation(tx, ADA, wanted))
    assert (changed.name, changed.phone) == ("Haven Clinic", "+35312345678")
    with pytest.raises(Refused) as refused:
        await sqlite_database.write(lambda tx: change_organisation(tx, ADA, wanted))
    assert refused.value.code == "stale"


async def test_a_doctor_cannot_change_the_organisation(sqlite_database: Database) -> None:
    bob = Actor(kind="user", id="bob", roles=frozenset({"doctor"}))
    wanted = ChangeOrganisation(
        version=1, name="x", country="GB", currency="GBP", time_zone="UTC", phone="+442079460000"
    )
    with pytest.raises(Refused) as refused:
        await sqlite_database.write(lambda tx: change_organisation(tx, bob, wanted))
    assert refused.value.code == "not_allowed"


def test_the_lists_are_those_of_the_pinned_package() -> None:
    assert {"US", "DE", "ZW"} <= profile.countries()
    assert {"Europe/Berlin", "America/New_York", "UTC"} <= profile.time_zones()
    assert len(profile.countries()) > 240
