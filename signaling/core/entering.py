"""Coming in: a new seat, a seat taken over by a fresh token, a seat resumed by its key.

A token of somebody whose seat is held (page reloaded, key lost) takes that seat over: the person
keeps the admission and leaves no ghost. The key changes with it, so the old page cannot come back.
"""

from __future__ import annotations

from signaling.core import messages as m
from signaling.core import records, relays
from signaling.core.closing import Closing
from signaling.core.limits import ConnectionLimits
from signaling.core.names import MAX_NAME_CHARS, MAX_ROLE_CHARS, printable
from signaling.core.outputs import Close, ClosePeer, NoteAdmitted, NoteJoined, Send, SendHistory
from signaling.core.records import SeatRecord, hash_of
from signaling.core.seat import Seat
from signaling.core.seat_states import SeatEvent, SeatState
from signaling.core.state import NewSeat, RoomState
from signaling.ports import Entry, QualityEvent


def enter(
    state: RoomState, connection: str, entry: Entry, fresh: NewSeat, seen: str | None, now: float
) -> None:
    """A token was accepted: seat the person, or close the connection with the reason."""
    if entry.alone:
        _hang_up_elsewhere(state, entry.subject, now)
    held = _held_seat_of(state, entry.subject)
    closing = refusal(state, entry, held)
    if closing is not None:
        state.emit(Close(connection, closing))
    elif held is not None:
        _take_over(state, held, connection, entry, fresh.key, seen, now)
    else:
        _seat(state, connection, entry, fresh, seen, now)


def resume(
    state: RoomState, connection: str, found: SeatRecord, key: str, seen: str | None, now: float
) -> None:
    """A seat key was presented: same seat, same person, whole state anew."""
    seat = state.seats.get(found.participant)
    if seat is None or seat.is_device or not records.is_key_of(seat.record, key):
        state.emit(Close(connection, _why_gone(state, found.subject)))
        return
    if seat.connection is not None:
        state.hang_up(seat, Closing.REPLACED, now)
    _attach(state, seat, connection, now)
    state.emit(Send(connection, _welcome(state, seat, key, now, resumed=True)))
    state.changed()
    _show_room(state, seat, seen)
    for source, rids in seat.layers.items():
        state.send(seat, m.Layers(source, rids))


def admit(state: RoomState, seat: Seat, now: float) -> None:
    """Let a waiting person in; the caller has checked that there is room."""
    seat.step(SeatEvent.ADMIT)
    note_admission(state, seat, now)
    state.send(seat, m.Admitted(relays.for_seat(state, seat, now)))
    state.changed()


def _hang_up_elsewhere(state: RoomState, subject: str, now: float) -> None:
    """The person's other connections end; the seat is held, and taken over next."""
    for seat in state.seats_of(subject):
        if seat.connection is not None:
            state.hang_up(seat, Closing.REPLACED, now)


def _held_seat_of(state: RoomState, subject: str) -> Seat | None:
    away = [seat for seat in state.seats_of(subject) if not seat.is_here]
    return max(away, key=lambda seat: seat.is_admitted, default=None)


def refusal(state: RoomState, entry: Entry, held: Seat | None) -> Closing | None:
    """Why somebody may not come in, None where they may; who has a seat comes back to it."""
    if state.ended:
        return Closing.ENDED
    if entry.subject in state.barred:
        return state.barred[entry.subject]
    if held is not None:
        return None
    if state.locked and not entry.rights.moderate:
        return Closing.LOCKED
    return Closing.ROOM_FULL if _is_full(state, entry) else None


def _is_full(state: RoomState, entry: Entry) -> bool:
    if len(state.seats_of(entry.subject)) >= state.settings.max_seats_each:
        return True
    if entry.waits:
        return len(state.waiting()) >= state.settings.max_waiting
    return len(state.admitted()) >= state.settings.max_admitted


def _why_gone(state: RoomState, subject: str) -> Closing:
    if state.ended:
        return Closing.ENDED
    return state.barred.get(subject, Closing.SEAT_GONE)


def _seat(
    state: RoomState, connection: str, entry: Entry, fresh: NewSeat, seen: str | None, now: float
) -> None:
    seat = Seat(record=record_of(state, entry, fresh, now), away_since=now)
    state.seats[seat.id] = seat
    _attach(state, seat, connection, now)
    state.emit(NoteJoined(seat.record.subject, seat.id, now))
    if entry.waits:
        state.save(seat)
    else:
        seat.step(SeatEvent.ADMIT)
        note_admission(state, seat, now)
    state.emit(Send(connection, _welcome(state, seat, fresh.key, now, resumed=False)))
    state.changed()
    _show_room(state, seat, seen)


def _take_over(
    state: RoomState,
    seat: Seat,
    connection: str,
    entry: Entry,
    key: str,
    seen: str | None,
    now: float,
) -> None:
    seat.change(
        key_hash=hash_of(key),
        name=printable(entry.name, MAX_NAME_CHARS),
        role=printable(entry.role, MAX_ROLE_CHARS),
        rights=entry.rights,
        declared=(),
    )
    if seat.is_admitted:
        state.emit(ClosePeer(seat.id))
    seat.forget_media()
    _attach(state, seat, connection, now)
    if seat.is_waiting and not entry.waits and _may_go_in(state, entry):
        seat.step(SeatEvent.ADMIT)
        note_admission(state, seat, now)
    else:
        state.save(seat)
    state.emit(Send(connection, _welcome(state, seat, key, now, resumed=True)))
    state.changed()
    _show_room(state, seat, seen)


def _may_go_in(state: RoomState, entry: Entry) -> bool:
    has_room = len(state.admitted()) < state.settings.max_admitted
    return has_room and (entry.rights.moderate or not state.locked)


def record_of(state: RoomState, entry: Entry, fresh: NewSeat, now: float) -> SeatRecord:
    """The record of a seat that comes into being."""
    return SeatRecord(
        participant=fresh.participant,
        room=state.record.room,
        subject=entry.subject,
        key_hash=hash_of(fresh.key),
        name=printable(entry.name, MAX_NAME_CHARS),
        role=printable(entry.role, MAX_ROLE_CHARS),
        rights=entry.rights,
        state=SeatState.WAITING,
        joined_at=now,
    )


def _attach(state: RoomState, seat: Seat, connection: str, now: float) -> None:
    if seat.is_admitted and seat.connection is None:
        _note_return(state, seat, now)
    seat.media_lost_at = None
    state.attach(seat, connection)
    seat.attach(connection, ConnectionLimits(state.settings, now), now)


def _note_return(state: RoomState, seat: Seat, now: float) -> None:
    since_ms = round(seat.away_since * 1000)
    lasted_ms = round(now * 1000) - since_ms
    if lasted_ms > 0:  # else another connection took over in the same moment
        back = QualityEvent(kind="reconnected", at_ms=since_ms, lasted_ms=lasted_ms)
        state.note_quality(seat.record.subject, back)


def note_admission(state: RoomState, seat: Seat, now: float) -> None:
    """Write an admission down and tell of it."""
    seat.change(admitted_at=now)
    state.first_admitted.setdefault(seat.record.subject, now)
    state.save(seat)
    state.emit(NoteAdmitted(seat.record.subject, seat.id, now))


def _welcome(state: RoomState, seat: Seat, key: str, now: float, *, resumed: bool) -> m.Welcome:
    return m.Welcome(
        version=m.VERSION,
        participant=seat.id,
        seat=key,
        state="waiting" if seat.is_waiting else "admitted",
        resumed=resumed,
        media=seat.media_up and (seat.slots_known or not seat.rights.subscribe),
        rights=seat.rights,
        heartbeat_s=state.settings.heartbeat_s,
        seat_s=state.settings.seat_held_s,
        ice_servers=relays.for_seat(state, seat, now),
    )


def _show_room(state: RoomState, seat: Seat, seen: str | None) -> None:
    state.publish()
    show_history(state, seat, seen)


def show_history(state: RoomState, seat: Seat, seen: str | None) -> None:
    """Send the chat since the person was first admitted; nothing to those who wait."""
    if seat.is_admitted and seat.connection is not None and may_read_chat(seat):
        not_before = state.first_admitted[seat.record.subject]
        state.emit(SendHistory(seat.connection, seen, not_before))


def may_read_chat(seat: Seat) -> bool:
    """Those who write or watch may read; a device that only publishes may not."""
    return seat.rights.chat or seat.rights.subscribe
