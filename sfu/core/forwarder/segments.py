"""The rules of a stream, one after the other: where one ends and the next begins.

A new rule begins where numbers have to be closed up: at an empty packet, at a leap, and at each
frame that is left out. Ended rules serve late packets and NACKs for a while.
"""

from __future__ import annotations

from sfu.core.forwarder import switching
from sfu.core.forwarder.actions import Install, Replace
from sfu.core.forwarder.model import Segment, Source, Stream
from sfu.core.forwarder.rule import Rule
from sfu.core.forwarder.state import State


def leave_out(state: State, source: Source, seq: int, now: float) -> None:
    """An empty packet in order: close the numbers up on every stream that follows the source."""
    _split(state, source, seq - 1, seq + 1, 1, now)


def leap(state: State, source: Source, seq: int, now: float) -> None:
    """The next packet's number is far ahead: outgoing numbers go on with a gap of one.

    Leaps that were passed on and lost would make a receiver miscount roll-overs for good.
    """
    highest = source.ring.highest
    _split(state, source, highest, seq, seq - highest - 2, now)


def _split(state: State, source: Source, last: int, first: int, closed_up: int, now: float) -> None:
    for stream in streams_of_room(state, source):
        if stream.source is not source or not stream.segments:
            continue
        segment = stream.segments[-1]
        if segment.rule.first >= first:
            continue
        switching.settle(stream)  # the ring keeps its newest packet only, and that may be empty
        follow(state, stream, switching.split(segment.rule, last, first, closed_up), now)


def close_up(state: State, stream: Stream, seq: int, now: float, *, pictures: int) -> None:
    """The newest packet `seq` is not sent to this stream, nor so many picture ids."""
    rule = stream.segments[-1].rule
    parts = switching.split(rule, seq - 1, seq + 1, 1, pictures=pictures)
    follow(state, stream, parts, now)


def cut(state: State, stream: Stream, first: int, now: float, *, max_tid: int) -> Rule:
    """The rule by which the stream goes on from packet `first` up to another temporal layer."""
    rule = stream.segments[-1].rule
    parts = switching.split(rule, first - 1, first, 0, max_tid=max_tid)
    follow(state, stream, parts, now)
    return parts[1]


def follow(state: State, stream: Stream, parts: tuple[Rule, Rule], now: float) -> None:
    """Put the two parts in place of the newest rule; a first part without packets vanishes."""
    segment = stream.segments[-1]
    source = segment.source
    ended, following = parts
    if ended.last < ended.first:
        state.actions.append(Replace(source.id, segment.rule, following))
        segment.rule = following
        return
    state.actions.append(Replace(source.id, segment.rule, ended))
    state.actions.append(Install(source.id, following))
    segment.rule, segment.until = ended, now + switching.LINGER_S
    add(state, stream, Segment(source, following))


def streams_of_room(state: State, source: Source) -> list[Stream]:
    room = state.rooms[source.track.publisher.room]
    return [
        stream
        for subscriber in room.subscribers.values()
        for slot in subscriber.slots
        for stream in slot.streams
    ]


def is_followed(state: State, source: Source) -> bool:
    """Whether anybody is sent this source now."""
    return any(stream.source is source for stream in streams_of_room(state, source))


def add(state: State, stream: Stream, segment: Segment) -> None:
    if len(stream.segments) == stream.segments.maxlen:
        forget(state, stream)
    stream.segments.append(segment)


def forget(state: State, stream: Stream) -> None:
    """Drop the oldest rule of a stream from executor and segments."""
    segment = stream.segments.popleft()
    state.actions.append(Replace(segment.source.id, segment.rule, None))


def forget_ended(state: State, now: float) -> None:
    """Drop rules whose time is over from executor and segments."""
    for stream in state.streams.values():
        while stream.segments and (until := stream.segments[0].until) is not None and until <= now:
            forget(state, stream)
