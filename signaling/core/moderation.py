"""What moderators do: admit, deny, mute, remove, lock, end.

Each is on disk before its `done`. A wish that is already fulfilled is done, not refused: two
moderators may press at once, and a client repeats a request whose `done` it missed.
"""

from __future__ import annotations

from signaling.core import entering, orders
from signaling.core import messages as m
from signaling.core.closing import Closing
from signaling.core.outputs import NoteEnded, SetMuted
from signaling.core.room_phases import RoomEvent
from signaling.core.seat import Seat
from signaling.core.seat_states import SeatEvent
from signaling.core.state import RoomState


def admit(state: RoomState, moderator: Seat, message: m.Admit, now: float) -> None:
    seat = state.seats.get(message.participant)
    if seat is None:
        state.refuse(moderator, "unknown_participant", message)
    elif seat.is_admitted:
        state.send(moderator, m.Done(message.request))
    elif len(state.admitted()) >= state.settings.max_admitted:
        state.refuse(moderator, "room_full", message)
    else:
        entering.admit(state, seat, now)
        state.send(moderator, m.Done(message.request))
        state.publish()
        entering.show_history(state, seat, None)


def deny(state: RoomState, moderator: Seat, message: m.Deny, now: float) -> None:
    seat = state.seats.get(message.participant)
    if seat is None or not seat.is_waiting:
        state.refuse(moderator, "unknown_participant", message)
    else:
        _put_out(state, moderator, seat, message, now)


def remove(state: RoomState, moderator: Seat, message: m.Remove, now: float) -> None:
    seat = state.seats.get(message.participant)
    if seat is None or not seat.is_admitted:
        state.refuse(moderator, "unknown_participant", message)
    else:
        _put_out(state, moderator, seat, message, now)


def mute(state: RoomState, moderator: Seat, message: m.Mute, now: float) -> None:
    del now
    seat = state.seats.get(message.participant)
    if seat is None or not seat.is_admitted:
        state.refuse(moderator, "unknown_participant", message)
        return
    if message.source not in seat.record.muted:
        _silence(state, seat, message.source)
    state.send(moderator, m.Done(message.request))


def lock(state: RoomState, moderator: Seat, message: m.Lock, now: float) -> None:
    del now
    state.step(RoomEvent.LOCK if message.locked else RoomEvent.UNLOCK)
    state.send(moderator, m.Done(message.request))
    state.changed()


def end(state: RoomState, moderator: Seat, message: m.End, now: float) -> None:
    state.step(RoomEvent.END)
    state.send(moderator, m.Done(message.request))
    orders.clear(state, now)
    state.emit(NoteEnded(moderator.record.subject, now))


def _silence(state: RoomState, seat: Seat, source: m.Source) -> None:
    seat.change(
        muted=(*seat.record.muted, source),
        declared=tuple(one for one in seat.record.declared if one != source),
    )
    state.save(seat)
    state.emit(SetMuted(seat.id, source, muted=True))
    state.send(seat, m.Muted(source))
    state.changed()


def _put_out(
    state: RoomState, moderator: Seat, seat: Seat, message: m.Deny | m.Remove, now: float
) -> None:
    """All seats of the person, on whatever device, or the ban would have a back door."""
    if seat.record.subject == moderator.record.subject:
        state.refuse(moderator, "not_allowed", message)
        return
    for one in state.seats_of(seat.record.subject):
        if one.is_admitted:
            state.vacate(one, SeatEvent.REMOVE, Closing.REMOVED, now)
        else:
            state.vacate(one, SeatEvent.DENY, Closing.DENIED, now)
    state.send(moderator, m.Done(message.request))
