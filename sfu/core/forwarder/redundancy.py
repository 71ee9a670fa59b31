"""Redundant sound (RFC 2198) to receivers that know it, while its publisher sends it.

The publisher's packets are taken apart when they come, so that rings hold plain Opus, with what
redundancy brought back of lost packets; each packet is put together again for a receiver that has
RED and room for it. What a publisher does not send with redundancy never leaves with it.
"""

from __future__ import annotations

import msgspec

from sfu.core.forwarder import segments, switching
from sfu.core.forwarder.model import Stream, Subscriber
from sfu.core.forwarder.state import State

MIN_BPS = 120_000.0  # below it sound has no room for a second copy (design/media)
SENT_S = 1.0  # after the last redundant packet its publisher still counts as sending such


def watch(state: State, subscriber: Subscriber, now: float) -> None:
    """Five times a second: begin and end."""
    has_room = subscriber.estimator.bitrate_bps >= MIN_BPS
    for slot in subscriber.slots:
        if slot.audio is not None and slot.audio.segments:
            _aim(state, slot.audio, _payload_type(slot.audio, now) if has_room else 0, now)


def _payload_type(stream: Stream, now: float) -> int:
    """The receiver's payload type of redundant sound; 0 where it gets plain sound."""
    source = stream.source
    if source is None or now - source.redundant_at > SENT_S:
        return 0
    codec = stream.codec_for(source.codec)
    return codec.red_payload_type or 0 if codec else 0


def _aim(state: State, stream: Stream, payload_type: int, now: float) -> None:
    segment = stream.segments[-1]
    if segment.source is not stream.source or segment.rule.red_payload_type == payload_type:
        return
    first = segment.source.ring.highest + 1
    ended, following = switching.split(segment.rule, first - 1, first, 0)
    following = msgspec.structs.replace(following, red_payload_type=payload_type)
    segments.follow(state, stream, (ended, following), now)


def is_on(stream: Stream) -> bool:
    """Whether the receiver gets redundant sound now."""
    return bool(stream.segments and stream.segments[-1].rule.red_payload_type)
