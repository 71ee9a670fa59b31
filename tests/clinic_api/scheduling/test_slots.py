"""Slots lie in open hours, keep away from neighbours, and step in wall time."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from clinic_api.scheduling.availability import Span, Weekly, open_ranges
from clinic_api.scheduling.slots import Need, Slot, busy_span, slots
from clinic_api.scheduling.wall import derived, wall_at
from tests.clinic_api.scheduling.test_availability import DAY, MINUTE, nights, span, utc, weekly
from tests.clinic_api.scheduling.zones import zone


def need(**more: Any) -> Need:
    values: dict[str, Any] = {
        "service_id": "visit",
        "location_id": None,
        "duration_min": 30,
        "buffer_before_min": 0,
        "buffer_after_min": 0,
        "step_min": 30,
        "earliest": utc("2000-01-01T00:00"),
        "latest": utc("2100-01-01T00:00"),
    }
    return Need(**(values | more))


def found(
    rules: list[Weekly], asked: Span, wanted: Need, busy: tuple[Span, ...] = ()
) -> list[Slot]:
    return slots(open_ranges(rules, [], asked, zone), busy, wanted, zone)


def starts(
    rules: list[Weekly], asked: Span, wanted: Need, busy: tuple[Span, ...] = ()
) -> list[str]:
    return [f"{each.span.start:%H:%M}" for each in found(rules, asked, wanted, busy)]


MONDAY = span("2027-01-04T00:00", "2027-01-05T00:00")
MORNING = weekly(0, 9 * 60, 11 * 60, "UTC")


def test_slots_step_from_the_beginning_of_the_hours() -> None:
    assert starts([MORNING], MONDAY, need()) == ["09:00", "09:30", "10:00", "10:30"]
    quarter = need(duration_min=45, step_min=15)
    assert starts([MORNING], MONDAY, quarter) == [
        "09:00",
        "09:15",
        "09:30",
        "09:45",
        "10:00",
        "10:15",
    ]


def test_the_gap_has_no_slots_and_the_overlap_has_them_twice() -> None:
    night = weekly(6, 90, 180, "America/New_York")
    spring = span("2027-03-14T00:00", "2027-03-15T00:00")
    assert starts([night], spring, need()) == ["06:30"]
    autumn = span("2027-11-07T00:00", "2027-11-08T00:00")
    twice = found([night], autumn, need())
    assert [f"{each.span.start:%H:%M}" for each in twice] == ["05:30", "06:30", "07:00", "07:30"]
    assert [each.wall.fold for each in twice] == [0, 1, 0, 0]


def test_a_buffer_keeps_away_from_the_buffer_of_another_service() -> None:
    neighbour = busy_span(span("2027-01-04T10:00", "2027-01-04T10:30"), 15, 0)
    assert starts([MORNING], MONDAY, need(), (neighbour,)) == ["09:00", "10:30"]
    after = need(buffer_after_min=15)
    assert starts([MORNING], MONDAY, after, (neighbour,)) == ["09:00", "10:30"]
    longer = need(buffer_after_min=16)
    assert starts([MORNING], MONDAY, longer, (neighbour,)) == ["10:30"]
    assert starts([MORNING], MONDAY, need(buffer_before_min=1), (neighbour,)) == ["09:00"]


def test_a_buffer_may_reach_out_of_the_hours() -> None:
    wide = need(duration_min=120, buffer_before_min=60, buffer_after_min=60)
    assert starts([MORNING], MONDAY, wide) == ["09:00"]


def test_lead_and_horizon_are_kept_to_the_minute() -> None:
    near = need(earliest=utc("2027-01-04T09:30"), latest=utc("2027-01-04T10:00"))
    assert starts([MORNING], MONDAY, near) == ["09:30", "10:00"]


def test_a_weeks_notice_over_the_night_of_the_change_is_168_hours() -> None:
    """cal.diy 12137: 7 days are counted in time, not in wall days."""
    sunday = weekly(6, 8 * 60, 11 * 60, "America/New_York")
    now = utc("2027-03-07T14:00")  # 09:00 in New York, a week before
    week = need(earliest=now + 7 * DAY, duration_min=60, step_min=60)
    asked = span("2027-03-14T00:00", "2027-03-15T00:00")
    assert starts([sunday], asked, week) == ["14:00"]  # 10:00 EDT; 09:00 EDT is an hour too soon


def test_hours_of_one_place_are_not_slots_of_another() -> None:
    north = weekly(0, 540, 600, "UTC", location_id="north")
    south = weekly(0, 600, 660, "UTC", location_id="south")
    assert starts([north, south], MONDAY, need(location_id="south")) == ["10:00", "10:30"]
    across = need(duration_min=60, step_min=30)
    assert starts([north, south], MONDAY, across) == ["09:00", "10:00"]  # never over both


def test_hours_for_some_services_are_not_for_others() -> None:
    only = weekly(0, 540, 600, "UTC", service_ids=("other",))
    assert starts([only], MONDAY, need()) == []
    assert starts([only], MONDAY, need(service_id="other")) == ["09:00", "09:30"]


def test_touching_hours_are_one() -> None:
    later = weekly(0, 11 * 60, 12 * 60, "UTC")
    assert starts([MORNING, later], MONDAY, need(duration_min=150)) == ["09:00", "09:30"]


def test_a_series_at_nine_stays_at_nine_over_the_change() -> None:
    """Recurring visits keep their wall time (cal.diy 4400)."""
    mondays = weekly(0, 9 * 60, 9 * 60 + 30, "Europe/Paris")
    asked = span("2027-03-20T00:00", "2027-04-06T00:00")
    shown = found([mondays], asked, need())
    assert [f"{each.wall.local:%H:%M}" for each in shown] == ["09:00"] * 3
    assert [f"{each.span.start:%H:%M}" for each in shown] == ["08:00", "07:00", "07:00"]


@given(
    nights(),
    st.integers(5, 120),
    st.sampled_from((5, 10, 15, 20, 30, 60)),
    st.tuples(st.integers(0, 60), st.integers(0, 60)),
    st.lists(
        st.tuples(
            st.integers(-60, 1700), st.integers(5, 90), st.integers(0, 30), st.integers(0, 30)
        ),
        max_size=4,
    ),
)
def test_slots_are_what_a_search_of_every_minute_finds(
    night: tuple[str, date, int, int],
    duration: int,
    step: int,
    buffers: tuple[int, int],
    neighbours: list[tuple[int, int, int, int]],
) -> None:
    """Over 40 zones, both edges of summer time, buffers and neighbours."""
    name, day, first, last = night
    rule = weekly(day.weekday(), first, last, name)
    asked = Span(utc(f"{day - 2 * DAY}T00:00"), utc(f"{day + 3 * DAY}T00:00"))
    begin = utc(f"{day - DAY}T00:00")
    busy = tuple(
        busy_span(Span(begin + start * MINUTE, begin + (start + lasts) * MINUTE), before, after)
        for start, lasts, before, after in neighbours
    )
    wanted = need(
        duration_min=duration,
        step_min=step,
        buffer_before_min=buffers[0],
        buffer_after_min=buffers[1],
    )
    opens = open_ranges([rule], [], asked, zone)
    anchor = datetime.combine(day, datetime.min.time()) + first * MINUTE
    expected = [
        start
        for each in opens
        for start in _minutes(each.span)
        if (wall_at(start, name, zone).local - anchor) % (step * MINUTE) == timedelta()
        and wall_at(start, name, zone).local >= anchor
        and start + duration * MINUTE <= each.span.end
        and not any(
            one.start < start + (duration + buffers[1]) * MINUTE
            and start - buffers[0] * MINUTE < one.end
            for one in busy
        )
    ]
    got = slots(opens, busy, wanted, zone)
    assert [each.span.start for each in got] == expected
    for each in got:
        assert derived(each.wall, zone) == each.span.start


def _minutes(within: Span) -> list[datetime]:
    count = (within.end - within.start) // MINUTE
    return [within.start + n * MINUTE for n in range(count)]
