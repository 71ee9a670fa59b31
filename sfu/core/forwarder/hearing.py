"""What is lost of sound on its way to those who listen, 0..1."""

from __future__ import annotations

from math import sqrt

from sfu.core.forwarder import segments
from sfu.core.forwarder.model import Source, Stream, Subscriber
from sfu.core.forwarder.narrow import is_narrow
from sfu.core.forwarder.state import State

REPORTED_S = 10.0  # age of a reception report that still counts; Firefox: one in 5 s at worst


def loss(subscriber: Subscriber, stream: Stream, now: float) -> float:
    """Of the stream or of everything that the subscriber is sent, whichever is more."""
    return max(reported_loss(stream, now), subscriber.path_loss)


def reported_loss(stream: Stream, now: float) -> float:
    """What one copy loses: where all is sent twice a report counts what both of them lost."""
    if now - stream.loss_at > REPORTED_S:
        return 0.0
    return stream.loss if stream.repeats is None else sqrt(stream.loss)


def worst_loss(state: State, source: Source, now: float) -> float:
    """On the way of a source's sound to anybody whose link has room for what mends it.

    The publisher is told, or its Opus has no reason to add forward error correction.
    """
    if source.track.section.kind != "audio":
        return 0.0
    heard = (one for one in segments.streams_of_room(state, source) if one.source is source)
    return max((reported_loss(one, now) for one in heard if _has_room(state, one)), default=0.0)


def _has_room(state: State, stream: Stream) -> bool:
    subscriber = state.subscriber(stream.peer)
    return subscriber is None or not is_narrow(subscriber)
