"""A time zone as iCalendar (RFC 5545 3.6.5): every change of its offset in a range, one by one.

A change's DTSTART is what the clock showed under the offset before it, as the standard has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta, tzinfo

import msgspec

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


class Change(msgspec.Struct, frozen=True):
    """From `at` (UTC) on the zone's offset is another one."""

    at: datetime
    before: timedelta
    after: timedelta


def offset_changes(zone: tzinfo, since: datetime, until: datetime) -> list[Change]:
    """By time. The range is in UTC and full seconds; no zone changes twice within a day."""
    changes, at = [], since
    while at < until:
        following = min(at + _DAY, until)
        before, after = _offset(zone, at), _offset(zone, following)
        if before != after:
            changes.append(Change(_first_after(zone, at, following), before, after))
        at = following
    return changes


def time_zone(name: str, zone: tzinfo, since: datetime, changes: Iterable[Change]) -> Iterator[str]:
    """Lines of a VTIMEZONE that is right from `since` to where the changes were looked for."""
    yield "BEGIN:VTIMEZONE"
    yield f"TZID:{name}"
    offset = _offset(zone, since)
    yield from _observance(zone, Change(since, offset, offset))
    for each in changes:
        yield from _observance(zone, each)
    yield "END:VTIMEZONE"


def local_time(at: datetime) -> str:
    """As its own clock shows it (RFC 5545 3.3.5, form 1)."""
    return f"{at:%Y%m%dT%H%M%S}"


def _observance(zone: tzinfo, change: Change) -> Iterator[str]:
    local = change.at.astimezone(zone)
    kind = "DAYLIGHT" if local.dst() else "STANDARD"
    yield f"BEGIN:{kind}"
    yield f"DTSTART:{local_time(change.at.replace(tzinfo=None) + change.before)}"
    yield f"TZOFFSETFROM:{_shown(change.before)}"
    yield f"TZOFFSETTO:{_shown(change.after)}"
    yield f"TZNAME:{local.tzname()}"
    yield f"END:{kind}"


def _offset(zone: tzinfo, at: datetime) -> timedelta:
    offset = at.astimezone(zone).utcoffset()
    assert offset is not None
    return offset


def _first_after(zone: tzinfo, earlier: datetime, later: datetime) -> datetime:
    """By halves, between full seconds; clocks change at full seconds."""
    before = _offset(zone, earlier)
    while later - earlier > _SECOND:
        middle = (earlier + (later - earlier) / 2).replace(microsecond=0)
        if _offset(zone, middle) == before:
            earlier = middle
        else:
            later = middle
    return later


def _shown(offset: timedelta) -> str:
    """RFC 5545 3.3.14: ±HHMM, with seconds where there are any."""
    seconds = round(offset.total_seconds())
    minutes, rest = divmod(abs(seconds), 60)
    shown = f"{'-' if seconds < 0 else '+'}{minutes // 60:02}{minutes % 60:02}"
    return f"{shown}{rest:02}" if rest else shown
