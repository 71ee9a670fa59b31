"""Cancelled, not come to, put right: by whom, when, and what the server leaves alone."""

from __future__ import annotations

from datetime import timedelta

from clinic_api.outbox_store import outbox
from clinic_api.scheduling.ending import (
    Cancel,
    Correct,
    Decide,
    Record,
    Step,
    cancel,
    correct,
    decide,
    record,
)
from clinic_api.scheduling.model import AppointmentView
from clinic_api.scheduling.reading import (
    ListAppointments,
    ReadAppointment,
    list_appointments,
    read_appointment,
)
from tests.clinic_api.scheduling.cast import ADA, HALF_HOUR, NINE, Practice
from tests.clinic_api.visits.cast import CAROL, CHARLIE, GATE

MINUTE = timedelta(minutes=1)


def giving_up(view: AppointmentView) -> Cancel:
    return Cancel(appointment_id=view.id, version=view.version, code="patient_wish")


async def fast_forward(clinic: Practice, seconds_after_start: float) -> None:
    clinic.clock.advance((NINE - clinic.database.now()).total_seconds() + seconds_after_start)


async def test_a_cancelled_time_is_free_and_the_patient_is_told(clinic_on_both: Practice) -> None:
    clinic = clinic_on_both
    booked = await clinic.booked(clinic.alice)
    done = await clinic.do(cancel, clinic.alice, giving_up(booked))
    assert (done.state, done.cancelled_by, done.cancel_code, done.late) == (
        "cancelled",
        "patient",
        "patient_wish",
        False,
    )
    assert (await clinic.booked(clinic.eve)).state == "booked"
    assert "appointment.cancelled" in {row.kind for row in await clinic.rows(outbox)}


async def test_giving_up_a_hold_tells_nobody(clinic: Practice) -> None:
    held = await clinic.hold(clinic.alice)
    done = await clinic.do(cancel, clinic.alice, giving_up(held))
    assert (done.state, done.late) == ("cancelled", False)
    assert await clinic.rows(outbox) == []


async def test_a_late_cancellation_counts_as_late_for_patients_only(clinic: Practice) -> None:
    hers = await clinic.booked(clinic.alice)
    other = await clinic.booked(clinic.eve, NINE + HALF_HOUR)
    await fast_forward(clinic, -3600)
    assert (await clinic.do(cancel, clinic.alice, giving_up(hers))).late
    by_staff = await clinic.do(cancel, CAROL, giving_up(other))
    assert (by_staff.late, by_staff.cancelled_by) == (False, "staff")


async def test_nobody_cancels_what_is_not_theirs(clinic: Practice) -> None:
    booked = await clinic.booked(clinic.alice)
    for actor in (CHARLIE, clinic.eve, clinic.dora):
        assert (await clinic.refusal(cancel, actor, giving_up(booked))).code == "not_found"


async def test_a_persons_word_on_a_no_show_is_never_overwritten(clinic: Practice) -> None:
    booked = await clinic.booked(clinic.alice)
    missed = Decide(appointment_id=booked.id, version=booked.version, outcome="no_show_patient")
    assert (await clinic.refusal(decide, clinic.bob, missed)).code == "too_early"
    assert (await clinic.refusal(decide, clinic.alice, missed)).code == "not_allowed"
    await fast_forward(clinic, 60)
    said = await clinic.do(decide, clinic.bob, missed)
    assert said.state == "no_show_patient"
    seen = await clinic.do(record, GATE, Record(appointment_id=booked.id, event="miss_provider"))
    assert (seen.state, seen.decided_by_hand) == ("no_show_patient", True)


async def test_the_server_records_a_visit_and_people_put_its_outcome_right(
    clinic: Practice,
) -> None:
    booked = await clinic.booked(clinic.alice)
    steps: tuple[Step, ...] = ("check_in", "begin", "fulfil")
    for event in steps:
        state = (await clinic.do(record, GATE, Record(appointment_id=booked.id, event=event))).state
    assert state == "fulfilled"
    await fast_forward(clinic, 3600)
    found = await clinic.see(read_appointment, CAROL, ReadAppointment(booked.id))
    other = Decide(appointment_id=booked.id, version=found.version, outcome="no_show_patient")
    assert (await clinic.do(decide, CAROL, other)).state == "no_show_patient"
    again = await clinic.do(record, GATE, Record(appointment_id=booked.id, event="fulfil"))
    assert again.state == "no_show_patient"


async def test_the_server_says_no_show_after_a_quarter_of_an_hour(clinic: Practice) -> None:
    booked = await clinic.booked(clinic.alice)
    missed = Record(appointment_id=booked.id, event="miss_patient")
    await fast_forward(clinic, 14 * 60)
    assert (await clinic.refusal(record, GATE, missed)).code == "too_early"
    await fast_forward(clinic, 15 * 60)
    assert (await clinic.do(record, GATE, missed)).state == "no_show_patient"


async def test_only_an_administrator_says_that_it_was_an_error(clinic: Practice) -> None:
    booked = await clinic.booked(clinic.alice)
    error = Correct(appointment_id=booked.id, version=booked.version, why="Wrong patient")
    assert (await clinic.refusal(correct, CAROL, error)).code == "not_allowed"
    done = await clinic.do(correct, ADA, error)
    assert (done.state, done.staff_reason) == ("entered_in_error", "Wrong patient")
    assert "09:00" in await clinic.free(clinic.eve)


async def test_each_sees_their_own_appointments_by_start(clinic: Practice) -> None:
    second = await clinic.booked(clinic.alice, NINE + HALF_HOUR, reason="My back")
    first = await clinic.booked(clinic.alice)
    hers = await clinic.see(list_appointments, clinic.alice, ListAppointments())
    assert [each.id for each in hers.items] == [first.id, second.id]
    assert hers.items[1].reason == "My back"
    for nobody in (CHARLIE, clinic.eve, clinic.dora):
        assert (await clinic.see(list_appointments, nobody, ListAppointments())).items == ()
    bobs = await clinic.see(list_appointments, clinic.bob, ListAppointments(limit=1))
    assert [each.id for each in bobs.items] == [first.id]
    rest = ListAppointments(limit=1, cursor=bobs.next or "")
    assert [each.id for each in (await clinic.see(list_appointments, clinic.bob, rest)).items] == [
        second.id
    ]
    desk = await clinic.see(list_appointments, CAROL, ListAppointments())
    assert [each.reason for each in desk.items] == ["", ""]  # the desk reads no symptoms


async def test_a_calendar_is_a_practitioner_and_a_range(clinic: Practice) -> None:
    await clinic.booked(clinic.alice)
    later = await clinic.booked(clinic.eve, NINE + 2 * HALF_HOUR)
    asked = ListAppointments(
        practitioner_id=clinic.bob_id, since=NINE + HALF_HOUR, until=NINE + 3 * HALF_HOUR
    )
    found = await clinic.see(list_appointments, CAROL, asked)
    assert [each.id for each in found.items] == [later.id]


async def test_a_foreign_record_is_not_listed_even_by_asking_for_it(clinic: Practice) -> None:
    await clinic.booked(clinic.alice)
    asked = ListAppointments(patient_id=clinic.patients[0])
    for actor in (CHARLIE, clinic.dora):
        assert (await clinic.refusal(list_appointments, actor, asked)).code == "not_found"
    assert len((await clinic.see(list_appointments, clinic.bob, asked)).items) == 1
