"""What the server saw of a booked visit moves its appointment; a person's word stands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from clinic_api.actor import system
from clinic_api.db import Database
from clinic_api.scheduling.ending import Decide, decide
from clinic_api.visits.call_log import RoomEnded, gate_ended
from clinic_api.visits.checking_in import SayWhere, check_in
from clinic_api.visits.outcomes import decide_outcomes
from clinic_api.visits.service import OneVisit, end_visit, expire_visits
from tests.clinic_api.conftest import Clock
from tests.clinic_api.scheduling.cast import practice
from tests.clinic_api.visits.booked_cast import BookedCall
from tests.clinic_api.visits.cast import CAROL, GATE, participant

JOBS = system("jobs")
Script = Callable[[BookedCall], Awaitable[None]]


@pytest.fixture
async def call(sqlite_database: Database, clock: Clock) -> BookedCall:
    return await BookedCall.booked(await practice(sqlite_database, clock))


@pytest.fixture
async def call_on_both(database: Database, clock: Clock) -> BookedCall:
    return await BookedCall.booked(await practice(database, clock))


async def test_from_check_in_to_fulfilled(call_on_both: BookedCall) -> None:
    call = call_on_both
    clinic = call.practice
    call.at(-10)
    alice = await clinic.tap(await call.token())
    assert await call.state() == "booked"
    where = SayWhere(visit_id=alice.visit_id, location="At home", callback="+12025550123")
    await clinic.do(check_in, participant(alice), where)
    assert await call.state() == "booked"  # has not come to the call yet
    await clinic.joins(alice, "a1")
    assert await call.state() == "checked_in"
    call.at(1)
    bob = await clinic.bob_enters(alice.visit_id)
    await clinic.joins(bob, "b1")
    assert await call.state() == "checked_in"
    await clinic.is_admitted(alice, "a1")
    assert await call.state() == "in_progress"
    call.at(20)
    await clinic.do(gate_ended, GATE, _over(call, bob))
    assert await call.state() == "fulfilled"
    assert not (await call.appointment()).decided_by_hand


async def test_a_visit_is_held_although_nobody_checked_in(call: BookedCall) -> None:
    await _held(call)
    assert await call.state() == "in_progress"
    visit = await call.visit()
    await call.practice.do(end_visit, call.practice.bob, OneVisit(visit.id))
    assert await call.state() == "fulfilled"


async def _nobody(call: BookedCall) -> None:
    call.at(0)


async def _only_bob(call: BookedCall) -> None:
    call.at(0)
    await _comes(call, "provider")


async def _only_alice_who_gives_up(call: BookedCall) -> None:
    call.at(-5)
    alice = await _comes(call, "patient")
    call.at(12)
    await call.practice.leaves(alice, "patient")


async def _alice_leaves_before_the_start(call: BookedCall) -> None:
    call.at(-10)
    alice = await _comes(call, "patient")
    call.at(-1)
    await call.practice.leaves(alice, "patient")


async def _both_but_never_together(call: BookedCall) -> None:
    await _only_alice_who_gives_up(call)
    call.at(14)
    await _comes(call, "provider")


async def _alice_comes_when_the_grace_is_over(call: BookedCall) -> None:
    call.at(16)
    alice = await _comes(call, "patient")
    call.at(17)
    await call.practice.leaves(alice, "patient")


@pytest.mark.parametrize(
    ("script", "state"),
    [
        (_nobody, "no_show_patient"),
        (_only_bob, "no_show_patient"),
        (_alice_leaves_before_the_start, "no_show_patient"),
        (_alice_comes_when_the_grace_is_over, "no_show_patient"),
        (_only_alice_who_gives_up, "no_show_provider"),
        (_both_but_never_together, "no_show_provider"),
    ],
)
async def test_who_did_not_come_is_told_by_who_was_there(
    call: BookedCall, script: Script, state: str
) -> None:
    await script(call)
    await _job(call)
    early = call.practice.clock.now_s < call.starts_at.timestamp() + 15 * 60
    assert not early or await call.state() == "booked"
    call.at(20)
    await _job(call)
    assert await call.state() == state


async def test_while_the_patient_waits_nothing_is_decided_until_nobody_can_begin_any_more(
    call: BookedCall,
) -> None:
    call.at(0)
    await _comes(call, "patient")
    call.at(80)
    assert await _job(call) == 1
    assert await call.state() == "booked"
    call.at(91)
    await call.practice.database.write(lambda tx: expire_visits(tx, JOBS))
    assert await call.state() == "no_show_provider"


async def test_who_comes_late_and_is_seen_has_not_missed_it(call_on_both: BookedCall) -> None:
    call = call_on_both
    call.at(15)
    await _job(call)
    assert await call.state() == "no_show_patient"
    call.at(25)
    bob = await _held(call)
    call.at(40)
    await call.practice.do(gate_ended, GATE, _over(call, bob))
    assert await call.state() == "fulfilled"


@pytest.mark.parametrize("said", ["no_show_patient", "no_show_provider", "fulfilled"])
async def test_a_persons_word_is_never_overwritten(call: BookedCall, said: Any) -> None:
    call.at(1)
    version = (await call.appointment()).version
    word = Decide(appointment_id=call.appointment_id, version=version, outcome="no_show_patient")
    decided = await call.practice.do(decide, CAROL, word)
    if said != "no_show_patient":
        word = Decide(appointment_id=decided.id, version=decided.version, outcome=said)
        await call.practice.do(decide, CAROL, word)
    call.at(5)
    bob = await _held(call)
    await call.practice.do(gate_ended, GATE, _over(call, bob))
    call.at(20)
    await _job(call)
    assert await call.state() == said


async def test_a_visit_that_is_closed_while_the_patient_waits_was_missed_by_the_clinic(
    call: BookedCall,
) -> None:
    call.at(2)
    await _comes(call, "patient")
    visit = await call.visit()
    await call.practice.do(end_visit, call.practice.bob, OneVisit(visit.id))
    assert await call.state() == "booked"
    call.at(15)
    await _job(call)
    assert await call.state() == "no_show_provider"


async def _comes(call: BookedCall, role: Any) -> Any:
    entered = await call.practice.tap(await call.token(role))
    await call.practice.joins(entered, role)
    return entered


async def _held(call: BookedCall) -> Any:
    """Both are in the call together; Bob's seat."""
    if call.practice.clock.now_s < call.starts_at.timestamp():
        call.at(0)
    bob = await _comes(call, "provider")
    alice = await _comes(call, "patient")
    await call.practice.is_admitted(alice, "patient")
    return bob


def _over(call: BookedCall, seat: Any) -> RoomEnded:
    at = call.practice.clock.now_s
    return RoomEnded(room=seat.room, subject=seat.participant_id, at=at)


async def _job(call: BookedCall) -> int:
    return await call.practice.database.write(lambda tx: decide_outcomes(tx, JOBS))
