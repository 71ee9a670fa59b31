"""Staff swap two patients' times in one transaction: both have the other's, or nothing happened."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from clinic_api.catalogue.service import CreateOffer, create_offer
from clinic_api.errors import Refused
from clinic_api.outbox_store import outbox
from clinic_api.scheduling.hours import AddHours, add_hours
from clinic_api.scheduling.model import AppointmentView
from clinic_api.scheduling.moving import Swap, swap
from clinic_api.scheduling.reading import ReadAppointment, read_appointment
from clinic_api.scheduling.store import appointments
from tests.clinic_api.auth.people import audited
from tests.clinic_api.scheduling.cast import ADA, HALF_HOUR, MONDAY, NINE, Practice
from tests.clinic_api.visits.cast import CAROL, CHARLIE


def of(one: AppointmentView, other: AppointmentView, **more: Any) -> Swap:
    values: dict[str, Any] = {
        "appointment_id": one.id,
        "version": one.version,
        "other_id": other.id,
        "other_version": other.version,
    }
    return Swap(**(values | more))


async def test_two_patients_have_each_others_times(clinic_on_both: Practice) -> None:
    clinic = clinic_on_both
    alices = await clinic.booked(clinic.alice, reason="My back")
    eves = await clinic.booked(clinic.eve, NINE + HALF_HOUR)
    done = await clinic.do(swap, CAROL, of(alices, eves, why="Alice has to catch a train"))
    assert (done.appointment.patient_id, done.other.patient_id) == (
        alices.patient_id,
        eves.patient_id,
    )
    assert (done.appointment.starts_at, done.other.starts_at) == (NINE + HALF_HOUR, NINE)
    assert (done.appointment.moved_from, done.other.moved_from) == (alices.id, eves.id)
    rows = {row.id: row for row in await clinic.rows(appointments)}
    assert [rows[old.id].state for old in (alices, eves)] == ["moved", "moved"]
    assert rows[alices.id].moved_to == done.appointment.id
    assert await clinic.overlaps() == 0
    told = [row.kind for row in await clinic.rows(outbox)]
    assert told.count("appointment.moved") == 2
    actions = [action for action, _, _ in await audited(clinic.database)]
    assert actions.count("appointment.swap") == 4  # two are freed, two are taken


async def test_a_longer_visit_does_not_fit_and_nothing_has_happened(
    clinic_on_both: Practice,
) -> None:
    """Alice's half hour at 10:00 and Eve's hour at 9:00 would overlap somebody's 9:30."""
    clinic = clinic_on_both
    long = await clinic.service(duration_min=60, step_min=30)
    eves = await clinic.booked(clinic.eve, NINE, service_id=long)
    alices = await clinic.booked(clinic.alice, NINE + 2 * HALF_HOUR)
    await clinic.book(NINE + 3 * HALF_HOUR)
    assert (await clinic.refusal(swap, CAROL, of(alices, eves))).code == "slot_taken"
    for each in (alices, eves):
        seen = await clinic.see(read_appointment, CAROL, ReadAppointment(each.id))
        assert (seen.state, seen.version) == ("booked", each.version)


async def test_the_two_new_times_may_not_overlap_each_other(clinic_on_both: Practice) -> None:
    clinic = clinic_on_both
    long = await clinic.service(duration_min=60, step_min=30)
    alices = await clinic.booked(clinic.alice, NINE)
    eves = await clinic.booked(clinic.eve, NINE + HALF_HOUR, service_id=long)
    assert (await clinic.refusal(swap, CAROL, of(alices, eves))).code == "slot_taken"
    assert {row.state for row in await clinic.rows(appointments)} == {"booked"}


async def test_of_two_practitioners_both_give_what_they_get(clinic: Practice) -> None:
    dora_id = clinic.dora.practitioner_id
    assert dora_id is not None
    hours = AddHours(
        practitioner_id=dora_id,
        weekday=0,
        from_time="09:00",
        until_time="12:00",
        valid_from=MONDAY - timedelta(days=60),
    )
    await clinic.do(add_hours, ADA, hours)
    other = await clinic.service()
    await clinic.do(create_offer, ADA, CreateOffer(service_id=other, practitioner_id=dora_id))
    alices = await clinic.booked(clinic.alice)
    eves = await clinic.booked(
        clinic.eve, NINE + 2 * HALF_HOUR, service_id=other, practitioner_id=dora_id
    )
    assert (await clinic.refusal(swap, CAROL, of(alices, eves))).code == "not_offered"
    offer = CreateOffer(service_id=clinic.service_id, practitioner_id=dora_id)
    await clinic.do(create_offer, ADA, offer)
    done = await clinic.do(swap, CAROL, of(alices, eves))
    assert done.appointment.practitioner_id == dora_id
    assert done.other.practitioner_id == clinic.bob_id


async def test_of_two_who_swap_the_same_one_is_too_late_and_none_waits_for_ever(
    clinic_on_both: Practice,
) -> None:
    clinic = clinic_on_both
    alices = await clinic.booked(clinic.alice)
    eves = await clinic.booked(clinic.eve, NINE + HALF_HOUR)
    outcomes = await asyncio.gather(
        clinic.do(swap, CAROL, of(alices, eves)),
        clinic.do(swap, CAROL, of(eves, alices)),
        return_exceptions=True,
    )
    codes = [each.code for each in outcomes if isinstance(each, Refused)]
    assert codes in (["stale"], ["illegal_event"], ["slot_taken"])
    assert await clinic.overlaps() == 0


async def test_what_was_read_too_long_ago_is_not_swapped(clinic: Practice) -> None:
    alices = await clinic.booked(clinic.alice)
    eves = await clinic.booked(clinic.eve, NINE + HALF_HOUR)
    for old in ({"version": 7}, {"other_version": 7}):
        assert (await clinic.refusal(swap, CAROL, of(alices, eves, **old))).code == "stale"
    assert (await clinic.refusal(swap, CAROL, of(alices, alices))).code == "invalid"


async def test_patients_charlie_and_a_foreign_doctor_swap_nothing(clinic: Practice) -> None:
    alices = await clinic.booked(clinic.alice)
    eves = await clinic.booked(clinic.eve, NINE + HALF_HOUR)
    for who in (clinic.alice, CHARLIE):
        assert (await clinic.refusal(swap, who, of(alices, eves))).code == "not_allowed"
    assert (await clinic.refusal(swap, clinic.dora, of(alices, eves))).code == "not_found"
    assert (await clinic.do(swap, clinic.bob, of(alices, eves))).other.starts_at == NINE
