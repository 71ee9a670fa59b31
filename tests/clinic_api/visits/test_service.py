"""Visits: made at once or by a walk-in, seen by who may, ended."""

from __future__ import annotations

import pytest

from clinic_api.actor import STRANGER, Actor, system
from clinic_api.directory import store as people
from clinic_api.directory.relations import treating_practitioners
from clinic_api.directory.service import ChangePractitioner, change_practitioner
from clinic_api.outbox_store import outbox
from clinic_api.visits import store
from clinic_api.visits.invitations import Invite, OneSeat, invite, renew_link, revoke, show_link
from clinic_api.visits.service import (
    CreateInstantVisit,
    ListVisits,
    OneVisit,
    WalkIn,
    create_instant_visit,
    end_visit,
    expire_visits,
    list_visits,
    read_visit,
    walk_in,
)
from tests.clinic_api.visits.cast import (
    CAROL,
    CHARLIE,
    CONSOLE,
    Clinic,
    participant,
    signed_in,
    token_in,
    user_id,
)

OTHER_DOCTOR = Actor(
    kind="user", id=user_id(7), roles=frozenset({"doctor"}), practitioner_id=user_id(70)
)
ADMIN = Actor(kind="user", id=user_id(8), roles=frozenset({"admin"}))


@pytest.mark.parametrize("contact", [{}, {"phone": "(202) 555-0123"}, {"email": "A@Example.com"}])
async def test_a_name_alone_makes_a_visit_with_link_code_and_picture(
    clinic_on_both: Clinic, contact: dict[str, str]
) -> None:
    clinic = clinic_on_both
    made = await clinic.visit(**contact)
    assert made.visit.state == "planned"
    assert made.link.url == "https://call.clinic.example" + made.link.path
    assert len(made.link.code) == 8
    assert made.link.qr.startswith("<svg")
    (alice,) = [seat for seat in made.visit.participants if seat.role == "patient"]
    assert alice.phone == ("+12025550123" if "phone" in contact else "")
    assert alice.email == ("a@example.com" if "email" in contact else "")
    mails = await clinic.rows(outbox)
    assert [row.recipient for row in mails] == (["a@example.com"] if "email" in contact else [])


async def test_a_visit_makes_the_doctor_one_who_treats(clinic: Clinic) -> None:
    made = await clinic.visit()
    patient_id = made.visit.patient_id or ""
    treats = await clinic.database.read(lambda tx: treating_practitioners(tx, patient_id))
    assert treats == (clinic.bob.practitioner_id,)


async def test_the_reason_is_sealed_and_hidden_from_the_desk(clinic: Clinic) -> None:
    made = await clinic.visit(reason="A secret rash")
    assert (await clinic.see(read_visit, clinic.bob, OneVisit(made.id))).reason == "A secret rash"
    assert (await clinic.see(read_visit, CAROL, OneVisit(made.id))).reason == ""
    assert b"rash" not in b"".join(row.reason for row in await clinic.rows(store.visits))


async def test_a_doctor_does_not_begin_to_treat_somebody_on_file_by_a_visit(clinic: Clinic) -> None:
    patient_id = (await clinic.visit()).visit.patient_id or ""
    command = CreateInstantVisit(patient_id=patient_id)
    refused = await clinic.refusal(create_instant_visit, OTHER_DOCTOR, command)
    assert refused.code == "not_found"
    treats = await clinic.database.read(lambda tx: treating_practitioners(tx, patient_id))
    assert treats == (clinic.bob.practitioner_id,)
    again = await clinic.do(create_instant_visit, clinic.bob, command)
    assert again.visit.patient_id == patient_id


async def test_a_doctor_makes_visits_for_nobody_else(clinic: Clinic) -> None:
    command = CreateInstantVisit(name="Alice", practitioner_id=clinic.bob.practitioner_id)
    refused = await clinic.refusal(create_instant_visit, OTHER_DOCTOR, command)
    assert refused.code == "not_found"
    assert (await clinic.do(create_instant_visit, CAROL, command)).visit.state == "planned"


@pytest.mark.parametrize("actor", [CHARLIE, OTHER_DOCTOR], ids=["Charlie", "another doctor"])
async def test_what_is_not_ones_own_is_not_there_and_the_look_is_audited(
    clinic: Clinic, actor: Actor
) -> None:
    made = await clinic.visit()
    seat = OneSeat(visit_id=made.id, participant_id=made.link.participant_id)
    refused = await clinic.refusal(read_visit, actor, OneVisit(made.id))
    absent = await clinic.refusal(read_visit, actor, OneVisit(user_id(1)))
    assert (refused.code, refused.message) == (absent.code, absent.message)
    rows = await clinic.audited("visit.read", "refused")
    assert [row.object_id for row in rows] == [made.id, user_id(1)]
    assert (await clinic.see(list_visits, actor, ListVisits())).items == ()
    for service in (show_link, renew_link, revoke):
        refused = await clinic.refusal(service, actor, seat)
        assert refused.code in ("not_found", "not_allowed")
    refused = await clinic.refusal(end_visit, actor, OneVisit(made.id))
    assert refused.code in ("not_found", "not_allowed")


async def test_a_participant_sees_the_own_visit_and_nobodys_contacts(clinic: Clinic) -> None:
    made = await clinic.visit(phone="+12025550123", reason="cough")
    other = await clinic.visit(name="Dave")
    invited = await clinic.do(
        invite, clinic.bob, Invite(visit_id=made.id, role="guest", name="Ines")
    )
    ines = await clinic.tap(invited.path.removeprefix("/join#"))
    seen = await clinic.see(read_visit, participant(ines), OneVisit(made.id))
    assert {seat.name: seat.phone for seat in seen.participants} == {
        "Alice": "",
        "Dr. Bob": "",
        "Ines": "",
    }
    assert seen.reason == ""
    refused = await clinic.refusal(read_visit, participant(ines), OneVisit(other.id))
    assert refused.code == "not_found"


async def test_the_patient_sees_the_own_visits_only(clinic: Clinic) -> None:
    made = await clinic.visit(reason="cough")
    await clinic.visit(name="Dave")
    alice = signed_in(made.visit.patient_id or "")
    (seen,) = (await clinic.see(list_visits, alice, ListVisits())).items
    assert (seen.id, seen.reason) == (made.id, "cough")


async def test_visits_come_in_pages_the_newest_first(clinic: Clinic) -> None:
    made = []
    for _ in range(3):
        made.append((await clinic.visit()).id)
        clinic.clock.advance(1)
    first = await clinic.see(list_visits, CAROL, ListVisits(limit=2))
    rest = await clinic.see(list_visits, CAROL, ListVisits(limit=2, cursor=first.next or ""))
    assert [visit.id for visit in (*first.items, *rest.items)] == made[::-1]
    assert rest.next is None


async def test_a_walk_in_gets_a_link_of_the_own_and_an_unmatched_record(clinic: Clinic) -> None:
    command = WalkIn(address="bob", name="  Alice\u202e ", phone="+12025550123", reason="cough")
    made = await clinic.do(walk_in, STRANGER, command)
    assert [seat.name for seat in made.visit.participants] == ["Alice"]
    entered = await clinic.tap(token_in(made))
    assert entered.call_token
    (row,) = await clinic.rows(people.patients)
    assert row.state == "unmatched"


async def test_nobody_walks_in_where_it_is_not_wanted(clinic: Clinic) -> None:
    absent = await clinic.refusal(walk_in, STRANGER, WalkIn(address="eve", name="Alice"))
    closed = ChangePractitioner(
        practitioner_id=clinic.bob.practitioner_id or "",
        version=1,
        name="Dr. Bob",
        address="bob",
        accepts_walk_ins=False,
    )
    await clinic.do(change_practitioner, ADMIN, closed)
    refused = await clinic.refusal(walk_in, STRANGER, WalkIn(address="bob", name="Alice"))
    assert refused.code == absent.code == "not_found"


async def test_ending_before_the_beginning_cancels(clinic: Clinic) -> None:
    made = await clinic.visit()
    ended = await clinic.do(end_visit, clinic.bob, OneVisit(made.id))
    assert ended.state == "cancelled"
    refused = await clinic.refusal(end_visit, clinic.bob, OneVisit(made.id))
    assert refused.code == "illegal_event"


async def test_what_nobody_came_to_expires(clinic: Clinic) -> None:
    jobs = system("jobs")
    stale = await clinic.visit()
    clinic.clock.advance(24 * 3600 - 1)
    assert await clinic.database.write(lambda tx: expire_visits(tx, jobs)) == 0
    clinic.clock.advance(1)
    fresh = await clinic.visit()
    assert await clinic.database.write(lambda tx: expire_visits(tx, jobs)) == 1
    states = {row.id: row.state for row in await clinic.rows(store.visits)}
    assert states == {stale.id: "expired", fresh.id: "planned"}


async def test_only_guests_patients_and_proxies_are_invited(clinic: Clinic) -> None:
    made = await clinic.visit()
    command = Invite(visit_id=made.id, role="provider", name="Eve")
    refused = await clinic.refusal(invite, CAROL, command)
    assert (refused.code, list(refused.fields)) == ("invalid", ["role"])
    await clinic.do(end_visit, clinic.bob, OneVisit(made.id))
    late = Invite(visit_id=made.id, role="guest", name="Ines")
    assert (await clinic.refusal(invite, CAROL, late)).code == "illegal_event"


async def test_the_doctors_seat_has_no_link_to_show(clinic: Clinic) -> None:
    made = await clinic.visit()
    (bob,) = [seat for seat in made.visit.participants if seat.role == "provider"]
    seat = OneSeat(visit_id=made.id, participant_id=bob.id)
    assert (await clinic.refusal(show_link, CAROL, seat)).code == "not_found"


async def test_a_seat_is_found_in_its_own_visit_only(clinic: Clinic) -> None:
    made, other = await clinic.visit(), await clinic.visit(name="Dave")
    seat = OneSeat(visit_id=other.id, participant_id=made.link.participant_id)
    assert (await clinic.refusal(show_link, CONSOLE, seat)).code == "not_found"
