"""What the forwarder does by itself: every few milliseconds it reads the rings and asks, reports,
measures. Each duty has its own interval; none runs per packet.
"""

from __future__ import annotations

from collections.abc import Iterable

from sfu.api import Quality, Speakers
from sfu.core.forwarder import (
    clocks,
    downlink,
    hearing,
    keyframes,
    nacks,
    probing,
    published,
    reception,
    redundancy,
    repeating,
    resending,
    routing,
    segments,
    thrift,
)
from sfu.core.forwarder.actions import Emit, SendRtcp
from sfu.core.forwarder.model import Publisher, Source, Stream, Subscriber, Track
from sfu.core.forwarder.state import Room, State
from sfu.core.rtp import header, rtcp, twcc
from sfu.core.rtp.codecs import audio_level

SCAN_S = 0.005  # while something is missing
FEEDBACK_S = 0.100  # TWCC to publishers; libwebrtc begins with it and goes from 50 to 250 ms
IDLE_S = 0.050  # where nothing comes, nothing is due sooner
REPORT_S = 1.0
REPORT_CHECK_S = 0.1
ESTIMATE_S = 0.1
RETARGET_S = 0.2
QUALITY_S = 2.0
REPORT_AGE_S = 3.0
VIDEO_HISTORY_S = 1.0
AUDIO_HISTORY_S = 0.5
SILENCE_S = 2.0  # a screen that pauses longer has ended
OUR_SSRC = 1  # sender of our feedback; never a media ssrc of ours
MAX_BLOCKS = 31  # RFC 3550 6.4.1


def scan(state: State, now: float) -> None:
    """Read every ring: loss, levels, keyframe requests, feedback."""
    state.hurried = False
    for room in state.rooms.values():
        for publisher in room.publishers.values():
            for track in publisher.tracks.values():
                _scan_track(state, room, track, now)
            if publisher.arrivals and now - publisher.feedback_at >= FEEDBACK_S:
                _send_feedback(state, publisher, now)
        repeating.repeat(state, room, now)
        if now >= room.speakers.window_ends_at:
            speaking = room.speakers.handle_timeout(now)
            if speaking is not None:
                _tell_speakers(state, room, speaking)
    if state.report_soon:
        state.report_soon = False
        report(state, now)


def _tell_speakers(state: State, room: Room, speaking: tuple[str, ...]) -> None:
    state.actions.append(Emit(Speakers(room.id, speaking)))


def _scan_track(state: State, room: Room, track: Track, now: float) -> None:
    for source in track.layers:
        if source is None:
            continue
        if source.ring.highest > source.scanned:
            _scan_source(state, room, source, now)
        if source.missing:
            state.hurried = True
            _request_missing(state, source, now)
    if track.keyframe_wanted_since is not None:
        state.hurried = True
        if keyframes.ask_now(track, now):
            _request_keyframe(state, track)


def _scan_source(state: State, room: Room, source: Source, now: float) -> None:
    track = source.track
    silent = now - source.last_arrival > SILENCE_S or track.started_at < 0
    lost_before = source.reception.lost_recently
    packets, hopeless = reception.scan(source, now)
    state.counters.lost_in += source.reception.lost_recently - lost_before
    if hopeless:
        keyframes.want(track, now)
    source.rate.count(packets, source.codec.name, now)
    level_id = track.section.extensions.audio_level
    if level_id and not track.muted:
        for packet in packets:
            data = header.extension(packet, level_id)
            if data:
                room.speakers.hear(track.publisher.peer, audio_level(data)[0])
    if silent:
        track.started_at = now
        routing.reassign(state, room, now)


def _request_missing(state: State, source: Source, now: float) -> None:
    publisher = source.track.publisher
    due = nacks.due(source, publisher.rtt_s, now)
    wanted, given_up = due.wanted, due.given_up
    state.counters.unrepaired_in += len(given_up)
    if due.late and source.track.section.kind == "video":
        _send_late(state, source, due.late)
    if given_up and given_up[-1] >= source.keyframe_seq and segments.is_followed(state, source):
        keyframes.want(source.track, now)
    section = source.track.section
    if publisher.peer in state.on_stream:
        return  # it has dropped them itself, because its connection was full
    if section.kind == "video" and publisher.uplink.is_full:
        return  # what is sent again takes the room of sound, and the browser sends less soon
    if wanted and section.nack and resending.is_of_use(section.kind, publisher.rtt_s):
        state.counters.nacks_out += len(wanted)
        numbers = tuple(seq & 0xFFFF for seq in wanted)
        _send(state, publisher.peer, [rtcp.Nack(OUR_SSRC, source.ssrc, numbers)])


def _send_late(state: State, source: Source, late: list[int]) -> None:
    """Once more what has just been forwarded, to those who lose much."""
    for stream in segments.streams_of_room(state, source):
        subscriber = state.subscriber(stream.peer)
        if stream.source is source and subscriber and resending.loses_much(subscriber):
            for action in resending.unasked(stream, source, late):
                state.counters.resent += 1
                state.actions.append(action)


def _request_keyframe(state: State, track: Track) -> None:
    if not track.sources:
        return
    state.counters.keyframe_requests += 1
    awaited = next((s for s in track.sources if s.awaited), track.sources[0])
    _send(state, track.publisher.peer, [rtcp.PictureLoss(OUR_SSRC, awaited.ssrc)])


def _send_feedback(state: State, publisher: Publisher, now: float) -> None:
    arrivals, publisher.arrivals = publisher.arrivals, []
    publisher.feedback_at = now
    source = next(iter(publisher.by_ssrc.values()), None)
    if source is None:
        return
    first_count = publisher.feedback_count
    packets = twcc.build_feedback(arrivals, OUR_SSRC, source.ssrc, first_count)
    publisher.feedback_count += len(packets)
    for data in packets:
        state.actions.append(SendRtcp(publisher.peer, data))


def _send(state: State, peer: str, packets: list[rtcp.RtcpPacket]) -> None:
    state.actions.append(SendRtcp(peer, rtcp.build(packets)))


def report(state: State, now: float) -> None:
    """Reception reports to publishers, sender reports to subscribers, each when due."""
    for room in state.rooms.values():
        for publisher in room.publishers.values():
            _report_reception(state, publisher, now)
        for subscriber in room.subscribers.values():
            if subscriber.connected:
                _report_sending(state, subscriber, now)


def _report_reception(state: State, publisher: Publisher, now: float) -> None:
    fresh = [
        s for s in publisher.by_ssrc.values() if s.ring.highest >= 0 and s.reception.first >= 0
    ]
    news = any(s.reception.reported_at is None for s in fresh)
    if not fresh or (not news and now - publisher.reported_at < REPORT_S):
        return
    publisher.reported_at = now
    blocks = []
    for source in fresh[:MAX_BLOCKS]:
        source.reception.reported_at = now
        downstream = hearing.worst_loss(state, source, now)
        blocks.append(reception.report_block(source, now, downstream))
    _send(state, publisher.peer, [rtcp.ReceiverReport(OUR_SSRC, tuple(blocks))])


def _report_sending(state: State, subscriber: Subscriber, now: float) -> None:
    for slot in subscriber.slots:
        for stream in slot.streams:
            if stream.source is not None and (
                stream.report_due or now - stream.reported_at >= REPORT_S
            ):
                _report_stream(state, stream, now)


def _report_stream(state: State, stream: Stream, now: float) -> None:
    timestamp = clocks.outgoing_timestamp(stream, now)
    if timestamp is None:
        return
    stream.report_due, stream.reported_at = False, now
    report_ = rtcp.SenderReport(
        ssrc=stream.ssrc,
        ntp=clocks.ntp_timestamp(now, state.wall_offset_s),
        rtp_timestamp=timestamp,
        packets=stream.sent.packets & 0xFFFFFFFF,
        octets=stream.sent.octets & 0xFFFFFFFF,
        blocks=(),
    )
    name = rtcp.SourceDescription(((stream.ssrc, stream.peer[:32]),))
    _send(state, stream.peer, [report_, name])


def estimate(state: State, now: float) -> None:
    """Ten times a second: what each downlink carries, and whether to probe for more."""
    for room in state.rooms.values():
        for subscriber in room.subscribers.values():
            if subscriber.connected:
                probing.probe(state, subscriber, now)


def maintain(state: State, now: float) -> None:
    """Five times a second: memory, ended rules, layers that began or ceased to flow, bandwidth."""
    for source in state.sources.values():
        audio = source.track.section.kind == "audio"
        source.ring.drop_older(now - (AUDIO_HISTORY_S if audio else VIDEO_HISTORY_S))
    segments.forget_ended(state, now)
    for room in state.rooms.values():
        for subscriber in room.subscribers.values():
            routing.follow(state, room, subscriber, now)
            redundancy.watch(state, subscriber, now)
            repeating.watch(subscriber, now)
            if not downlink.is_settled(subscriber, now):
                routing.retarget(state, subscriber, now)
            own = room.publishers.get(subscriber.peer)
            news = downlink.video_state(subscriber, own) != subscriber.told_video
            if subscriber.connected and news:
                state.actions.append(Emit(_quality(state, room, subscriber.peer, now)))
        published.watch(state, room, now)
        thrift.watch(state, room, now)


def _streams(subscriber: Subscriber) -> list[Stream]:
    return [stream for slot in subscriber.slots for stream in slot.streams]


def measure(state: State, now: float) -> None:
    """Every two seconds: what each peer's link is like."""
    for room in state.rooms.values():
        for peer in sorted(room.peers & state.connected):
            state.actions.append(Emit(_quality(state, room, peer, now)))


def _quality(state: State, room: Room, peer: str, now: float) -> Quality:
    publisher, subscriber = state.publisher(peer), state.subscriber(peer)
    if subscriber is not None:
        subscriber.told_video = downlink.video_state(subscriber, publisher)
    return Quality(
        room=room.id,
        peer=peer,
        uplink_loss=_uplink_loss(publisher) if publisher else 0.0,
        downlink_loss=downlink_loss(_streams(subscriber), now) if subscriber else 0.0,
        rtt_ms=(subscriber.rtt_s if subscriber else 0.0) * 1000,
        unstable=peer in state.unstable,
        video=subscriber.told_video if subscriber else "full",
        estimate_bps=round(subscriber.estimator.bitrate_bps) if subscriber else 0,
        pictures=downlink.pictures(subscriber) if subscriber else (),
    )


def downlink_loss(streams: Iterable[Stream], now: float) -> float:
    """The worst loss reported lately, video before audio; 0 without a report."""
    fresh = [s for s in streams if s.source is not None and now - s.loss_at < REPORT_AGE_S]
    video = [s.loss for s in fresh if s.kind == "video"]
    return max(video or [s.loss for s in fresh] or [0.0])


def _uplink_loss(publisher: Publisher) -> float:
    expected = lost = 0
    for source in publisher.by_ssrc.values():
        expected += source.reception.expected_recently
        lost += source.reception.lost_recently
        source.reception.expected_recently = source.reception.lost_recently = 0
    return lost / expected if expected else 0.0
