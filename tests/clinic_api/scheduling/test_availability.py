"""Weekly hours and exceptions become ranges in UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from clinic_api.scheduling.availability import Open, Span, Special, Weekly, open_ranges, without
from clinic_api.scheduling.wall import wall_at
from tests.clinic_api.scheduling.zones import ZONES, changes, zone

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


def weekly(weekday: int, from_min: int, until_min: int, name: str, **more: Any) -> Weekly:
    values: dict[str, Any] = {
        "valid_from": date(2020, 1, 1),
        "valid_until": None,
        "location_id": None,
        "service_ids": (),
    }
    return Weekly(
        weekday=weekday, from_min=from_min, until_min=until_min, zone=name, **(values | more)
    )


def special(kind: Any, starts: str, ends: str, name: str) -> Special:
    return Special(
        kind=kind,
        starts_local=datetime.fromisoformat(starts),
        ends_local=datetime.fromisoformat(ends),
        zone=name,
        location_id=None,
        service_ids=(),
    )


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def span(start: str, end: str) -> Span:
    return Span(utc(start), utc(end))


def spans(opens: list[Open]) -> list[Span]:
    return [each.span for each in opens]


def test_hours_over_a_gap_and_an_overlap_of_new_york() -> None:
    night = weekly(6, 90, 180, "America/New_York")  # Sundays 01:30–03:00
    around = span("2027-03-06T00:00", "2027-03-22T00:00")
    assert spans(open_ranges([night], [], around, zone)) == [
        span("2027-03-07T06:30", "2027-03-07T08:00"),
        span("2027-03-14T06:30", "2027-03-14T07:00"),  # half an hour is left
        span("2027-03-21T05:30", "2027-03-21T07:00"),
    ]
    autumn = span("2027-11-07T00:00", "2027-11-08T00:00")
    (long,) = open_ranges([night], [], autumn, zone)
    assert long.span == span("2027-11-07T05:30", "2027-11-07T08:00")


def test_hours_may_end_at_midnight() -> None:
    late = weekly(0, 22 * 60, 24 * 60, "Europe/Paris")
    around = span("2027-01-04T00:00", "2027-01-05T12:00")
    assert spans(open_ranges([late], [], around, zone)) == [
        span("2027-01-04T21:00", "2027-01-04T23:00")
    ]


def test_an_evening_is_found_whatever_the_servers_day_is() -> None:
    evening = weekly(4, 18 * 60, 22 * 60, "America/Los_Angeles")  # Friday there, Saturday in UTC
    saturday = span("2027-01-09T00:00", "2027-01-10T00:00")
    assert spans(open_ranges([evening], [], saturday, zone)) == [
        span("2027-01-09T02:00", "2027-01-09T06:00")
    ]


def test_a_block_closes_and_an_extra_opens_but_not_over_a_block() -> None:
    monday = weekly(0, 9 * 60, 12 * 60, "UTC")
    exceptions = [
        special("block", "2027-01-04T10:00", "2027-01-04T10:30", "UTC"),
        special("extra", "2027-01-05T10:00", "2027-01-05T13:00", "UTC"),
        special("block", "2027-01-05T12:00", "2027-01-08T00:00", "UTC"),
    ]
    around = span("2027-01-04T00:00", "2027-01-09T00:00")
    assert spans(open_ranges([monday], exceptions, around, zone)) == [
        span("2027-01-04T09:00", "2027-01-04T10:00"),
        span("2027-01-04T10:30", "2027-01-04T12:00"),
        span("2027-01-05T10:00", "2027-01-05T12:00"),
    ]


def test_hours_hold_between_their_two_days() -> None:
    mondays = weekly(0, 540, 600, "UTC", valid_from=date(2027, 1, 5), valid_until=date(2027, 1, 18))
    around = span("2027-01-01T00:00", "2027-02-01T00:00")
    found = open_ranges([mondays], [], around, zone)
    assert [each.span.start.date() for each in found] == [date(2027, 1, 11), date(2027, 1, 18)]


@st.composite
def nights(draw: st.DrawFn) -> tuple[str, date, int, int]:
    """A zone, a day on which its clock may be set, and hours of it."""
    name = draw(st.sampled_from(ZONES))
    near = changes(name) or (utc("2027-03-14T00:00"),)
    day = wall_at(draw(st.sampled_from(near)), name, zone).local.date()
    first, second = draw(st.integers(0, 1439)), draw(st.integers(1, 1440))
    return name, day, min(first, second - 1), max(first + 1, second)


@given(nights(), st.integers(0, 1440))
def test_hours_that_touch_still_touch_and_never_overlap(
    night: tuple[str, date, int, int], cut: int
) -> None:
    name, day, first, last = night
    middle = min(max(first, cut), last)
    around = Span(utc(f"{day - 2 * DAY}T00:00"), utc(f"{day + 3 * DAY}T00:00"))

    def hours(from_min: int, until_min: int) -> timedelta:
        rule = weekly(day.weekday(), from_min, until_min, name)
        found = open_ranges([rule], [], around, zone)
        return sum((each.span.end - each.span.start for each in found), timedelta())

    assert hours(first, middle) + hours(middle, last) == hours(first, last)


@given(nights())
def test_inside_of_hours_the_clock_shows_them(night: tuple[str, date, int, int]) -> None:
    name, day, first, last = night
    around = Span(utc(f"{day - 2 * DAY}T00:00"), utc(f"{day + 3 * DAY}T00:00"))
    for each in open_ranges([weekly(day.weekday(), first, last, name)], [], around, zone):
        shown = wall_at(each.span.end - timedelta(seconds=1), name, zone).local
        assert shown < datetime.combine(day, datetime.min.time()) + last * MINUTE


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 10)), max_size=8))
def test_what_is_left_is_what_nothing_has_taken(taken: list[tuple[int, int]]) -> None:
    def at(minute: int) -> datetime:
        return utc("2027-01-01T00:00") + minute * MINUTE

    left = without(Span(at(5), at(45)), [Span(at(one), at(one + n)) for one, n in taken])
    free = {m for m in range(5, 45) if not any(one <= m < one + n for one, n in taken)}
    minutes = [m for m in range(60) if any(each.start <= at(m) < each.end for each in left)]
    assert set(minutes) == free
