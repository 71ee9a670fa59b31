"""Somebody leaves: out of everything within seconds, and what they were to do is listed."""

from __future__ import annotations

from datetime import timedelta

from clinic_api.actor import system
from clinic_api.auth import flows
from clinic_api.auth.users import (
    CreateUser,
    IssuedCode,
    OneUser,
    OneVersion,
    create_user,
    issue_activation_code,
    read_user,
)
from clinic_api.catalogue.service import (
    CreateOffer,
    CreateService,
    create_offer,
    create_service,
)
from clinic_api.db import Database
from clinic_api.directory.model import PatientDetails
from clinic_api.directory.service import (
    CreatePatient,
    CreatePractitioner,
    add_patient,
    create_patient,
    create_practitioner,
)
from clinic_api.journeys.leaving import Left, disable
from clinic_api.journeys.patient_login import GivePatientLogin, give_patient_login
from clinic_api.scheduling.booking import Overbook, overbook
from clinic_api.scheduling.reassigning import Conflict, Reassign, reassign
from clinic_api.transaction import Transaction
from clinic_api.visits import store
from clinic_api.visits.call_log import Peer, gate_joined
from clinic_api.visits.gate import call_orders
from clinic_api.visits.service import CreateInstantVisit, InstantVisit, create_instant_visit
from tests.clinic_api.auth.people import (
    ALICES_PASSWORD,
    Browser,
    bob_at_work,
    carol_at_the_desk,
    user_id_of,
)
from tests.clinic_api.conftest import Clock

GATE = system("gate")


async def dana_the_doctor(bob: Browser) -> Browser:
    """Another doctor, with an app."""
    new = CreateUser(login="dana", display_name="Dana", roles=frozenset({"doctor"}))
    made = await bob.does(create_user, new)
    await bob.does(create_practitioner, CreatePractitioner(name="Dana", user_id=made.id))
    return await activated(bob, await bob.does(issue_activation_code, OneUser(made.id)))


async def activated(bob: Browser, issued: IssuedCode) -> Browser:
    browser = Browser(bob.database, bob.clock)
    await browser.runs(
        flows.activate_by_code,
        flows.ActivateByCode(login=issued.user.login, code=issued.code, password=ALICES_PASSWORD),
    )
    if "enrolling" in (await browser.actor()).roles:
        await browser.enrols()
    return browser


async def joins(database: Database, clock: Clock, made: InstantVisit, role: str) -> str:
    """The person of that role is in the call; their id there."""
    seat = next(seat for seat in made.visit.participants if seat.role == role)
    visit = await database.read(lambda tx: store.visit(tx, made.id))
    assert visit is not None
    came = Peer(room=visit.room, subject=seat.id, peer=f"peer-{role}", at=clock.now_s)
    await database.write(lambda tx: gate_joined(tx, GATE, came))
    return seat.id


async def leaves(bob: Browser, user_id: str) -> Left:
    await bob.steps_up()
    version = (await bob.does(read_user, OneUser(user_id))).version
    return await bob.does(disable, OneVersion(user_id=user_id, version=version))


async def appointment_with(database: Database, practitioner_id: str) -> str:
    """Next week, overbooked: nobody has hours here."""

    def book(tx: Transaction) -> str:
        patient_id = add_patient(tx, GATE, PatientDetails(name="Alice"), "matched")
        service_id = create_service(tx, GATE, CreateService(name="Visit")).id
        offer = CreateOffer(service_id=service_id, practitioner_id=practitioner_id)
        create_offer(tx, GATE, offer)
        wanted = Overbook(
            patient_id=patient_id,
            service_id=service_id,
            practitioner_id=practitioner_id,
            starts_at=tx.now.replace(minute=0, second=0, microsecond=0) + timedelta(days=7),
            why="Only then",
        )
        return overbook(tx, GATE, wanted).id

    return await database.write(book)


async def test_a_doctor_who_leaves_is_put_out_of_the_call_and_leaves_a_list(
    database: Database, clock: Clock
) -> None:
    bob = await bob_at_work(database, clock)
    dana = await dana_the_doctor(bob)
    made = await dana.does(create_instant_visit, CreateInstantVisit(name="Alice"))
    others = await bob.does(create_instant_visit, CreateInstantVisit(name="Other"))
    seat = await joins(database, clock, made, "provider")
    await joins(database, clock, others, "provider")
    assert await database.read(lambda tx: call_orders(tx, GATE)) == ()
    assert (await leaves(bob, await user_id_of(dana))).visits_to_reassign == (made.id,)
    orders = await database.read(lambda tx: call_orders(tx, GATE))
    assert [order.subject for order in orders] == [seat]
    assert (await dana.actor()).kind == "stranger"


async def test_appointments_to_come_are_listed_to_be_given_to_somebody_else(
    database: Database, clock: Clock
) -> None:
    bob = await bob_at_work(database, clock)
    dana = await dana_the_doctor(bob)
    danas = (await dana.actor()).practitioner_id
    bobs = (await bob.actor()).practitioner_id
    assert danas is not None and bobs is not None
    appointment_id = await appointment_with(database, danas)
    await appointment_with(database, bobs)
    left = await leaves(bob, await user_id_of(dana))
    assert left.practitioner_id == danas
    assert left.appointments_to_reassign == (appointment_id,)
    command = Reassign(practitioner_id=danas, to_practitioner_id=bobs, why="Dana has left")
    done = await bob.runs(reassign, command)
    assert done.conflicts == (Conflict(appointment_id, "not_offered"),)


async def test_a_patient_with_a_login_from_the_desk_is_put_out_too(
    sqlite_database: Database, clock: Clock
) -> None:
    bob = await bob_at_work(sqlite_database, clock)
    carol = await carol_at_the_desk(bob)
    record = await carol.does(create_patient, CreatePatient(name="Alice"))
    issued = await carol.does(
        give_patient_login, GivePatientLogin(patient_id=record.id, login="alice")
    )
    alice = await activated(bob, issued)
    assert (await alice.actor()).patient_ids == {record.id}
    command = CreateInstantVisit(patient_id=record.id)
    made = await bob.does(create_instant_visit, command)
    seat = await joins(sqlite_database, clock, made, "patient")
    assert (await leaves(bob, issued.user.id)).visits_to_reassign == ()
    orders = await sqlite_database.read(lambda tx: call_orders(tx, GATE))
    assert [order.subject for order in orders] == [seat]
