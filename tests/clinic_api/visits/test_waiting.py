"""The waiting room: one's own place, nobody else's; the doctor's word that it gets late."""

from __future__ import annotations

from clinic_api.visits.joining import Entered
from clinic_api.visits.service import OneVisit, end_visit, read_visit
from clinic_api.visits.waiting import (
    QueueOf,
    SayLate,
    WaitingRoomOf,
    read_queue,
    read_waiting_room,
    say_late,
)
from tests.clinic_api.visits.cast import (
    CAROL,
    CHARLIE,
    CONSOLE,
    Clinic,
    participant,
    token_in,
)
from tests.clinic_api.visits.test_service import OTHER_DOCTOR


async def test_the_place_counts_who_came_before(clinic_on_both: Clinic) -> None:
    clinic = clinic_on_both
    first, second = await _waits(clinic, "Alice"), await _waits(clinic, "Dave")
    assert (await clinic.see(read_queue, participant(first), QueueOf(first.visit_id))).position == 1
    seen = await clinic.see(read_queue, participant(second), QueueOf(second.visit_id))
    assert (seen.position, seen.wait_minutes) == (2, None)


async def test_the_estimate_comes_from_visits_that_were(clinic: Clinic) -> None:
    for _ in range(3):
        await _whole_visit(clinic, 10 * 60)
    first, second = await _waits(clinic, "Alice"), await _waits(clinic, "Dave")
    seen = await clinic.see(read_queue, participant(second), QueueOf(second.visit_id))
    assert (seen.position, seen.wait_minutes) == (2, 10)
    await clinic.is_admitted(first, "Alice")
    bob = await clinic.bob_enters(first.visit_id)
    await clinic.joins(bob, "bob")
    clinic.clock.advance(3 * 60)
    seen = await clinic.see(read_queue, participant(second), QueueOf(second.visit_id))
    assert (seen.position, seen.wait_minutes) == (1, 10)  # 7 minutes are left, rounded up


async def test_nobody_reads_anothers_place(clinic: Clinic) -> None:
    first, second = await _waits(clinic, "Alice"), await _waits(clinic, "Dave")
    for actor in (participant(first), CHARLIE, OTHER_DOCTOR):
        refused = await clinic.refusal(read_queue, actor, QueueOf(second.visit_id))
        assert refused.code == "not_found"


async def test_the_doctors_word_is_told_and_fades(clinic: Clinic) -> None:
    seat = await _waits(clinic, "Alice")
    alice = participant(seat)
    await clinic.do(say_late, clinic.bob, SayLate(visit_id=seat.visit_id, minutes=20))
    seen = await clinic.see(read_queue, alice, QueueOf(seat.visit_id))
    assert (seen.wait_minutes, seen.late_minutes) == (20, 20)
    clinic.clock.advance(12 * 60)
    assert (await clinic.see(read_queue, alice, QueueOf(seat.visit_id))).wait_minutes == 10
    await clinic.do(end_visit, clinic.bob, OneVisit(seat.visit_id))
    refused = await clinic.refusal(say_late, clinic.bob, SayLate(visit_id=seat.visit_id, minutes=5))
    assert refused.code == "illegal_event"


async def test_who_waits_is_seen_by_the_doctor_and_the_desk_in_order(clinic: Clinic) -> None:
    first, second = await _waits(clinic, "Alice"), await _waits(clinic, "Dave")
    await clinic.visit(name="Erin")  # has not come
    room = WaitingRoomOf(clinic.bob.practitioner_id or "")
    for actor in (clinic.bob, CAROL):
        seen = await clinic.see(read_waiting_room, actor, room)
        assert [one.name for one in seen.items] == ["Alice", "Dave"]
    assert [one.visit_id for one in seen.items] == [first.visit_id, second.visit_id]
    assert (await clinic.refusal(read_waiting_room, OTHER_DOCTOR, room)).code == "not_found"
    assert (await clinic.refusal(read_waiting_room, CHARLIE, room)).code == "not_allowed"


async def test_a_visit_that_goes_on_has_no_place(clinic: Clinic) -> None:
    seat = await _waits(clinic, "Alice")
    await clinic.is_admitted(seat, "Alice")
    seen = await clinic.see(read_queue, CONSOLE, QueueOf(seat.visit_id))
    assert (seen.state, seen.position, seen.wait_minutes) == ("in_progress", 0, None)


async def _waits(clinic: Clinic, name: str) -> Entered:
    clinic.clock.advance(1)
    seat = await clinic.tap(token_in(await clinic.visit(name=name)))
    await clinic.joins(seat, name)
    return seat


async def _whole_visit(clinic: Clinic, seconds: float) -> None:
    made = await clinic.visit()
    alice, bob = await clinic.tap(token_in(made)), await clinic.bob_enters(made.id)
    await clinic.joins(bob, "bob")
    await clinic.joins(alice, "alice")
    await clinic.is_admitted(alice, "alice")
    clinic.clock.advance(seconds)
    await clinic.do(end_visit, clinic.bob, OneVisit(made.id))
    seen = await clinic.see(read_visit, CONSOLE, OneVisit(made.id))
    assert seen.call_ended_at is not None
