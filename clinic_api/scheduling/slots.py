"""Free slots: open hours without what is busy, stepped in wall time. Computed, never stored.

The visit itself has to lie in open hours of one place; its buffers may reach out of them, but not
into the visit or the buffers of a neighbour, whichever service and place that belongs to. Steps
count from the beginning of the hours; a start that the clock does not show is left out, one that
it shows twice is offered twice.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta, tzinfo

import msgspec

from clinic_api.scheduling.availability import Open, Span
from clinic_api.scheduling.wall import Wall, Zones, exacts, wall_at

_NONE = timedelta()


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """What a service with one practitioner needs. Minutes are real ones."""

    service_id: str
    location_id: str | None  # of the offer; None: wherever there are hours
    duration_min: int
    buffer_before_min: int
    buffer_after_min: int
    step_min: int
    earliest: datetime  # now + lead
    latest: datetime  # now + horizon: the last start

    @property
    def lasts(self) -> timedelta:
        return timedelta(minutes=self.duration_min)

    def busy(self, span: Span) -> Span:
        """A visit in `span` with its buffers."""
        return busy_span(span, self.buffer_before_min, self.buffer_after_min)


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """A time that can be taken."""

    wall: Wall
    span: Span  # of the visit
    busy: Span  # with buffers
    location_id: str | None


def slots(opens: Iterable[Open], busy: Iterable[Span], need: Need, zones: Zones) -> list[Slot]:
    """By start; `busy` are others' visits with their own buffers."""
    fitting = [each for each in opens if _serves(each, need)]
    taken = joined(busy)
    found: dict[datetime, Slot] = {}
    for place in {each.location_id for each in fitting}:
        here = [each for each in fitting if each.location_id == place]
        hours = joined(each.span for each in here)
        for slot in (slot for each in here for slot in _in(each, need, zones)):
            if _lies_in(slot.span, hours) and _is_free(slot.busy, taken):
                found.setdefault(slot.span.start, slot)
    return [found[start] for start in sorted(found)]


def joined(spans: Iterable[Span]) -> list[Span]:
    """Overlapping and touching ranges as one, in order."""
    found: list[Span] = []
    for each in sorted(spans, key=lambda one: one.start):
        if found and each.start <= found[-1].end:
            found[-1] = Span(found[-1].start, max(found[-1].end, each.end))
        else:
            found.append(each)
    return found


def busy_span(span: Span, before_min: int, after_min: int) -> Span:
    """A visit with its buffers."""
    before, after = timedelta(minutes=before_min), timedelta(minutes=after_min)
    return Span(span.start - before, span.end + after)


def _serves(each: Open, need: Need) -> bool:
    elsewhere = need.location_id is not None and each.location_id not in (None, need.location_id)
    return not elsewhere and (not each.service_ids or need.service_id in each.service_ids)


def _in(each: Open, need: Need, zones: Zones) -> Iterator[Slot]:
    """Every start within the hours that is neither too soon nor too far."""
    zone = zones(each.zone)
    for local in _steps(each, need, zones):
        for start in _starts(local, zone, each, need):
            span = Span(start, start + need.lasts)
            fold = wall_at(start, each.zone, zones).fold
            yield Slot(
                wall=Wall(local=local, fold=fold, zone=each.zone),
                span=span,
                busy=need.busy(span),
                location_id=need.location_id if each.location_id is None else each.location_id,
            )


def _starts(local: datetime, zone: tzinfo, each: Open, need: Need) -> list[datetime]:
    first, last = max(each.span.start, need.earliest), min(each.span.end, need.latest)
    return [start for start in exacts(local, zone) if first <= start <= last]


def _steps(each: Open, need: Need, zones: Zones) -> Iterator[datetime]:
    """Wall times on the grid of the hours, over every wall time that the range may show."""
    zone, step = zones(each.zone), timedelta(minutes=need.step_min)
    first = max(each.span.start, need.earliest).astimezone(zone)
    last = min(each.span.end, need.latest).astimezone(zone)
    set_by = abs((last.utcoffset() or _NONE) - (first.utcoffset() or _NONE))
    from_local = first.replace(tzinfo=None, fold=0) - set_by
    until_local = last.replace(tzinfo=None, fold=0) + set_by
    local = each.anchor + max(0, -((each.anchor - from_local) // step)) * step
    while local <= until_local:
        yield local
        local += step


def _lies_in(span: Span, hours: list[Span]) -> bool:
    """`hours` are joined."""
    at = bisect_right(hours, span.start, key=_start) - 1
    return at >= 0 and span.end <= hours[at].end


def _is_free(span: Span, taken: list[Span]) -> bool:
    """`taken` are joined."""
    at = bisect_left(taken, span.end, key=_start) - 1
    return at < 0 or taken[at].end <= span.start


def _start(span: Span) -> datetime:
    return span.start
