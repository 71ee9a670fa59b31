"""RTCP from peers, both halves: reports, NACKs and keyframe requests (RFC 3550, 4585, 5104)."""

from __future__ import annotations

from collections.abc import Iterable

from sfu.core.forwarder import clocks, keyframes, resending
from sfu.core.forwarder.actions import Resend
from sfu.core.forwarder.model import Stream, Subscriber
from sfu.core.forwarder.state import State
from sfu.core.rtp import rtcp

MAX_STATUSES = 20_000  # packets that a subscriber speaks of in a second: 20 Mbit/s, twice
MAX_NACKS = 1024  # numbers read of one subscriber in a second: all of its video lost


def receive(state: State, peer: str, data: bytes, now: float) -> None:
    """A compound packet. Raises RtcpError if its first packet is malformed."""
    for packet in rtcp.parse_compound(data):
        state.counters.rtcp_in += 1
        if isinstance(packet, rtcp.SenderReport):
            _sender_report(state, peer, packet, now)
            _blocks(state, peer, packet.blocks, now)
        elif isinstance(packet, rtcp.ReceiverReport):
            _blocks(state, peer, packet.blocks, now)
        elif isinstance(packet, rtcp.TransportFeedback):
            _transport_feedback(state, peer, packet, now)
        elif isinstance(packet, rtcp.Nack):
            _nack(state, peer, packet, now)
        elif isinstance(packet, rtcp.PictureLoss):
            _keyframe(state, peer, (packet.media,), now)
        elif isinstance(packet, rtcp.FullIntraRequest):
            _keyframe(state, peer, (ssrc for ssrc, _ in packet.entries), now)


def _sender_report(state: State, peer: str, report: rtcp.SenderReport, now: float) -> None:
    publisher = state.publisher(peer)
    source = publisher.by_ssrc.get(report.ssrc) if publisher else None
    if source is not None:
        clocks.receive_report(source, report.ntp, report.rtp_timestamp, now)


def _transport_feedback(
    state: State, peer: str, feedback: rtcp.TransportFeedback, now: float
) -> None:
    subscriber = state.subscriber(peer)
    if subscriber is None:
        return
    if now - subscriber.statuses_since >= 1.0:
        subscriber.statuses_since, subscriber.statuses = now, 0
    subscriber.statuses += len(feedback.deltas)
    if subscriber.statuses <= MAX_STATUSES:
        subscriber.estimator.receive_feedback(feedback, now)


def _stream(subscriber: Subscriber | None, ssrc: int) -> Stream | None:
    for slot in subscriber.slots if subscriber else ():
        for stream in slot.streams:
            if stream.ssrc == ssrc:
                return stream
    return None


def _blocks(state: State, peer: str, blocks: Iterable[rtcp.ReportBlock], now: float) -> None:
    subscriber = state.subscriber(peer)
    worst: float | None = None
    for block in blocks:
        stream = _stream(subscriber, block.ssrc)
        if stream is None or subscriber is None:
            continue
        stream.loss, stream.loss_at = block.fraction_lost / 256, now
        if stream.source is not None:
            worst = max(stream.loss, worst or 0.0)
        if block.lsr:
            _measure_rtt(state, subscriber, block, now)
    if worst is not None and subscriber is not None:
        subscriber.estimator.receive_report(worst, subscriber.rtt_s, now)


def _measure_rtt(state: State, subscriber: Subscriber, block: rtcp.ReportBlock, now: float) -> None:
    arrived = (clocks.ntp_timestamp(now, state.wall_offset_s) >> 16) & 0xFFFFFFFF
    rtt_s = ((arrived - block.lsr - block.dlsr) & 0xFFFFFFFF) / 65536
    if rtt_s > 10:  # a clock step or a lie
        return
    subscriber.rtt_s += (rtt_s - subscriber.rtt_s) / 4
    publisher = state.publisher(subscriber.peer)
    if publisher is not None:
        publisher.rtt_s = subscriber.rtt_s


def _nack(state: State, peer: str, nack: rtcp.Nack, now: float) -> None:
    subscriber = state.subscriber(peer)
    stream = _stream(subscriber, nack.media)
    if stream is None or subscriber is None:
        return
    stream.asked_at = now
    if peer in state.on_stream:
        return  # what it misses was dropped as too late: once more would be later still
    for seq in nack.sequence_numbers[: _nack_budget(subscriber, now)]:
        subscriber.nacked += 1
        state.counters.nacks_in += 1
        action = resending.answer(stream, seq, subscriber.rtt_s, now)
        if action is not None:
            state.counters.resent += 1
            state.actions.append(action)
            if isinstance(action, Resend) and resending.goes_twice(subscriber, stream, seq):
                state.counters.resent += 1
                state.actions.append(resending.second(stream, action))
        elif stream.source is not None and resending.is_beyond_repair(stream, seq):
            keyframes.want(stream.source.track, now)
            state.hurried = True


def _nack_budget(subscriber: Subscriber, now: float) -> int:
    if now - subscriber.nacks_since >= 1.0:
        subscriber.nacks_since, subscriber.nacked = now, 0
    return max(0, MAX_NACKS - subscriber.nacked)


def _keyframe(state: State, peer: str, ssrcs: Iterable[int], now: float) -> None:
    subscriber = state.subscriber(peer)
    for ssrc in ssrcs:
        stream = _stream(subscriber, ssrc)
        if stream is not None and stream.source is not None:
            keyframes.want(stream.source.track, now)
            state.hurried = True
