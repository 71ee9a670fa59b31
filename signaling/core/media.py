"""Offers, slots and what the media plane reports, for those who have been admitted.

An answer counts only for the connection and the offer that it was made for. When the media plane
lost a connection the person is told at once and makes a new one; a browser alone needs 17 s or more
to notice. A connection that the client itself closed or replaced needs no such word.
"""

from __future__ import annotations

from signaling import ports
from signaling.core import devices, quality
from signaling.core import messages as m
from signaling.core.outputs import (
    ClosePeer,
    ConnectMedia,
    MarkSlotReady,
    NoteMedia,
    SetMuted,
    SetView,
)
from signaling.core.seat import Seat
from signaling.core.state import RoomState

_SOURCES: tuple[m.Source, ...] = ("microphone", "camera", "screen")


# what clients say


def offer(state: RoomState, seat: Seat, message: m.Offer, now: float) -> None:
    del now
    if seat.connection is None:
        return
    if not _may_offer(seat, message):
        state.refuse(seat, "not_allowed", message)
    elif message.id <= seat.last_offer:
        state.refuse(seat, "offer_stale", message)
    else:
        seat.last_offer = message.id
        seat.awaited_offer = message.id
        described = _described(message)
        owner = seat.record.subject
        command = ConnectMedia(seat.id, seat.connection, message.id, owner, described, seat.rights)
        state.emit(command)
        for source in _held_back(seat):
            state.emit(SetMuted(seat.id, source, muted=True))


def view(state: RoomState, seat: Seat, message: m.View, now: float) -> None:
    del now
    shown = tuple(
        ports.SlotView(one.slot, one.width, one.height, one.priority) for one in message.slots
    )
    state.emit(SetView(seat.id, shown))


def slot_ready(state: RoomState, seat: Seat, message: m.SlotReady, now: float) -> None:
    del now
    state.emit(MarkSlotReady(seat.id, message.slot, message.epoch))


def declare(state: RoomState, seat: Seat, message: m.Media, now: float) -> None:
    """Note what the person means to send; switching a source on lifts a moderator's mute.

    A screen that is not shared is held back in the media plane too, so that it gives its slot up.
    """
    del now
    declared = tuple(source for source in _SOURCES if getattr(message, source))
    if not _may_publish(seat, declared):
        state.refuse(seat, "not_allowed", message)
        return
    muted = tuple(source for source in seat.record.muted if source not in declared)
    if (declared, muted) == (seat.record.declared, seat.record.muted):
        return
    before = set(_held_back(seat))
    seat.change(declared=declared, muted=muted)
    state.save(seat)
    after = set(_held_back(seat))
    for source in sorted(before ^ after):
        state.emit(SetMuted(seat.id, source, muted=source in after))
    state.changed()


def _may_publish(seat: Seat, sources: tuple[m.Source, ...]) -> bool:
    if seat.rights.only_sound and set(sources) - {"microphone"}:
        return False
    return seat.rights.publish or not sources


def _held_back(seat: Seat) -> tuple[m.Source, ...]:
    """What the media plane passes on to nobody, whatever the client sends."""
    unshared = "screen" not in seat.record.declared and not seat.is_device
    return tuple(
        source
        for source in _SOURCES
        if source in seat.record.muted or (unshared and source == "screen")
    )


def _may_offer(seat: Seat, message: m.Offer) -> bool:
    publishes_by_right = seat.rights.publish or not message.publish
    subscribes_by_right = seat.rights.subscribe or not message.slots
    return publishes_by_right and subscribes_by_right


def _described(message: m.Offer) -> ports.MediaOffer:
    slots = tuple(ports.SlotMids(one.video, one.audio, one.screen) for one in message.slots)
    return ports.MediaOffer(message.sdp, dict(message.publish), slots)


# what the media plane says


def answered(
    state: RoomState, participant: str, connection: str, reply: m.Answer | m.Error, now: float
) -> None:
    """Pass an answer or a refusal on, unless it has become stale."""
    if connection in state.pending:
        devices.answered(state, connection, reply, now)
        return
    seat = state.seats.get(participant)
    offer_id = reply.id if isinstance(reply, m.Answer) else reply.offer
    if seat is None or seat.connection != connection or seat.awaited_offer != offer_id:
        return
    seat.awaited_offer = None
    state.send(seat, reply)


def receive(state: RoomState, event: ports.MediaEvent, now: float) -> None:
    """Take in what happened in the media plane."""
    match event:
        case ports.PlaneLost():
            _plane_lost(state, now)
        case ports.Speakers():
            _speakers(state, event)
        case _:
            seat = state.seats.get(event.peer)
            if seat is not None and seat.is_admitted:
                _peer_event(state, seat, event, now)
            elif isinstance(event, ports.PeerConnected):
                state.emit(ClosePeer(event.peer))


def _peer_event(
    state: RoomState,
    seat: Seat,
    event: ports.PeerConnected
    | ports.PeerLost
    | ports.TrackAdded
    | ports.SlotAssigned
    | ports.SlotSwitched
    | ports.Quality
    | ports.LayersWanted,
    now: float,
) -> None:
    match event:
        case ports.PeerConnected():
            _connected(state, seat, now)
        case ports.PeerLost():
            _peer_lost(state, seat, event.reason, now)
        case ports.TrackAdded():
            state.emit(NoteMedia(seat.record.subject, seat.id, event.source, now))
            if seat.is_device:  # people declare for themselves
                devices.sends(state, seat, event.source)
        case ports.SlotAssigned():
            _slot_assigned(state, seat, event)
        case ports.SlotSwitched():
            _slot_switched(state, seat, event)
        case ports.Quality():
            _quality(state, seat, event, now)
        case ports.LayersWanted():
            seat.layers = seat.layers | {event.source: event.rids}
            state.send(seat, m.Layers(event.source, event.rids))


def _connected(state: RoomState, seat: Seat, now: float) -> None:
    seat.media_up = True
    seat.layers = {}
    if seat.media_lost_at is not None:
        lost_ms = round(seat.media_lost_at * 1000)
        lasted_ms = round(now * 1000) - lost_ms
        state.note_quality(
            seat.record.subject,
            ports.QualityEvent(kind="media_reconnected", at_ms=lost_ms, lasted_ms=lasted_ms),
        )
        seat.media_lost_at = None
    state.changed()


def _plane_lost(state: RoomState, now: float) -> None:
    for seat in state.admitted():
        if seat.is_device:
            devices.lost(state, seat, now)
            continue
        if seat.media_up or seat.last_offer > 0:
            state.send(seat, m.MediaLost())
        seat.awaited_offer = None
        _forget(seat, now)
    state.changed()


def _forget(seat: Seat, now: float) -> None:
    """A person's media connection is gone; who is away altogether comes back to another."""
    if seat.media_up and seat.connection is not None:
        seat.media_lost_at = now
    seat.forget_media()


def _peer_lost(state: RoomState, seat: Seat, reason: str, now: float) -> None:
    if seat.is_device:
        devices.lost(state, seat, now)
        return
    _forget(seat, now)
    if reason != "closed" and seat.awaited_offer is None:
        state.send(seat, m.MediaLost())
    state.changed()


def _slot_assigned(state: RoomState, seat: Seat, event: ports.SlotAssigned) -> None:
    seat.slots_known = True
    seat.slots = seat.slots | {
        event.slot: m.SlotState(
            slot=event.slot,
            participant=event.publisher,
            epoch=event.epoch,
            screen=event.screen,
            live=False,
            codec_missing=event.codec_missing,
        )
    }
    state.changed_for(seat)


def _slot_switched(state: RoomState, seat: Seat, event: ports.SlotSwitched) -> None:
    slot = seat.slots.get(event.slot)
    if slot is None or slot.epoch != event.epoch:
        return
    live = m.SlotState(
        slot=slot.slot,
        participant=slot.participant,
        epoch=slot.epoch,
        screen=slot.screen,
        live=True,
        codec_missing=slot.codec_missing,
    )
    seat.slots = seat.slots | {event.slot: live}
    state.send(seat, m.SlotSwitched(event.slot, event.epoch, event.rtp_timestamp))


def _speakers(state: RoomState, event: ports.Speakers) -> None:
    here = {seat.id for seat in state.admitted()}
    heard = tuple(peer for peer in event.peers if peer in here)
    for seat in state.admitted():
        if seat.rights.subscribe:
            state.send(seat, m.Speakers(heard))


def _quality(state: RoomState, seat: Seat, event: ports.Quality, now: float) -> None:
    seat.gauge.measure(event)
    _way(state, seat, event, now)
    measured = quality.in_words(event)
    if measured == seat.quality:
        return
    seat.quality = measured
    known = tuple(one.quality for one in state.admitted() if one.quality is not None)
    for one in state.admitted():
        state.send(one, m.Quality(known))


def _way(state: RoomState, seat: Seat, event: ports.Quality, now: float) -> None:
    """Keep for the clinic that the person's packets come another way."""
    if event.way == "":
        return
    if seat.way != "" and (event.moved or event.way != seat.way):
        changed = ports.QualityEvent(kind="way_changed", at_ms=round(now * 1000), detail=event.way)
        state.note_quality(seat.record.subject, changed)
    seat.way = event.way
