"""When a practitioner can be booked: weekly hours and exceptions, in wall time, as ranges in UTC.

Weekly hours hold on one weekday between two days; an *extra* opens and a *block* closes one range
of wall time. A block wins over everything else. `until_min` is exclusive, so the day's end is 1440
(24:00); hours over midnight are two rules. Edges follow `wall.edge`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Literal

import msgspec

from clinic_api.scheduling.wall import Zones, edge, wall_at

DAY = timedelta(days=1)
ExceptionKind = Literal["block", "extra"]


class Span(msgspec.Struct, frozen=True):
    """[start, end) in UTC."""

    start: datetime
    end: datetime


class Weekly(msgspec.Struct, frozen=True, kw_only=True):
    """Hours of every week. Empty `service_ids`: all services; `location_id` None: wherever."""

    weekday: int  # 0: Monday
    from_min: int  # of the day
    until_min: int  # ≤ 1440
    zone: str
    valid_from: date
    valid_until: date | None  # the last day
    location_id: str | None
    service_ids: tuple[str, ...]


class Special(msgspec.Struct, frozen=True, kw_only=True):
    """One range of wall time that is closed, or open besides the weekly hours."""

    kind: ExceptionKind
    starts_local: datetime  # naive
    ends_local: datetime
    zone: str
    location_id: str | None
    service_ids: tuple[str, ...]


class Open(msgspec.Struct, frozen=True, kw_only=True):
    """A range that can be booked; starts are stepped in wall time from `anchor`."""

    span: Span
    anchor: datetime  # naive, where its hours begin, although a block may have cut them
    zone: str
    location_id: str | None
    service_ids: tuple[str, ...]


def open_ranges(
    rules: Iterable[Weekly], exceptions: Sequence[Special], asked: Span, zones: Zones
) -> list[Open]:
    """What is open within `asked`, by start. Ranges of several rules may overlap."""
    extras = (each for each in exceptions if each.kind == "extra")
    blocks = [_span(each, zones) for each in exceptions if each.kind == "block"]
    found = [one for rule in rules for one in _weekly(rule, asked, zones)]
    found += [_extra(each, zones) for each in extras]
    parts = (
        msgspec.structs.replace(each, span=part)
        for each in found
        for part in without(_within(each.span, asked), blocks)
    )
    return sorted(parts, key=lambda each: (each.span.start, each.anchor))


def without(span: Span, taken: Iterable[Span]) -> list[Span]:
    """What is left of `span`, in order."""
    left, start = [], span.start
    for each in sorted(taken, key=lambda one: one.start):
        if each.start >= span.end or each.end <= start:
            continue
        if each.start > start:
            left.append(Span(start, each.start))
        start = max(start, each.end)
    if start < span.end:
        left.append(Span(start, span.end))
    return left


def at_minute(day: date, minute: int) -> datetime:
    """The naive wall time; 1440 is the next day's 00:00."""
    return datetime.combine(day, time()) + timedelta(minutes=minute)


def _weekly(rule: Weekly, asked: Span, zones: Zones) -> Iterator[Open]:
    zone = zones(rule.zone)
    for day in _days(rule, asked, zones):
        anchor = at_minute(day, rule.from_min)
        span = Span(edge(anchor, zone), edge(at_minute(day, rule.until_min), zone))
        yield Open(
            span=span,
            anchor=anchor,
            zone=rule.zone,
            location_id=rule.location_id,
            service_ids=rule.service_ids,
        )


def _days(rule: Weekly, asked: Span, zones: Zones) -> Iterator[date]:
    """Days of the rule that may touch `asked`; a clock set back shows some of a day again."""
    day = max(wall_at(asked.start, rule.zone, zones).local.date() - DAY, rule.valid_from)
    last = wall_at(asked.end, rule.zone, zones).local.date() + DAY
    if rule.valid_until is not None:
        last = min(last, rule.valid_until)
    day += DAY * ((rule.weekday - day.weekday()) % 7)
    while day <= last:
        yield day
        day += 7 * DAY


def _extra(each: Special, zones: Zones) -> Open:
    return Open(
        span=_span(each, zones),
        anchor=each.starts_local,
        zone=each.zone,
        location_id=each.location_id,
        service_ids=each.service_ids,
    )


def _span(each: Special, zones: Zones) -> Span:
    zone = zones(each.zone)
    return Span(edge(each.starts_local, zone), edge(each.ends_local, zone))


def _within(span: Span, asked: Span) -> Span:
    """Empty (start ≥ end) where they do not meet."""
    return Span(max(span.start, asked.start), min(span.end, asked.end))
