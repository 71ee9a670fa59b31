"""How a visit's call was for one person: points in time, merged where they become too many.

Pure arithmetic. Merging adds what can be added and keeps the worst of the rest, so that the sums of
a timeline are the same before and after. The newest third is as it came; of what is older the two
neighbours that are together the shortest are merged, so that its steps are alike and pauses remain.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

MAX_POINTS = 720  # of a person and visit: two hours by 10 s
MAX_EVENTS = 240  # likewise; what is beyond is counted

EventKind = Literal[
    "microphone_silent",
    "camera_black",
    "speaker_blocked",
    "not_heard_by",
    "not_seen_by",
    "reconnected",
    "media_reconnected",
    "way_changed",
]


class Point(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """Some time of a call. Times in Unix milliseconds, durations in milliseconds; the four levels
    add up to the time that was reported. Fields are only ever added at the end: rows keep them."""

    at_ms: int
    until_ms: int
    good_ms: int = 0
    fair_ms: int = 0
    poor_ms: int = 0
    bad_ms: int = 0
    heard_ms: int = 0  # that there should have been sound
    concealed_ms: int = 0  # of it made up
    seen_ms: int = 0  # that there should have been a picture
    frames: int = 0
    freeze_ms: int = 0
    height: int = 0  # pixels, newest; 0: no picture came
    rtt_ms: int = 0  # worst
    loss_in: int = 0  # worst, thousandths
    loss_out: int = 0
    kbps: int = 0  # least; 0: not known
    way: str = ""  # newest


class Event(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What befell the person. `others` are seats: who did not get it, or from whom nothing came."""

    kind: EventKind
    at_ms: int
    lasted_ms: int = 0
    others: tuple[str, ...] = ()
    detail: str = ""


def merged(one: Point, other: Point) -> Point:
    """The later of the two is `other`."""
    return Point(
        at_ms=min(one.at_ms, other.at_ms),
        until_ms=max(one.until_ms, other.until_ms),
        good_ms=one.good_ms + other.good_ms,
        fair_ms=one.fair_ms + other.fair_ms,
        poor_ms=one.poor_ms + other.poor_ms,
        bad_ms=one.bad_ms + other.bad_ms,
        heard_ms=one.heard_ms + other.heard_ms,
        concealed_ms=one.concealed_ms + other.concealed_ms,
        seen_ms=one.seen_ms + other.seen_ms,
        frames=one.frames + other.frames,
        freeze_ms=one.freeze_ms + other.freeze_ms,
        height=other.height or one.height,
        rtt_ms=max(one.rtt_ms, other.rtt_ms),
        loss_in=max(one.loss_in, other.loss_in),
        loss_out=max(one.loss_out, other.loss_out),
        kbps=min(filter(None, (one.kbps, other.kbps)), default=0),
        way=other.way or one.way,
    )


def condensed(points: Iterable[Point], limit: int = MAX_POINTS) -> tuple[Point, ...]:
    """In the order of time, at most `limit` of them."""
    kept = sorted(points, key=lambda point: (point.at_ms, point.until_ms))
    while len(kept) > limit:
        older = len(kept) - limit // 3
        at = min(range(older - 1), key=lambda i: _extent(kept[i], kept[i + 1]))
        kept[at : at + 2] = [merged(kept[at], kept[at + 1])]
    return tuple(kept)


def newest(events: Sequence[Event]) -> tuple[Event, ...]:
    """In the order of time; at most as many as are kept."""
    return tuple(sorted(events, key=lambda event: event.at_ms)[-MAX_EVENTS:])


def _extent(one: Point, other: Point) -> int:
    return max(one.until_ms, other.until_ms) - one.at_ms
