"""Devices: clients that bring or watch media and have no signalling connection (WHIP, WHEP).

A session is a seat like any other: rights, lock, moderation and the list of participants hold for
it. It is there while its media is. Nobody is seated before the media plane took the offer, so an
offer that is refused shows nobody, logs nobody and leaves an earlier session alone. A person has
one session of each way: the newest replaces the one before, under a new participant id, so that
late words about the old media cannot be taken for the new.
"""

from __future__ import annotations

import msgspec

from signaling.core import entering, sdpfrag
from signaling.core import messages as m
from signaling.core.closing import Closing
from signaling.core.outputs import (
    Close,
    CloseMediaRoom,
    ClosePeer,
    ConnectMedia,
    NoteJoined,
    Send,
    SetMuted,
)
from signaling.core.rights import Rights
from signaling.core.seat import Seat
from signaling.core.seat_states import SeatEvent
from signaling.core.state import NewSeat, PendingDevice, RoomState
from signaling.ports import DeviceOffer, Entry, Source, Way

OFFER_ID = 1  # of the only offer that a device makes
RIGHTS: dict[Way, Rights] = {"whip": Rights(publish=True), "whep": Rights(subscribe=True)}


def refusal(entry: Entry, room: str, way: Way) -> str:
    """The code for which a token opens no such session here, "" where it does."""
    if entry.room != room:
        return "other_room"
    if entry.waits:
        return "device_waits"
    may = entry.rights.publish if way == "whip" else entry.rights.subscribe
    return "" if may else "not_allowed"


def offer(state: RoomState, ticket: str, entry: Entry, fresh: NewSeat, given: DeviceOffer) -> None:
    """Ask the media plane for an answer, or close the ticket with the reason."""
    closing = entering.refusal(state, entry, _replaced(state, entry.subject, given.way))
    if closing is not None:
        state.emit(Close(ticket, closing))
        return
    state.pending[ticket] = PendingDevice(entry, fresh, given)
    who, only_sound = fresh.participant, entry.rights.only_sound
    rights = msgspec.structs.replace(RIGHTS[given.way], only_sound=only_sound)
    state.emit(ConnectMedia(who, ticket, OFFER_ID, entry.subject, given, rights))


def answered(state: RoomState, ticket: str, reply: m.Answer | m.Error, now: float) -> None:
    """Seat the device if the plane took its offer and the room still takes the device."""
    pending = state.pending.pop(ticket)
    if isinstance(reply, m.Error):
        state.emit(Send(ticket, reply))
        _forget_media_room(state)
        return
    replaced = _replaced(state, pending.entry.subject, pending.offer.way)
    closing = entering.refusal(state, pending.entry, replaced)
    if closing is not None:
        state.emit(ClosePeer(pending.fresh.participant))
        state.emit(Close(ticket, closing))
        _forget_media_room(state)
        return
    _seat(state, pending, replaced, now)
    state.emit(Send(ticket, reply))


def end(state: RoomState, participant: str, now: float) -> None:
    """The device said that it has finished."""
    seat = state.seats.get(participant)
    if seat is not None and seat.is_device:
        state.vacate(seat, SeatEvent.LEAVE, Closing.LEFT, now)


def restarted(state: RoomState, participant: str, tag: str) -> None:
    """ICE was restarted; `tag` names the new ICE session."""
    seat = state.seats.get(participant)
    if seat is not None and seat.is_device:
        seat.change(ice_tag=tag)
        state.save(seat)


def lost(state: RoomState, seat: Seat, now: float) -> None:
    """A device's media is gone, and the device with it: it has to offer anew."""
    state.vacate(seat, SeatEvent.EXPIRE, Closing.SEAT_GONE, now)


def sends(state: RoomState, seat: Seat, source: Source) -> None:
    """Media of a source began to come, which is all that a device declares."""
    if source in seat.record.declared or source in seat.record.muted:
        return
    seat.change(declared=(*seat.record.declared, source))
    state.save(seat)
    state.changed()


def _replaced(state: RoomState, subject: str, way: Way) -> Seat | None:
    return next((s for s in state.seats_of(subject) if s.record.device == way), None)


def _seat(state: RoomState, pending: PendingDevice, replaced: Seat | None, now: float) -> None:
    record = entering.record_of(state, pending.entry, pending.fresh, now)
    seat = Seat(record=record, away_since=now)
    seat.change(
        device=pending.offer.way,
        rights=msgspec.structs.replace(
            RIGHTS[pending.offer.way], only_sound=pending.entry.rights.only_sound
        ),
        ice_tag=sdpfrag.entity_tag(pending.offer.sdp),
        muted=replaced.record.muted if replaced is not None else (),
    )
    state.seats[seat.id] = seat
    state.emit(NoteJoined(seat.record.subject, seat.id, now))
    seat.step(SeatEvent.ADMIT)
    entering.note_admission(state, seat, now)
    for source in seat.record.muted:
        state.emit(SetMuted(seat.id, source, muted=True))
    if replaced is not None:
        state.vacate(replaced, SeatEvent.LEAVE, Closing.REPLACED, now)
    state.changed()


def _forget_media_room(state: RoomState) -> None:
    """The plane opened the room for an offer that came to nothing."""
    if state.is_vacant:
        state.emit(CloseMediaRoom())
