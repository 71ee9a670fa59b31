"""The demo's visit and its two links."""

from __future__ import annotations

import msgspec

from clinic_api.actor import STRANGER, system
from clinic_api.db import Database
from clinic_api.directory.service import ListPractitioners, list_practitioners
from clinic_api.journeys.demo import LASTS
from clinic_api.organisation.model import ReadOrganisation
from clinic_api.organisation.service import read_organisation
from clinic_api.visits import store
from clinic_api.visits.call_log import RoomEnded, gate_ended
from clinic_api.visits.flows import enter
from clinic_api.visits.invitations import OneSeat, revoke
from clinic_api.visits.joining import Enter
from clinic_api.visits.model import Visit
from signaling.core.rights import Rights
from signaling.ports import Entry
from telemed_media.demo import DemoRoom, ensure_demo_room
from telemed_media.gate import GATE, ClinicGate
from tests.clinic_api.conftest import Clock

TESTS = system("tests")


async def entry_by(database: Database, demo: DemoRoom, label: str) -> Entry:
    """Who comes to call control by a link."""
    secret = demo.paths[label].removeprefix("/join#")
    entered = await enter(database, STRANGER, Enter(token=secret))
    return await ClinicGate(database).enter(entered.call_token)


async def visit_in(database: Database, room: str) -> Visit:
    visit = await database.read(lambda tx: store.visit_in(tx, room))
    assert visit is not None
    return visit


async def test_the_doctor_may_everything_and_the_patient_waits(sqlite_database: Database) -> None:
    demo = await ensure_demo_room(sqlite_database)
    bob = await entry_by(sqlite_database, demo, "doctor")
    alice = await entry_by(sqlite_database, demo, "patient")
    assert (bob.name, bob.role, bob.waits) == ("Dr. Bob Example", "provider", False)
    assert (alice.name, alice.role, alice.waits) == ("Alice Example", "patient", True)
    assert bob.rights == Rights(publish=True, subscribe=True, moderate=True, chat=True)
    assert alice.rights == Rights(publish=True, subscribe=True, chat=True)
    assert {bob.room, alice.room} == {demo.room}


async def test_a_link_of_the_demo_opens_on_any_device(sqlite_database: Database) -> None:
    demo = await ensure_demo_room(sqlite_database)
    first = await entry_by(sqlite_database, demo, "patient")
    assert await entry_by(sqlite_database, demo, "patient") == first
    assert not first.alone


async def test_links_stay_the_same_while_they_are_valid(
    sqlite_database: Database, clock: Clock
) -> None:
    demo = await ensure_demo_room(sqlite_database)
    clock.advance(LASTS.total_seconds() - 1)
    assert await ensure_demo_room(sqlite_database) == demo


async def test_expired_links_are_replaced(sqlite_database: Database, clock: Clock) -> None:
    demo = await ensure_demo_room(sqlite_database)
    clock.advance(LASTS.total_seconds())
    assert (await ensure_demo_room(sqlite_database)).room != demo.room


async def test_after_an_ended_visit_there_is_another_of_the_same_people(
    sqlite_database: Database, clock: Clock
) -> None:
    demo = await ensure_demo_room(sqlite_database)
    ended = RoomEnded(room=demo.room, subject="", at=clock.now_s)
    await sqlite_database.write(lambda tx: gate_ended(tx, GATE, ended))
    fresh = await ensure_demo_room(sqlite_database)
    assert fresh.room != demo.room
    old, new = [await visit_in(sqlite_database, room) for room in (demo.room, fresh.room)]
    assert (old.patient_id, old.practitioner_id) == (new.patient_id, new.practitioner_id)


async def test_a_withdrawn_link_is_replaced(sqlite_database: Database) -> None:
    demo = await ensure_demo_room(sqlite_database)
    alice = await entry_by(sqlite_database, demo, "patient")
    visit = await visit_in(sqlite_database, demo.room)
    seat = OneSeat(visit_id=visit.id, participant_id=alice.subject)
    await sqlite_database.write(lambda tx: revoke(tx, TESTS, seat))
    assert (await ensure_demo_room(sqlite_database)).room != demo.room


async def test_the_demo_is_a_clinic_that_is_set_up(sqlite_database: Database) -> None:
    await ensure_demo_room(sqlite_database)
    clinic = await sqlite_database.read(lambda tx: read_organisation(tx, TESTS, ReadOrganisation()))
    assert (clinic.state, clinic.name) == ("ready", "Example Clinic")
    doctors = await sqlite_database.read(
        lambda tx: list_practitioners(tx, TESTS, ListPractitioners())
    )
    assert [doctor.name for doctor in doctors.items] == ["Dr. Bob Example"]


async def test_the_secrets_stand_in_the_fragment(sqlite_database: Database) -> None:
    demo = await ensure_demo_room(sqlite_database)
    links = demo.links("https://a.example")
    assert links["doctor"].startswith("https://a.example/join#")
    assert (
        msgspec.structs.asdict(demo)["paths"]["doctor"]
        == links["doctor"][len("https://a.example") :]
    )
