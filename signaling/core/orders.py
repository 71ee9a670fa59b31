"""What is decided outside the call and holds in it: the visit is over, an access is withdrawn.

Both may be said again: what has happened already happens to nobody.
"""

from __future__ import annotations

from signaling.core.closing import Closing
from signaling.core.room_phases import RoomEvent
from signaling.core.seat_states import SeatEvent
from signaling.core.state import RoomState


def end(state: RoomState, now: float) -> None:
    """Close the room for good, with everybody in it."""
    if not state.ended:
        state.step(RoomEvent.END)
        clear(state, now)


def clear(state: RoomState, now: float) -> None:
    """Let everybody go, because the room has ended."""
    for seat in list(state.seats.values()):
        state.vacate(seat, SeatEvent.END, Closing.ENDED, now)


def withdraw(state: RoomState, subject: str, now: float) -> None:
    """Put the person out on every device. Nobody is barred: a new token opens the room again."""
    for seat in state.seats_of(subject):
        state.vacate(seat, SeatEvent.WITHDRAW, Closing.WITHDRAWN, now)
