"""Moving frees one time and takes another, or nothing has happened; both stay linked."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from clinic_api.errors import Refused
from clinic_api.outbox_store import outbox
from clinic_api.scheduling.ending import approve
from clinic_api.scheduling.flows import move
from clinic_api.scheduling.model import AppointmentView
from clinic_api.scheduling.moving import Move, take_move
from clinic_api.scheduling.reading import ReadAppointment, read_appointment
from clinic_api.scheduling.store import appointments
from tests.clinic_api.scheduling.cast import HALF_HOUR, NINE, Practice, one
from tests.clinic_api.visits.cast import CAROL, CHARLIE

DAY = timedelta(days=1)
LATER = NINE + 7 * DAY


def to(view: AppointmentView, at: Any = NINE + HALF_HOUR, **more: Any) -> Move:
    return Move(appointment_id=view.id, version=view.version, starts_at=at, **more)


async def test_a_moved_appointment_is_linked_both_ways(clinic_on_both: Practice) -> None:
    clinic = clinic_on_both
    old = await clinic.booked(clinic.alice, reason="My back")
    new = await clinic.do(take_move, clinic.alice, to(old))
    assert (new.state, new.moved_from, new.moves, new.reason) == ("booked", old.id, 1, "My back")
    seen = await clinic.see(read_appointment, clinic.alice, ReadAppointment(old.id))
    assert (seen.state, seen.moved_to) == ("moved", new.id)
    assert (await clinic.free(clinic.eve))[:2] == ["09:00", "10:00"]
    rows = {row.id: row for row in await clinic.rows(appointments)}
    assert rows[new.id].uid == rows[old.id].uid == old.id
    assert rows[new.id].sequence > rows[old.id].sequence - 1
    assert await clinic.overlaps() == 0
    kinds = {row.kind for row in await clinic.rows(outbox)}
    assert {"appointment.booked", "appointment.moved"} <= kinds


async def test_a_move_may_overlap_the_time_that_it_frees(clinic: Practice) -> None:
    old = await clinic.book()
    new = await clinic.do(take_move, CAROL, to(old, NINE + timedelta(minutes=10)))
    assert new.local == "2026-06-01T09:10"


async def test_a_move_to_a_taken_time_changes_nothing(clinic_on_both: Practice) -> None:
    clinic = clinic_on_both
    old = await clinic.booked(clinic.alice)
    await clinic.booked(clinic.eve, NINE + HALF_HOUR)
    with pytest.raises(Refused) as refused:
        await move(clinic.database, clinic.alice, to(old))
    assert refused.value.code == "slot_taken"
    assert refused.value.alternatives
    seen = await clinic.see(read_appointment, clinic.alice, ReadAppointment(old.id))
    assert (seen.state, seen.version) == ("booked", old.version)


async def test_two_who_swap_at_once_both_keep_what_they_have(clinic_on_both: Practice) -> None:
    """Neither time is free, so neither moves; they never wait for each other."""
    clinic = clinic_on_both
    hers = await clinic.booked(clinic.alice)
    his = await clinic.booked(clinic.eve, NINE + HALF_HOUR)
    outcomes = await asyncio.gather(
        move(clinic.database, clinic.alice, to(hers)),
        move(clinic.database, clinic.eve, to(his, NINE)),
        return_exceptions=True,
    )
    assert [each.code for each in outcomes if isinstance(each, Refused)] == ["slot_taken"] * 2
    rows = {row.id: row.state for row in await clinic.rows(appointments)}
    assert rows == {hers.id: "booked", his.id: "booked"}


async def test_two_who_move_at_once_to_one_free_time_do_not_both_get_it(
    clinic_on_both: Practice,
) -> None:
    clinic = clinic_on_both
    hers = await clinic.booked(clinic.alice)
    his = await clinic.booked(clinic.eve, NINE + HALF_HOUR)
    wanted = NINE + 3 * HALF_HOUR
    outcomes = await asyncio.gather(
        move(clinic.database, clinic.alice, to(hers, wanted)),
        move(clinic.database, clinic.eve, to(his, wanted)),
        return_exceptions=True,
    )
    assert len([each for each in outcomes if isinstance(each, AppointmentView)]) == 1
    assert await clinic.overlaps() == 0


async def test_patients_move_in_time_and_three_times_staff_later_with_a_reason(
    clinic: Practice,
) -> None:
    moving = await clinic.booked(clinic.alice, LATER)
    for n in range(1, 4):
        moving = await clinic.do(take_move, clinic.alice, to(moving, LATER + n * HALF_HOUR))
    refused = await clinic.refusal(take_move, clinic.alice, to(moving, LATER))
    assert refused.code == "too_many_moves"
    clinic.clock.advance((LATER - clinic.database.now()).total_seconds() - 3600)
    late = to(moving, LATER + 5 * HALF_HOUR)
    assert (await clinic.refusal(take_move, clinic.alice, late)).code == "too_late"
    assert (await clinic.refusal(take_move, CAROL, late)).code == "reason_needed"
    moved = await clinic.do(take_move, CAROL, replace(late, why="Bob is late"))
    assert (moved.staff_reason, moved.moves) == ("Bob is late", 3)


async def test_what_staff_approve_they_approve_anew_when_a_patient_moves_it(
    clinic: Practice,
) -> None:
    service_id = await clinic.service(needs_approval=True, step_min=30)
    waiting = await clinic.booked(clinic.alice, service_id=service_id)
    approved = await clinic.do(approve, CAROL, one(waiting))
    moved = await clinic.do(take_move, clinic.alice, to(approved))
    assert (moved.state, moved.expires_at) == ("pending_approval", NINE + HALF_HOUR)
    approved = await clinic.do(approve, CAROL, one(moved))
    by_staff = await clinic.do(take_move, CAROL, to(approved, NINE, why="Bob is ill"))
    assert by_staff.state == "booked"


async def test_what_is_moved_is_over(clinic: Practice) -> None:
    old = await clinic.booked(clinic.alice)
    await clinic.do(take_move, clinic.alice, to(old))
    again = replace(to(old, NINE + 4 * HALF_HOUR), version=old.version + 2)
    assert (await clinic.refusal(take_move, clinic.alice, again)).code == "illegal_event"


async def test_charlie_and_a_foreign_doctor_move_nothing(clinic: Practice) -> None:
    old = await clinic.booked(clinic.alice)
    assert (await clinic.refusal(take_move, CHARLIE, to(old))).code == "not_found"
    assert (await clinic.refusal(take_move, clinic.dora, to(old))).code == "not_found"
    assert old.practitioner_id == clinic.bob_id
    dora_id = clinic.dora.practitioner_id
    onto_dora = to(old, practitioner_id=dora_id)  # Bob may not fill Dora's hours
    assert (await clinic.refusal(take_move, clinic.bob, onto_dora)).code == "not_found"
