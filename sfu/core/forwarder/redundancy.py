"""Redundant sound (RFC 2198) to receivers that know it, while its publisher sends it.

The publisher's packets are taken apart when they come, so that rings hold plain Opus, with what
redundancy brought back of lost packets; each packet is put together again for a receiver that has
RED and room for it. What a publisher does not send with redundancy never leaves with it.
"""

from __future__ import annotations

import msgspec

from sfu.core.forwarder import hearing, segments, switching
from sfu.core.forwarder.model import Stream, Subscriber
from sfu.core.forwarder.narrow import is_narrow
from sfu.core.forwarder.state import State

MIN_BPS = 120_000.0  # below it sound has no room for a second copy (design/media)
END_BPS = 90_000.0  # what two copies take at most; an estimate falls for mere loss, too
SENT_S = 1.0  # after the last redundant packet its publisher still counts as sending such
# One earlier packet in each leaves 4 % of a fifth unheard, and with jitter 7 % (measured); two 1 %.
MUCH_LOSS, TWO_BPS = 0.08, 200_000.0
PLAIN = 0, 0


def watch(state: State, subscriber: Subscriber, now: float) -> None:
    """Five times a second: begin, change and end."""
    for slot in subscriber.slots:
        if slot.audio is not None and slot.audio.segments:
            _aim(state, slot.audio, _wanted(subscriber, slot.audio, now), now)


def _wanted(subscriber: Subscriber, stream: Stream, now: float) -> tuple[int, int]:
    """The receiver's payload type of redundant sound, and how many earlier packets each carries."""
    source, bps = stream.source, subscriber.estimator.bitrate_bps
    enough_bps = END_BPS if is_on(stream) else MIN_BPS
    if source is None or bps < enough_bps or is_narrow(subscriber):
        return PLAIN
    if now - source.redundant_at > SENT_S:
        return PLAIN
    codec = stream.codec_for(source.codec)
    if codec is None or codec.red_payload_type is None:
        return PLAIN
    two = bps >= TWO_BPS and hearing.loss(subscriber, stream, now) > MUCH_LOSS
    return codec.red_payload_type, 1 + two


def _aim(state: State, stream: Stream, wanted: tuple[int, int], now: float) -> None:
    segment = stream.segments[-1]
    rule = segment.rule
    if segment.source is not stream.source or wanted == (rule.red_payload_type, rule.red_earlier):
        return
    first = segment.source.ring.highest + 1
    ended, following = switching.split(rule, first - 1, first, 0)
    following = msgspec.structs.replace(
        following, red_payload_type=wanted[0], red_earlier=wanted[1]
    )
    segments.follow(state, stream, (ended, following), now)


def is_on(stream: Stream) -> bool:
    """Whether the receiver gets redundant sound now."""
    return bool(stream.segments and stream.segments[-1].rule.red_payload_type)


def copies(stream: Stream) -> int:
    """How often the sound of a stream is sent now."""
    if stream.repeats is not None:
        return 2
    return 1 + stream.segments[-1].rule.red_earlier if is_on(stream) else 1
