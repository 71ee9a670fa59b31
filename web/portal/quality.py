"""How a call was, as a page shows it: a strip per person, the same in words, and what happened.

A strip is drawn in thousandths of the time from the first to the last that is known of anybody, so
that those of different people stand under each other. A bar's height says the same as its colour.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Literal

import msgspec

from clinic_api.visits.call_quality import PersonQuality, QualityPoint, VisitQuality
from clinic_api.visits.views import VisitView
from web.portal.quality_words import SOMEBODY, WAYS, lasting, listed, said_of, said_of_end

Level = Literal["good", "fair", "poor", "bad"]
LEVELS: tuple[Level, ...] = ("good", "fair", "poor", "bad")
STRIP_POINTS = 90  # of a person on a page: a quarter of an hour by 10 s
STRIP_WIDTH = 1000
NOTHING = "nobody was there to be heard or seen, or nothing was told of it"
LEAST_S = 0.5  # of a level that is told
BAR_TOP: Mapping[Level, int] = {"good": 0, "fair": 11, "poor": 21, "bad": 30}  # of 40


class Bar(msgspec.Struct, frozen=True):
    """A stretch of one level; `x` and `width` in thousandths of the strip."""

    x: int
    width: int
    level: Level
    begin: datetime
    end: datetime


class Row(msgspec.Struct, frozen=True):
    """One point in numbers; "–" is what is not known."""

    at: datetime
    levels: str
    concealed: str
    picture: str
    frozen: str
    rtt: str
    loss: str
    bandwidth: str
    way: str


class Strip(msgspec.Struct, frozen=True):
    """How the call was for one person; `summary` says all that the bars show."""

    name: str
    summary: str
    bars: tuple[Bar, ...]
    rows: tuple[Row, ...]
    left_out: int  # events that are not kept


class Happening(msgspec.Struct, frozen=True):
    at: datetime
    words: str


class QualityShown(msgspec.Struct, frozen=True):
    """What the page has of a call; no strips: nothing is known."""

    strips: tuple[Strip, ...]
    happenings: tuple[Happening, ...]
    begin: datetime | None
    end: datetime | None


def shown(quality: VisitQuality, visit: VisitView, now: datetime) -> QualityShown:
    """For the page of a visit; who is still there is there until `now`."""
    names = {seat.id: seat.name for seat in visit.participants}
    times = [at for person in quality.people for at in _times(person, now)]
    if not times:
        return QualityShown((), (), None, None)
    begin, end = min(times), max(times)
    happenings = [one for person in quality.people for one in _happenings(person, names)]
    return QualityShown(
        strips=tuple(_strip(person, names, begin, end) for person in quality.people),
        happenings=tuple(sorted(happenings, key=lambda one: one.at)),
        begin=begin,
        end=end,
    )


def _times(person: PersonQuality, now: datetime) -> Iterator[datetime]:
    for coming in person.comings:
        yield coming.joined_at
        yield coming.left_at or now
    for point in person.points:
        yield point.at
        yield point.until


def _happenings(person: PersonQuality, names: Mapping[str, str]) -> Iterator[Happening]:
    who = names.get(person.participant_id, SOMEBODY)
    for coming in person.comings:
        yield Happening(coming.joined_at, f"{who} came into the call.")
        if coming.left_at is not None:
            yield Happening(coming.left_at, said_of_end(coming, who))
    for event in person.events:
        yield Happening(event.at, said_of(event, who, names))


def _strip(
    person: PersonQuality, names: Mapping[str, str], begin: datetime, end: datetime
) -> Strip:
    return Strip(
        name=names.get(person.participant_id, SOMEBODY),
        summary=_summary(person.points),
        bars=tuple(_bars(person.points, begin, end)),
        rows=tuple(map(_row, person.points)),
        left_out=person.events_left_out,
    )


def _lasted(points: Iterable[QualityPoint]) -> dict[Level, float]:
    """Seconds of each level, the good first."""
    known = list(points)
    return {level: sum(getattr(point, f"{level}_s") for point in known) for level in LEVELS}


def _summary(points: Iterable[QualityPoint]) -> str:
    words = _split(_lasted(points), "{level} for {time}") or NOTHING
    return words[0].upper() + words[1:]


def _split(lasted: Mapping[Level, float], words: str = "{level} {time}") -> str:
    told = {level: seconds for level, seconds in lasted.items() if seconds >= LEAST_S}
    return listed(words.format(level=level, time=lasting(told[level])) for level in told)


def _bars(points: Iterable[QualityPoint], begin: datetime, end: datetime) -> Iterator[Bar]:
    """Neighbours of one level are one bar. In which order the levels of a point came is not known:
    it is drawn so that it goes on as the point before ended."""
    open_bar: Bar | None = None
    for point in points:
        for level, since, until in _stretches(point, open_bar.level if open_bar else "good"):
            x, x_end = _place(since, begin, end), _place(until, begin, end)
            if open_bar and open_bar.level == level and x - open_bar.x - open_bar.width <= 1:
                begun, x = open_bar.begin, open_bar.x
            else:
                begun = since
                if open_bar:
                    yield open_bar
            open_bar = Bar(x, max(1, x_end - x), level, begun, until)
    if open_bar:
        yield open_bar


def _stretches(point: QualityPoint, before: Level) -> Iterator[tuple[Level, datetime, datetime]]:
    lasted = _lasted([point])
    whole_s, since = sum(lasted.values()), point.at
    for level in sorted(lasted, key=lambda one: one != before):
        if lasted[level]:
            until = since + (point.until - point.at) * (lasted[level] / whole_s)
            yield level, since, until
            since = until


def _place(at: datetime, begin: datetime, end: datetime) -> int:
    whole_s = (end - begin).total_seconds() or 1.0
    return round((at - begin).total_seconds() / whole_s * STRIP_WIDTH)


def _row(point: QualityPoint) -> Row:
    height = f", {point.height} lines" if point.height else ""
    return Row(
        at=point.at,
        levels=_split(_lasted([point])),
        concealed=_known(point.concealed_percent, "{:.1f} %"),
        picture=_known(point.frames_per_s, "{:.0f} per s") + height,
        frozen=f"{point.frozen_s:.1f} s",
        rtt=f"{point.rtt_ms} ms",
        loss=f"{point.loss_in_percent:.1f} % / {point.loss_out_percent:.1f} %",
        bandwidth=_known(point.bandwidth_kbps, "{} kbit/s"),
        way=WAYS.get(point.way, point.way),
    )


def _known(value: float | None, words: str) -> str:
    return "–" if value is None else words.format(value)
