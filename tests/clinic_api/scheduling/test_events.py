"""What a patient is told of an appointment: where they wish it, without anything of health."""

from __future__ import annotations

from datetime import timedelta

from clinic_api.directory.model import ContactRule
from clinic_api.directory.service import ChangePatient, OnePatient, change_patient, read_patient
from clinic_api.mail.kinds import find
from clinic_api.mail.rendering import Clinic, Rendered, Wanted, render
from clinic_api.outbox import about_of
from clinic_api.outbox_store import outbox
from clinic_api.scheduling.ending import (
    Cancel,
    ExpireHolds,
    approve,
    cancel,
    decline,
    expire_holds,
)
from clinic_api.scheduling.moving import Move, take_move
from clinic_api.transaction import Transaction
from tests.clinic_api.scheduling.cast import HALF_HOUR, NINE, Practice, one
from tests.clinic_api.visits.cast import CAROL, GATE

EXAMPLE = Clinic(name="Example Clinic", phone="+12025550100", zone="America/New_York")


async def wanted(clinic: Practice) -> dict[str, Wanted | None]:
    """What every mail has to say now, by kind."""

    def look(tx: Transaction) -> dict[str, Wanted | None]:
        rows = tx.all(tx.select(outbox))
        return {row.kind: find(tx, row.kind, about_of(row), row.created_at) for row in rows}

    return await clinic.database.read(look)


async def test_a_mail_says_time_clinic_and_link_and_no_service_or_name(clinic: Practice) -> None:
    service_id = await clinic.service(name="Oncology", step_min=30)
    await clinic.booked(clinic.alice, service_id=service_id, zone="Europe/Paris", reason="A lump")
    found = (await wanted(clinic))["appointment.booked"]
    assert found is not None
    mail: Rendered = render("appointment.booked", "en", EXAMPLE, found, "https://clinic.example")
    assert "15:00 (Europe/Paris)" in mail.text  # her own clock, not the clinic's
    assert mail.link == "https://clinic.example/sign-in"
    said = mail.subject + mail.text + mail.html
    assert [word for word in ("Oncology", "Bob", "lump", "Alice") if word in said] == []


async def test_what_does_not_stand_any_more_is_not_sent(clinic: Practice) -> None:
    old = await clinic.booked(clinic.alice)
    move = Move(appointment_id=old.id, version=old.version, starts_at=NINE + HALF_HOUR)
    new = await clinic.do(take_move, clinic.alice, move)
    now = await wanted(clinic)
    assert now["appointment.booked"] is None
    assert now["appointment.moved"] is not None
    await clinic.do(cancel, clinic.alice, Cancel(appointment_id=new.id, version=new.version))
    now = await wanted(clinic)
    assert now["appointment.moved"] is None
    assert now["appointment.cancelled"] is not None
    clinic.clock.advance((NINE + timedelta(days=1) - clinic.database.now()).total_seconds())
    assert set((await wanted(clinic)).values()) == {None}


async def test_a_request_that_is_declined_is_answered(clinic: Practice) -> None:
    service_id = await clinic.service(needs_approval=True, step_min=30)
    asked = await clinic.booked(clinic.alice, service_id=service_id)
    await clinic.do(decline, CAROL, one(asked))
    told = await wanted(clinic)
    declined = told["appointment.declined"]
    assert (set(told), declined is not None) == ({"appointment.declined"}, True)
    assert declined is not None and declined.invite is None  # no calendar ever had it
    mail: Rendered = render("appointment.declined", "en", EXAMPLE, declined, "https://c.example")
    assert "09:00 (America/New_York)" in mail.text


async def test_a_request_that_nobody_answered_in_time_lapses_and_the_patient_is_told(
    clinic: Practice,
) -> None:
    service_id = await clinic.service(needs_approval=True, step_min=30)
    await clinic.booked(clinic.alice, service_id=service_id)
    await clinic.hold(clinic.eve, NINE + HALF_HOUR)  # lapses too, and tells nobody
    clinic.clock.advance((NINE - clinic.database.now()).total_seconds())
    assert await clinic.do(expire_holds, GATE, ExpireHolds()) == 2
    told = await wanted(clinic)
    assert set(told) == {"appointment.lapsed"}
    assert told["appointment.lapsed"] is not None  # although its time has begun


async def test_what_was_booked_and_is_declined_after_a_move_leaves_the_calendar(
    clinic: Practice,
) -> None:
    service_id = await clinic.service(needs_approval=True, step_min=30)
    asked = await clinic.booked(clinic.alice, service_id=service_id)
    booked = await clinic.do(approve, CAROL, one(asked))
    move = Move(appointment_id=booked.id, version=booked.version, starts_at=NINE + HALF_HOUR)
    moved = await clinic.do(take_move, clinic.alice, move)
    await clinic.do(decline, CAROL, one(moved))
    declined = (await wanted(clinic))["appointment.declined"]
    assert declined is not None and declined.invite is not None
    assert declined.invite.method == "CANCEL"


async def test_who_wants_no_mail_gets_none(clinic: Practice) -> None:
    patient = await clinic.see(read_patient, CAROL, OnePatient(clinic.patients[0]))
    never = ChangePatient(
        patient_id=patient.id,
        version=patient.version,
        name="Alice",
        emails=("alice@example.org",),
        contact_rules=(ContactRule(channel="email", rule="never"),),
    )
    await clinic.do(change_patient, CAROL, never)
    await clinic.booked(clinic.alice)
    assert await clinic.rows(outbox) == []
