"""Every state × event of an appointment, and what guards say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from clinic_api.errors import Refused
from clinic_api.scheduling.appointment import (
    EVENTS,
    LIVE,
    NO_SHOW_AFTER,
    STATES,
    TABLE,
    Event,
    Facts,
    State,
    after,
    is_late,
)

START = datetime(2027, 1, 4, 9, tzinfo=UTC)
DAY = timedelta(days=1)
# What may come next, written down once more: whoever changes the table says so here.
FLOW: dict[State, str] = {
    "held": "booked pending_payment pending_approval expired cancelled",
    "pending_payment": "booked pending_approval expired cancelled",
    "pending_approval": "booked cancelled expired",
    "booked": "moved cancelled checked_in no_show_patient no_show_provider",
    "checked_in": "cancelled in_progress no_show_patient no_show_provider",
    "in_progress": "fulfilled",
    "fulfilled": "no_show_patient no_show_provider",
    "no_show_patient": "fulfilled no_show_provider",
    "no_show_provider": "fulfilled no_show_patient",
}


def facts(**more: Any) -> Facts:
    values: dict[str, Any] = {"by": "staff", "now": START - 2 * DAY, "starts_at": START}
    return Facts(**(values | {"has_reason": True, "max_moves": 3} | more))


def fitting(event: Event) -> Facts:
    """Facts with which no guard refuses the event."""
    if event in ("miss_patient", "miss_provider"):
        return facts(now=START + DAY)
    if event == "expire":
        return facts(expires_at=START - 3 * DAY)
    return facts()


def code(state: State, event: Event, told: Facts) -> str:
    with pytest.raises(Refused) as refused:
        after(state, event, told)
    return refused.value.code


@pytest.mark.parametrize("state", STATES)
def test_every_event_in_every_state(state: State) -> None:
    reached = set()
    for event in EVENTS:
        if event in TABLE[state]:
            reached.add(after(state, event, fitting(event)))
        else:
            assert code(state, event, fitting(event)) == "illegal_event"
    wanted = {*FLOW.get(state, "").split(), "entered_in_error"}
    assert reached == (wanted if state != "entered_in_error" else set())


def test_what_is_over_takes_up_no_time() -> None:
    over = {state for state in STATES if state not in LIVE}
    assert over == set(STATES) - {
        "held", "pending_payment", "pending_approval", "booked", "checked_in", "in_progress",
    }  # fmt: skip


@pytest.mark.parametrize("state", ["held", "pending_payment", "pending_approval"])
def test_what_has_lapsed_can_only_expire(state: State) -> None:
    over = facts(expires_at=START - 2 * DAY)
    for event in TABLE[state]:
        if event != "expire":
            assert code(state, event, over) == "hold_expired"
    assert after(state, "expire", over) == "expired"
    assert code(state, "expire", facts(expires_at=START)) == "too_early"


def test_a_patient_moves_in_time_and_not_too_often() -> None:
    alice = facts(by="patient", notice_min=24 * 60, now=START - DAY)
    assert after("booked", "move", alice) == "moved"
    late = facts(by="patient", notice_min=24 * 60, now=START - DAY + timedelta(seconds=1))
    assert is_late(late)
    assert code("booked", "move", late) == "too_late"
    assert code("booked", "move", facts(by="patient", moves=3)) == "too_many_moves"


def test_staff_move_late_with_a_reason() -> None:
    late = facts(notice_min=24 * 60, now=START, moves=9)
    assert after("booked", "move", late) == "moved"
    without = facts(notice_min=24 * 60, now=START, has_reason=False)
    assert code("booked", "move", without) == "reason_needed"


def test_a_patient_cancels_late_but_not_after_the_start() -> None:
    late = facts(by="patient", notice_min=24 * 60, now=START - timedelta(minutes=1))
    assert after("booked", "cancel", late) == "cancelled"
    assert code("booked", "cancel", facts(by="patient", now=START)) == "too_late"


def test_nobody_is_missed_before_the_start_and_the_server_waits_longer() -> None:
    assert code("booked", "miss_patient", facts(now=START - timedelta(seconds=1))) == "too_early"
    assert after("booked", "miss_patient", facts(now=START)) == "no_show_patient"
    early = facts(by="system", now=START + NO_SHOW_AFTER - timedelta(seconds=1))
    assert code("booked", "miss_provider", early) == "too_early"
    waited = facts(by="system", now=START + NO_SHOW_AFTER)
    assert after("booked", "miss_provider", waited) == "no_show_provider"


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("event", EVENTS)
def test_the_server_never_decides_over_a_persons_word(state: State, event: Event) -> None:
    decided = facts(by="system", now=START + DAY, decided_by_hand=True)
    assert code(state, event, decided) == "illegal_event"


def test_people_put_right_what_the_server_decided_and_the_server_that_it_was_held() -> None:
    assert after("no_show_patient", "fulfil", facts(now=START + DAY)) == "fulfilled"
    later = facts(by="system", now=START + DAY)
    assert after("no_show_patient", "fulfil", later) == "fulfilled"
    assert code("no_show_patient", "miss_provider", later) == "illegal_event"
    assert code("fulfilled", "miss_patient", later) == "illegal_event"


def test_an_error_is_corrected_with_a_reason() -> None:
    assert code("booked", "correct", facts(has_reason=False)) == "reason_needed"
