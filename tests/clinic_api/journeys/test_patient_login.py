"""At the desk: Alice gets a login for the record that the clinic has."""

from __future__ import annotations

import pytest

from clinic_api.db import Database
from clinic_api.directory.service import CreatePatient, create_patient
from clinic_api.errors import Refused
from clinic_api.journeys.patient_login import GivePatientLogin, give_patient_login
from tests.clinic_api.auth.people import Browser, bob_at_work, carol_at_the_desk
from tests.clinic_api.conftest import Clock
from tests.clinic_api.journeys.test_leaving import activated, dana_the_doctor


async def refused(browser: Browser, command: GivePatientLogin) -> str:
    with pytest.raises(Refused) as refusal:
        await browser.does(give_patient_login, command)
    return refusal.value.code


async def test_one_record_has_one_login(database: Database, clock: Clock) -> None:
    bob = await bob_at_work(database, clock)
    carol = await carol_at_the_desk(bob)
    record = await carol.does(create_patient, CreatePatient(name="Alice"))
    command = GivePatientLogin(patient_id=record.id, login="+44 20 7946 0001")
    alice = await activated(bob, await carol.does(give_patient_login, command))
    assert (await alice.actor()).patient_ids == {record.id}
    assert await refused(carol, command) == "conflict"
    other = await carol.does(create_patient, CreatePatient(name="Alan"))
    taken = GivePatientLogin(patient_id=other.id, login="+442079460001")
    assert await refused(carol, taken) == "conflict"


async def test_a_doctor_gives_logins_to_those_they_treat(
    sqlite_database: Database, clock: Clock
) -> None:
    bob = await bob_at_work(sqlite_database, clock)
    carol = await carol_at_the_desk(bob)
    dana = await dana_the_doctor(bob)
    stranger = await carol.does(create_patient, CreatePatient(name="Alice"))
    own = await dana.does(create_patient, CreatePatient(name="Alan"))
    assert await refused(dana, GivePatientLogin(patient_id=stranger.id, login="alice")) == (
        "not_found"
    )
    made = await dana.does(give_patient_login, GivePatientLogin(patient_id=own.id, login="alan"))
    alan = await activated(bob, made)
    no_staff = GivePatientLogin(patient_id=stranger.id, login="other")
    assert await refused(alan, no_staff) == "not_allowed"
