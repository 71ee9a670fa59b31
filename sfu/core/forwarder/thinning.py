"""Lower frame rates of a VP8 layer: frames of higher temporal layers are left out.

Numbers and picture ids are closed up, so that the receiver sees one stream without gaps. A frame is
left out whole or not at all. Less is sent from the next frame on; more only from a frame that
depends on nothing that was left out (Y, RFC 7741 4.2), one temporal layer after the other.
"""

from __future__ import annotations

from collections.abc import Iterable

from sfu.core.forwarder import segments
from sfu.core.forwarder.actions import Replay
from sfu.core.forwarder.model import Source, Stream
from sfu.core.forwarder.state import State
from sfu.core.rtp import header, vp8


def receive(state: State, source: Source, seq: int, streams: Iterable[int], now: float) -> None:
    """Packet `seq` belongs to a higher temporal layer than the newest rules of `streams` send."""
    packet = source.ring.get(seq)
    if packet is None:
        return
    descriptor = vp8.parse(packet, header.payload_offset(packet))
    for stream_id in streams:
        stream = state.streams.get(stream_id)
        if stream is not None and stream.segments:
            _decide(state, stream, source, seq, descriptor, now)


def _decide(
    state: State,
    stream: Stream,
    source: Source,
    seq: int,
    descriptor: vp8.Vp8Descriptor,
    now: float,
) -> None:
    rule = stream.segments[-1].rule
    tid = descriptor.tid or 0
    begins = descriptor.start and descriptor.partition == 0
    newest = seq == source.ring.highest and stream.segments[-1].source is source
    if newest and begins and descriptor.layer_sync and tid == rule.max_tid + 1 <= stream.max_tid:
        rule = segments.cut(state, stream, seq, now, max_tid=tid)
    elif newest and seq >= rule.first and (begins or _goes_on(stream, descriptor)):
        segments.close_up(state, stream, seq, now, pictures=int(begins))
        stream.dropped_picture = descriptor.picture_id
        return
    else:
        rule = next((s.rule for s in stream.segments if s.rule.first <= seq <= s.rule.last), rule)
    state.actions.append(Replay(source.id, rule, seq, seq, whole=True))


def _goes_on(stream: Stream, descriptor: vp8.Vp8Descriptor) -> bool:
    """Whether the frame's beginning has been left out."""
    dropped = stream.dropped_picture
    return dropped is not None and descriptor.picture_id == dropped


def lower(state: State, stream: Stream, max_tid: int, now: float) -> None:
    """Send less of the running source from its next frame on."""
    segment = stream.segments[-1] if stream.segments else None
    if segment is None or segment.source is not stream.source or segment.rule.max_tid <= max_tid:
        return
    segments.cut(state, stream, segment.source.ring.highest + 1, now, max_tid=max_tid)
