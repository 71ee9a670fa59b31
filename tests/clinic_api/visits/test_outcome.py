"""The arithmetic of what came of a booked visit, in every state; every event is legal or changes
nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import product
from typing import get_args

import pytest

from clinic_api.db import Database
from clinic_api.scheduling import store as appointments
from clinic_api.scheduling.appointment import NO_SHOW_AFTER, OUTCOMES, STATES, TABLE, State
from clinic_api.scheduling.ending import Record, Step, record
from clinic_api.transaction import Transaction
from clinic_api.visits.booked import GIVEN_UP, follow
from clinic_api.visits.model import Participation
from clinic_api.visits.outcome import Evidence, outcome
from clinic_api.visits.store import visit_of, visits
from clinic_api.visits.visit import OPEN
from clinic_api.visits.visit import STATES as VISIT_STATES
from tests.clinic_api.conftest import Clock
from tests.clinic_api.scheduling.cast import practice
from tests.clinic_api.visits.booked_cast import BookedCall
from tests.clinic_api.visits.cast import CONSOLE

START = datetime(2026, 6, 1, 13, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HELD = {state: "fulfil" if state not in OPEN else None for state in VISIT_STATES}


@pytest.fixture
async def call(sqlite_database: Database, clock: Clock) -> BookedCall:
    return await BookedCall.booked(await practice(sqlite_database, clock))


@pytest.mark.parametrize("state", VISIT_STATES)
@pytest.mark.parametrize("minutes", [-30, 0, 14, 15, 60, 91])
def test_what_was_held_is_fulfilled_when_it_is_over_and_never_missed(
    state: str, minutes: int
) -> None:
    evidence = _evidence(state, held=True)
    assert outcome(evidence, START + minutes * MINUTE) == HELD[evidence.state]


@pytest.mark.parametrize("state", VISIT_STATES)
@pytest.mark.parametrize("came", [(), ((-5, None),), ((-5, -1),), ((0, 3),), ((16, 20),)])
def test_nothing_is_missed_before_the_grace_is_over(
    state: str, came: tuple[tuple[int, int | None], ...]
) -> None:
    evidence = _evidence(state, *came)
    assert outcome(evidence, START + NO_SHOW_AFTER - timedelta(seconds=1)) is None


@pytest.mark.parametrize(
    ("came", "missed"),
    [
        ((), "miss_patient"),
        (((-5, -1),), "miss_patient"),
        (((16, 20),), "miss_patient"),
        (((-5, 0),), "miss_provider"),
        (((-5, -1), (3, 4)), "miss_provider"),
        (((15, 20),), "miss_provider"),
    ],
)
def test_whoever_was_not_there_in_the_grace_missed_it(
    came: tuple[tuple[int, int], ...], missed: str
) -> None:
    for state in ("planned", "ended", "expired", "cancelled"):
        assert outcome(_evidence(state, *came), START + 30 * MINUTE) == missed


def test_who_waits_keeps_it_open_until_nobody_can_begin_any_more() -> None:
    waits = _evidence("waiting", (0, None))
    assert outcome(waits, START + 89 * MINUTE) is None
    assert outcome(waits, START + 90 * MINUTE) == "miss_provider"


async def test_every_word_of_a_visit_fits_its_appointment_or_changes_nothing(
    call: BookedCall,
) -> None:
    call.at(20)

    def tell(tx: Transaction, state: State, step: Step) -> str:
        tx.update(appointments.appointments, CONSOLE, call.appointment_id, state=state)
        command = Record(appointment_id=call.appointment_id, event=step)
        return record(tx, CONSOLE, command).state

    for state, step in product(STATES, get_args(Step)):
        stands = state in OUTCOMES and step != "fulfil"
        following = state if stands else TABLE[state].get(step, state)
        told = await call.practice.database.write(partial(tell, state=state, step=step))
        assert told == following, (state, step)


async def test_every_change_of_an_appointment_leaves_its_visit_in_a_state_that_fits(
    call: BookedCall,
) -> None:
    def change(tx: Transaction, state: State, visit_state: str) -> str:
        visit = visit_of(tx, call.appointment_id)
        assert visit is not None
        tx.update(visits, CONSOLE, visit.id, state=visit_state)
        tx.update(appointments.appointments, CONSOLE, call.appointment_id, state=state)
        appointment = appointments.find(tx, call.appointment_id)
        assert appointment is not None
        follow(tx, CONSOLE, appointment)
        after = visit_of(tx, call.appointment_id)
        assert after is not None
        return after.state

    for state, before in product(STATES, VISIT_STATES):
        ends = state in GIVEN_UP and before in ("planned", "waiting")
        after = await call.practice.database.write(partial(change, state=state, visit_state=before))
        assert after == ("cancelled" if ends else before), (state, before)


def _evidence(state: str, *came: tuple[int, int | None], held: bool = False) -> Evidence:
    """Minutes from the start to coming and leaving."""
    return Evidence(
        state=next(each for each in VISIT_STATES if each == state),
        starts_at=START,
        expires_at=START + 90 * MINUTE,
        held=held,
        patient_side=[_coming(begin, end) for begin, end in came],
    )


def _coming(begin: int, end: int | None) -> Participation:
    return Participation(
        id="c",
        visit_id="v",
        participant_id="p",
        peer="a1",
        joined_at=START + begin * MINUTE,
        admitted_at=None,
        left_at=None if end is None else START + end * MINUTE,
        why="",
        media="",
    )
