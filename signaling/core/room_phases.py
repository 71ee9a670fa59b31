"""The life of a room as a table: open, locked, ended for good.

`after` is the only way from one phase to the next; a pair that the table does not name raises and
changes nothing. Locking a locked room is no error: two moderators may press at once.
"""

from __future__ import annotations

import enum


class RoomPhase(enum.Enum):
    OPEN = "open"
    LOCKED = "locked"
    ENDED = "ended"


class RoomEvent(enum.Enum):
    LOCK = "lock"
    UNLOCK = "unlock"
    END = "end"


TRANSITIONS: dict[tuple[RoomPhase, RoomEvent], RoomPhase] = {
    (RoomPhase.OPEN, RoomEvent.LOCK): RoomPhase.LOCKED,
    (RoomPhase.OPEN, RoomEvent.UNLOCK): RoomPhase.OPEN,
    (RoomPhase.OPEN, RoomEvent.END): RoomPhase.ENDED,
    (RoomPhase.LOCKED, RoomEvent.LOCK): RoomPhase.LOCKED,
    (RoomPhase.LOCKED, RoomEvent.UNLOCK): RoomPhase.OPEN,
    (RoomPhase.LOCKED, RoomEvent.END): RoomPhase.ENDED,
}


class IllegalPhase(Exception):
    """The table has no way from this phase by this event."""


def after(phase: RoomPhase, event: RoomEvent) -> RoomPhase:
    """The next phase of a room. Raises IllegalPhase."""
    try:
        return TRANSITIONS[phase, event]
    except KeyError:
        raise IllegalPhase(f"{phase.value} × {event.value}") from None
