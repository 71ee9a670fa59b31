"""Who is sent to whom: wishes become rules at switch points.

`retarget` derives what each slot should carry now from everything known (assignment, readiness,
mute, view, bandwidth, flowing layers) and may be called at any time; `switch` carries a wish out
when its source reaches a switch point: a keyframe, or any packet of audio.
"""

from __future__ import annotations

from sfu.api import SlotAssigned, SlotSwitched
from sfu.core.forwarder import downlink, keyframes, segments, switching, thinning
from sfu.core.forwarder.actions import Emit, Install, Replace, Replay, Uninstall
from sfu.core.forwarder.assignment import assign, video_track
from sfu.core.forwarder.layers import Option
from sfu.core.forwarder.model import Publisher, Segment, Slot, Source, Stream, Subscriber
from sfu.core.forwarder.state import Room, State
from sfu.core.rtp import header, vp8


def reassign(state: State, room: Room, now: float) -> None:
    """Somebody came, went or began to share: slots change hands first, then wishes."""
    for subscriber in room.subscribers.values():
        _assign(state, room, subscriber, now)
    retarget_room(state, room, now)


def follow(state: State, room: Room, subscriber: Subscriber, now: float) -> None:
    """Move a following viewer's slot to whoever speaks now."""
    if subscriber.follow is not None:
        _assign(state, room, subscriber, now)


def _assign(state: State, room: Room, subscriber: Subscriber, now: float) -> None:
    """Streams of a slot that changed hands stop at once; a follower's run on to the next switch
    point, so that its picture does not stand still.
    """
    speakers = room.speakers.current
    for slot in assign(subscriber, room.publishers.values(), speakers, now):
        for stream in slot.streams if subscriber.follow is None else ():
            stop(state, stream, now)
        _note_codec(room, slot)
        announce(state, subscriber, slot)


def announce(state: State, subscriber: Subscriber, slot: Slot) -> None:
    """Tell whose the slot is, and from when on it shows them."""
    event = SlotAssigned(
        room=subscriber.room,
        peer=subscriber.peer,
        slot=slot.index,
        publisher=slot.publisher,
        epoch=slot.epoch,
        screen=slot.screen,
        codec_missing=slot.codec_missing,
    )
    state.actions.append(Emit(event))
    if slot.switched_at is not None:
        _tell_switched(state, subscriber, slot, slot.switched_at)


def _tell_switched(state: State, subscriber: Subscriber, slot: Slot, timestamp: int) -> None:
    event = SlotSwitched(subscriber.room, subscriber.peer, slot.index, slot.epoch, timestamp)
    state.actions.append(Emit(event))


def _note_codec(room: Room, slot: Slot) -> None:
    publisher = room.publishers.get(slot.publisher or "")
    track = video_track(slot, publisher) if publisher else None
    if track is None or slot.video is None:
        return
    codec = track.section.codecs[0]
    slot.codec_missing = "" if slot.video.codec_for(codec) else codec.name


def retarget_room(state: State, room: Room, now: float) -> None:
    for subscriber in room.subscribers.values():
        retarget(state, subscriber, now)


def retarget(state: State, subscriber: Subscriber, now: float) -> None:
    """Make every slot of the subscriber want what it should carry now."""
    room = state.rooms[subscriber.room]
    granted = downlink.allocate(state, room, subscriber, now)
    for slot in subscriber.slots:
        publisher = room.publishers.get(slot.publisher or "")
        allowed = publisher is not None and subscriber.connected and slot.ready
        if slot.audio is not None:
            wish = _audio_wish(publisher) if allowed and publisher else None
            aim(state, slot.audio, wish, now)
        if slot.video is not None:
            _show(state, subscriber, slot.video, granted.get(slot.index), now)


def _audio_wish(publisher: Publisher) -> Source | None:
    track = next((t for t in publisher.tracks.values() if t.role == "microphone"), None)
    return track.sources[0] if track and track.sources and not track.muted else None


def _show(
    state: State, subscriber: Subscriber, stream: Stream, option: Option | None, now: float
) -> None:
    """Let a slot's video carry what was granted; what runs until then is cut down at once."""
    if option is None:
        aim(state, stream, None, now)
        return
    stream.max_tid = option.max_tid
    aim(state, stream, option.source, now)
    running = stream.source
    if running is option.source:
        thinning.lower(state, stream, option.max_tid, now)
    elif running is not None and subscriber.congested and option.source.layer < running.layer:
        thinning.lower(state, stream, 0, now)


def aim(state: State, stream: Stream, wish: Source | None, now: float) -> None:
    """Let the stream carry `wish` from its next switch point on; None stops it at once."""
    if wish is not None and stream.codec_for(wish.codec) is None:
        wish = None
    if wish is None:
        stop(state, stream, now)
    elif wish is stream.source:
        _unwish(stream)
    elif wish is not stream.wanted:
        _unwish(stream)
        stream.wanted = wish
        wish.awaited.add(stream.id)
        if stream.kind == "video":
            keyframes.want(wish.track, now)
            state.hurried = True


def stop(state: State, stream: Stream, now: float) -> None:
    _unwish(stream)
    if stream.source is None:
        return
    _settle(stream)
    _end_rules(state, stream, now)
    stream.source = None


def _settle(stream: Stream) -> None:
    """What still waits to be sent is forgotten: its numbers are given to what comes next."""
    if stream.pacer.is_holding:
        stream.pacer.drop(stream.id)
    switching.settle(stream)


def _unwish(stream: Stream) -> None:
    if stream.wanted is not None:
        stream.wanted.awaited.discard(stream.id)
        stream.wanted = None


def _end_rules(state: State, stream: Stream, now: float) -> None:
    for segment in stream.segments:
        ended = switching.end(segment, stream.sent.highest, now)
        if ended is not None:
            state.actions.append(Replace(segment.source.id, *ended))


def switch(state: State, source: Source, seq: int, now: float) -> None:
    """The source's packet `seq` is a switch point: every stream that awaits it moves over."""
    packet = source.ring.get(seq)
    if packet is None:
        return
    source.keyframe_seq = max(source.keyframe_seq, seq)
    if source.codec.name == "VP8":
        height = vp8.keyframe_height(packet, header.payload_offset(packet))
        source.height = height or source.height
    for stream_id in list(source.awaited):
        stream = state.streams[stream_id]
        codec = stream.codec_for(source.codec)
        if codec is None:
            continue
        _settle(stream)
        rule = switching.make_rule(stream, source, seq, packet, codec.payload_type)
        _end_rules(state, stream, now)
        _unwish(stream)
        stream.source, stream.dropped_picture = source, None
        segments.add(state, stream, Segment(source, rule))
        stream.report_due = state.report_soon = state.hurried = True
        state.counters.switches += 1
        state.actions.append(Install(source.id, rule))
        if source.ring.highest > seq:
            state.actions.append(Replay(source.id, rule, seq + 1, source.ring.highest))
        _note_switch(state, stream, packet, rule.timestamp_offset)
    if not any(layer.awaited for layer in source.track.sources):
        keyframes.arrived(source.track)


def _note_switch(state: State, stream: Stream, packet: bytes, timestamp_offset: int) -> None:
    """The first video of a slot's new participant: the client may show it from here on."""
    subscriber = state.subscriber(stream.peer)
    slot = next((s for s in subscriber.slots if s.video is stream), None) if subscriber else None
    if subscriber is not None and slot is not None and slot.switched_at is None:
        slot.switched_at = (header.timestamp(packet) + timestamp_offset) & 0xFFFFFFFF
        _tell_switched(state, subscriber, slot, slot.switched_at)


def remove_source(state: State, source: Source) -> None:
    """The source is gone: nothing follows it any more."""
    for stream in segments.streams_of_room(state, source):
        if stream.wanted is source:
            _unwish(stream)
        if stream.source is source:
            _settle(stream)
            stream.source = None
        stream.segments = type(stream.segments)(
            (s for s in stream.segments if s.source is not source), stream.segments.maxlen
        )
    state.sources.pop(source.id, None)
    state.actions.append(Uninstall(source.id))
