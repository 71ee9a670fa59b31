"""Being there: connections that go silent, seats that are held, seats that nobody came back for."""

from __future__ import annotations

import math

from signaling.core import messages as m
from signaling.core.closing import Closing
from signaling.core.seat import Seat
from signaling.core.seat_states import SeatEvent
from signaling.core.state import RoomState


def lost(state: RoomState, connection: str, now: float) -> None:
    """The connection is gone; the seat is held, others see that the person is away."""
    seat = state.seat_at(connection)
    if seat is not None:
        state.detach(seat, now)
        state.changed()


def leave(state: RoomState, seat: Seat, message: m.Leave, now: float) -> None:
    """The person gives the seat up at once."""
    state.vacate(seat, SeatEvent.LEAVE, Closing.LEFT, now, last_word=m.Done(message.request))


def be_active(state: RoomState, seat: Seat, message: m.Active, now: float) -> None:
    """Others are told that the person cannot take part just now, or can again."""
    del now
    if seat.activity != message.state:
        seat.activity = message.state
        state.changed()


def next_deadline(state: RoomState) -> float | None:
    """When the first silence or absence becomes too long (Unix seconds)."""
    due = min((_deadline(state, seat) for seat in state.seats.values()), default=math.inf)
    return None if math.isinf(due) else due


def check(state: RoomState, now: float) -> None:
    """Hang up on the silent and give up the seats of those who are long away."""
    for seat in list(state.seats.values()):
        if now < _deadline(state, seat):
            continue
        if seat.connection is not None:
            state.hang_up(seat, Closing.HEARTBEAT, now)
            state.changed()
        else:
            state.vacate(seat, SeatEvent.EXPIRE, Closing.SEAT_GONE, now)


def _deadline(state: RoomState, seat: Seat) -> float:
    if seat.is_device:
        return math.inf if seat.media_up else seat.away_since + state.settings.device_media_s
    if seat.connection is None:
        return seat.away_since + state.settings.seat_held_s
    return seat.heard_at + state.settings.heartbeat_s * state.settings.missed_heartbeats
