"""The room as one person may see it: the full state, never a difference.

Only the admitted get one. Who waits is shown to moderators alone.
"""

from __future__ import annotations

from collections.abc import Mapping

from signaling.core import messages as m
from signaling.core.records import RoomRecord
from signaling.core.room_phases import RoomPhase
from signaling.core.seat import Seat


def room_for(viewer: Seat, record: RoomRecord, revision: int, seats: Mapping[str, Seat]) -> m.Room:
    """The snapshot for an admitted viewer."""
    assert viewer.is_admitted
    waiting = _waiting(seats) if viewer.rights.moderate else ()
    return m.Room(
        revision=revision,
        locked=record.phase is RoomPhase.LOCKED,
        participants=tuple(_participant(seat) for seat in seats.values() if seat.is_admitted),
        waiting=waiting,
        slots=tuple(viewer.slots[index] for index in sorted(viewer.slots)),
    )


def _participant(seat: Seat) -> m.Participant:
    return m.Participant(
        id=seat.id,
        name=seat.record.name,
        role=seat.record.role,
        rights=seat.rights,
        connected=seat.is_here,
        media=seat.media_up,
        microphone=seat.is_sending("microphone"),
        camera=seat.is_sending("camera"),
        screen=seat.is_sending("screen"),
        activity=seat.activity,
    )


def _waiting(seats: Mapping[str, Seat]) -> tuple[m.WaitingPerson, ...]:
    return tuple(
        m.WaitingPerson(
            id=seat.id,
            name=seat.record.name,
            role=seat.record.role,
            since=seat.record.joined_at,
            connected=seat.connection is not None,
        )
        for seat in seats.values()
        if seat.is_waiting
    )
