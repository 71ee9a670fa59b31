"""Peers come, change and go: tracks and slots are made from the negotiated sections.

A later description of the same connection only adds: sections that were there keep their tracks,
streams, ssrcs and numbers.
"""

from __future__ import annotations

from collections.abc import Iterable

from sfu.api import Follow, TrackAdded
from sfu.core.description import Section
from sfu.core.estimation.estimator import Estimator
from sfu.core.forwarder import routing, segments
from sfu.core.forwarder.actions import Emit
from sfu.core.forwarder.binding import Binding
from sfu.core.forwarder.model import (
    Publisher,
    Repairs,
    Slot,
    Source,
    Stream,
    Subscriber,
    Track,
    make_ring,
)
from sfu.core.forwarder.state import Room, State

FOLLOWER_VIEW = (1920, 1080)  # pixels; a viewer without signalling shows one picture, large
REPLACED_S = 0.5  # silence after which another ssrc may take a layer's place


def describe(
    state: State,
    room: Room,
    peer: str,
    sections: Iterable[Section],
    now: float,
    *,
    owner: str = "",
    follow: Follow | None = None,
) -> None:
    """Add what the sections bring that was not there."""
    state.room_of[peer] = room
    publisher = room.publishers.get(peer) or Publisher(peer, room.id)
    subscriber = _subscriber(room, peer, now)
    publisher.owner = subscriber.owner = owner
    subscriber.follow = follow
    for section in sections:
        if section.receives and section.mid not in publisher.tracks:
            layers: list[Source | None] = [None] * max(1, len(section.rids))
            publisher.tracks[section.mid] = Track(publisher, section, layers)
        if section.sends:
            _add_stream(state, subscriber, section)
    if publisher.tracks:
        room.publishers[peer] = publisher
    if subscriber.slots:
        room.subscribers[peer] = subscriber
    routing.reassign(state, room, now)


def _subscriber(room: Room, peer: str, now: float) -> Subscriber:
    return room.subscribers.get(peer) or Subscriber(peer, room.id, Estimator(now))


def _add_stream(state: State, subscriber: Subscriber, section: Section) -> None:
    index = section.slot if section.slot is not None else 0
    slot = next((s for s in subscriber.slots if s.index == index), None)
    if slot is None:
        slot = Slot(index, section.screen_slot)
        if subscriber.follow is not None:
            slot.width, slot.height = FOLLOWER_VIEW
        subscriber.slots.append(slot)
    if section.kind == "audio" and slot.audio is None:
        slot.audio = _make_stream(state, subscriber, section)
    elif section.kind == "video" and slot.video is None:
        slot.video = _make_stream(state, subscriber, section)


def _make_stream(state: State, subscriber: Subscriber, section: Section) -> Stream:
    stream = Stream(
        id=state.new_id(),
        peer=subscriber.peer,
        kind=section.kind,
        mid=section.mid,
        ssrc=section.ssrc,
        rtx_ssrc=section.rtx_ssrc,
        codecs=section.codecs,
        extensions=section.extensions,
        nack=section.nack,
        log=subscriber.estimator.log,
        pacer=subscriber.pacer,
        next_seq=section.ssrc & 0x3FFF,  # below 2^15: libsrtp's first roll-over guess
        last_timestamp=section.ssrc,
        next_rtx_seq=section.rtx_ssrc & 0x3FFF,
    )
    state.streams[stream.id] = stream
    return stream


def connected(state: State, peer: str, now: float) -> None:
    """The peer's transport is up: it can be sent to."""
    state.connected.add(peer)
    subscriber = state.subscriber(peer)
    if subscriber is not None:
        subscriber.connected = True
        routing.retarget(state, subscriber, now)


def bind(
    state: State, publisher: Publisher, binding: Binding, packet: bytes, now: float
) -> Source | None:
    """Make the source that an unknown ssrc turned out to be, or note its rtx ssrc."""
    ssrc = int.from_bytes(packet[8:12], "big")
    if binding.rtx:
        publisher.by_rtx_ssrc[ssrc] = Repairs(binding.track, binding.layer)
        return None
    return _new_source(state, publisher, binding.track, binding.layer or 0, ssrc, packet, now)


def _new_source(
    state: State,
    publisher: Publisher,
    track: Track,
    layer: int,
    ssrc: int,
    packet: bytes,
    now: float,
) -> Source | None:
    replaced = track.layers[layer]
    if replaced is not None:
        if now - replaced.last_arrival < REPLACED_S:
            return None
        if publisher.by_ssrc.get(replaced.ssrc) is replaced:
            del publisher.by_ssrc[replaced.ssrc]
        routing.remove_source(state, replaced)
    payload_type = packet[1] & 0x7F
    codec = next(
        c for c in track.section.codecs if payload_type in (c.payload_type, c.red_payload_type)
    )
    source = Source(state.new_id(), track, layer, ssrc, codec, make_ring(track.section))
    source.last_arrival = now
    track.layers[layer] = source
    publisher.by_ssrc[ssrc] = source
    state.sources[source.id] = source
    room = state.rooms[publisher.room]
    if not track.announced:
        track.announced = True
        event = TrackAdded(room.id, publisher.peer, track.role, codec.name)
        state.actions.append(Emit(event))
    routing.reassign(state, room, now)
    return source


def close(state: State, peer: str, now: float) -> None:
    """The peer is gone: its tracks end, its slots are forgotten."""
    room = state.room_of.pop(peer, None)
    state.unstable.discard(peer)
    state.on_stream.discard(peer)
    state.connected.discard(peer)
    if room is None:
        return
    subscriber = room.subscribers.pop(peer, None)
    for slot in subscriber.slots if subscriber else []:
        for stream in slot.streams:
            routing.stop(state, stream, now)
            while stream.segments:
                segments.forget(state, stream)
            del state.streams[stream.id]
    publisher = room.publishers.pop(peer, None)
    for track in publisher.tracks.values() if publisher else []:
        for source in track.sources:
            routing.remove_source(state, source)
    routing.reassign(state, room, now)


def mute(state: State, peer: str, role: str, muted: bool, now: float) -> None:
    """Stop or resume what everyone gets of one track; a muted screen gives its slots up."""
    publisher = state.publisher(peer)
    tracks = publisher.tracks.values() if publisher else ()
    changed = [track for track in tracks if track.role == role and track.muted != muted]
    for track in changed:
        track.muted = muted
        track.started_at = now
    if changed:
        routing.reassign(state, state.room_of[peer], now)
