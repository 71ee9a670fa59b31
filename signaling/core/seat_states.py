"""The life of a seat as a table: who waits, who is in, who is out for good.

`after` is the only way from one state to the next; a pair that the table does not name raises and
changes nothing. Being connected is not a state of the seat: a seat outlives its connections.
"""

from __future__ import annotations

import enum


class SeatState(enum.Enum):
    WAITING = "waiting"
    ADMITTED = "admitted"
    REMOVED = "removed"
    DENIED = "denied"
    LEFT = "left"


class SeatEvent(enum.Enum):
    ADMIT = "admit"  # a moderator lets the person in
    DENY = "deny"  # a moderator refuses the waiting person
    REMOVE = "remove"  # a moderator puts the person out
    LEAVE = "leave"  # the person gives the seat up
    EXPIRE = "expire"  # nobody came back for the seat
    END = "end"  # the visit is over
    WITHDRAW = "withdraw"  # whoever let the person in takes it back; a new token opens again


TRANSITIONS: dict[tuple[SeatState, SeatEvent], SeatState] = {
    (SeatState.WAITING, SeatEvent.ADMIT): SeatState.ADMITTED,
    (SeatState.WAITING, SeatEvent.DENY): SeatState.DENIED,
    (SeatState.WAITING, SeatEvent.LEAVE): SeatState.LEFT,
    (SeatState.WAITING, SeatEvent.EXPIRE): SeatState.LEFT,
    (SeatState.WAITING, SeatEvent.END): SeatState.LEFT,
    (SeatState.WAITING, SeatEvent.WITHDRAW): SeatState.LEFT,
    (SeatState.ADMITTED, SeatEvent.REMOVE): SeatState.REMOVED,
    (SeatState.ADMITTED, SeatEvent.LEAVE): SeatState.LEFT,
    (SeatState.ADMITTED, SeatEvent.EXPIRE): SeatState.LEFT,
    (SeatState.ADMITTED, SeatEvent.END): SeatState.LEFT,
    (SeatState.ADMITTED, SeatEvent.WITHDRAW): SeatState.LEFT,
}

LIVE = frozenset({SeatState.WAITING, SeatState.ADMITTED})
BARRED = frozenset({SeatState.REMOVED, SeatState.DENIED})


class IllegalTransition(Exception):
    """The table has no way from this state by this event."""


def after(state: SeatState, event: SeatEvent) -> SeatState:
    """The next state of a seat. Raises IllegalTransition."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise IllegalTransition(f"{state.value} × {event.value}") from None
