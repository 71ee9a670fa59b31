"""Every state × every event, walked whole."""

from __future__ import annotations

import itertools

import pytest

from signaling.core import messages as m
from signaling.core import room_phases, seat_states
from signaling.core.room import RULES
from signaling.core.room_phases import RoomEvent, RoomPhase
from signaling.core.seat_states import SeatEvent, SeatState


@pytest.mark.parametrize(("state", "event"), list(itertools.product(SeatState, SeatEvent)))
def test_a_seat_moves_by_its_table_or_not_at_all(state: SeatState, event: SeatEvent) -> None:
    if (state, event) in seat_states.TRANSITIONS:
        assert seat_states.after(state, event) is seat_states.TRANSITIONS[state, event]
    else:
        with pytest.raises(seat_states.IllegalTransition):
            seat_states.after(state, event)


@pytest.mark.parametrize("event", SeatEvent)
@pytest.mark.parametrize("state", [SeatState.REMOVED, SeatState.DENIED, SeatState.LEFT])
def test_nobody_comes_back_from_a_seat_that_is_gone(state: SeatState, event: SeatEvent) -> None:
    assert (state, event) not in seat_states.TRANSITIONS


@pytest.mark.parametrize(("phase", "event"), list(itertools.product(RoomPhase, RoomEvent)))
def test_a_room_moves_by_its_table_or_not_at_all(phase: RoomPhase, event: RoomEvent) -> None:
    if (phase, event) in room_phases.TRANSITIONS:
        assert room_phases.after(phase, event) is room_phases.TRANSITIONS[phase, event]
    else:
        with pytest.raises(room_phases.IllegalPhase):
            room_phases.after(phase, event)


def test_an_ended_room_stays_ended() -> None:
    assert not [phase for phase, _ in room_phases.TRANSITIONS if phase is RoomPhase.ENDED]


def test_every_client_message_but_hello_has_a_rule() -> None:
    assert set(RULES) == set(m.ClientMessage.__args__) - {m.Hello}


def test_the_waiting_may_only_ping_and_leave() -> None:
    assert {kind for kind, rule in RULES.items() if rule.while_waiting} == {m.Ping, m.Leave}
