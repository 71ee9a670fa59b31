"""One line for booked visits and walk-ins: by the time that was booked, else by arrival."""

from __future__ import annotations

import pytest

from clinic_api.actor import STRANGER
from clinic_api.db import Database
from clinic_api.visits.joining import OpenLink, open_link
from clinic_api.visits.service import WalkIn, walk_in
from clinic_api.visits.waiting import (
    QueueOf,
    QueuePlace,
    SayLate,
    WaitingRoomOf,
    read_queue,
    read_waiting_room,
    say_late,
)
from tests.clinic_api.conftest import Clock
from tests.clinic_api.scheduling.cast import Practice, practice
from tests.clinic_api.visits.booked_cast import BookedCall
from tests.clinic_api.visits.cast import CONSOLE, token_in


@pytest.fixture
async def call(database: Database, clock: Clock) -> BookedCall:
    return await BookedCall.booked(await practice(database, clock))


async def test_a_walk_in_stands_by_arrival_and_a_booked_patient_by_the_booked_time(
    call: BookedCall,
) -> None:
    clinic = call.practice
    call.at(-12)
    early = await _walks_in(clinic, "Dave")
    call.at(-10)
    alice = await clinic.tap(await call.token())
    await clinic.joins(alice, "alice")
    call.at(2)
    late = await _walks_in(clinic, "Frank")
    room = await clinic.see(read_waiting_room, clinic.bob, WaitingRoomOf(clinic.bob_id))
    assert [one.name for one in room.items] == ["Dave", "Alice", "Frank"]
    assert [one.starts_at for one in room.items] == [None, call.starts_at, None]
    places = [(await _place(clinic, each)).position for each in (early, alice.visit_id, late)]
    assert places == [1, 2, 3]


async def test_whoever_is_due_keeps_the_place_until_the_grace_is_over(call: BookedCall) -> None:
    call.at(5)
    walk_in_id = await _walks_in(call.practice, "Dave")
    assert (await _place(call.practice, walk_in_id)).position == 2
    call.at(16)
    assert (await _place(call.practice, walk_in_id)).position == 1


async def test_nobody_booked_is_promised_a_time_before_the_booked_one(call: BookedCall) -> None:
    call.at(-14)
    visit = await call.visit()
    assert (await _place(call.practice, visit.id)).wait_minutes == 15


async def test_a_booked_patient_is_told_that_it_gets_late_before_coming(call: BookedCall) -> None:
    clinic = call.practice
    call.at(-20)
    visit = await call.visit()
    await clinic.do(say_late, clinic.bob, SayLate(visit_id=visit.id, minutes=40))
    seen = await clinic.see(open_link, STRANGER, OpenLink(token=await call.token()))
    assert (seen.state, seen.late_minutes) == ("early", 40)
    assert (await _place(clinic, visit.id)).wait_minutes == 40


async def _walks_in(clinic: Practice, name: str) -> str:
    made = await clinic.do(walk_in, STRANGER, WalkIn(address="bob", name=name))
    await clinic.joins(await clinic.tap(token_in(made)), name)
    return made.id


async def _place(clinic: Practice, visit_id: str) -> QueuePlace:
    return await clinic.see(read_queue, CONSOLE, QueueOf(visit_id))
