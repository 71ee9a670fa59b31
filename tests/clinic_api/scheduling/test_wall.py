"""Wall times mean the right instants, on the nights when clocks are set too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic_api.scheduling.wall import Wall, derived, edge, exact, exacts, wall_at
from tests.clinic_api.scheduling.zones import FROM, UNTIL, ZONES, changes, zone

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@st.composite
def zoned_minutes(draw: st.DrawFn) -> tuple[str, datetime]:
    """A zone and an instant, often within a day of a change."""
    name: str = draw(st.sampled_from(ZONES))
    near = changes(name)
    is_near: bool = draw(st.booleans())
    if near and is_near:
        base: datetime = draw(st.sampled_from(near))
        return name, base + draw(st.integers(-1500, 1500)) * MINUTE
    whole = (UNTIL - FROM) // MINUTE
    return name, FROM + draw(st.integers(0, whole)) * MINUTE


@given(zoned_minutes())
def test_what_a_clock_shows_means_the_instant_when_it_shows_it(case: tuple[str, datetime]) -> None:
    name, instant = case
    shown = wall_at(instant, name, zone)
    assert exact(shown, zone) == derived(shown, zone) == instant
    assert instant in exacts(shown.local, zone(name))


@given(zoned_minutes(), st.integers(-180, 180))
def test_an_edge_is_the_first_moment_that_shows_it_or_later(
    case: tuple[str, datetime], shift: int
) -> None:
    name, instant = case
    local = wall_at(instant, name, zone).local + shift * MINUTE
    found = edge(local, zone(name))
    assert wall_at(found, name, zone).local >= local
    assert wall_at(found - SECOND, name, zone).local < local
    for hours in (1, 2, 3, 25):
        assert wall_at(found - timedelta(hours=hours), name, zone).local < local


@given(zoned_minutes(), st.integers(0, 300))
def test_edges_keep_their_order(case: tuple[str, datetime], minutes: int) -> None:
    name, instant = case
    local = wall_at(instant, name, zone).local
    assert edge(local, zone(name)) <= edge(local + minutes * MINUTE, zone(name))


def test_new_york_springs_over_an_hour() -> None:
    new_york = zone("America/New_York")
    gap = Wall(local=at("2027-03-14T02:30"), fold=0, zone="America/New_York")
    assert exact(gap, zone) is None
    assert edge(gap.local, new_york) == derived(gap, zone) == utc("2027-03-14T07:00")
    assert edge(at("2027-03-14T03:00"), new_york) == utc("2027-03-14T07:00")


def test_new_york_shows_an_hour_twice() -> None:
    new_york, local = zone("America/New_York"), at("2027-11-07T01:30")
    assert exacts(local, new_york) == (utc("2027-11-07T05:30"), utc("2027-11-07T06:30"))
    assert edge(local, new_york) == utc("2027-11-07T05:30")
    second = Wall(local=local, fold=1, zone="America/New_York")
    assert exact(second, zone) == utc("2027-11-07T06:30")
    assert wall_at(utc("2027-11-07T06:30"), "America/New_York", zone) == second


@pytest.mark.parametrize(
    ("name", "local", "instant"),
    [
        ("Europe/Dublin", "2027-07-01T09:00", "2027-07-01T08:00"),  # standard time in summer
        ("Europe/Dublin", "2027-12-01T09:00", "2027-12-01T09:00"),
        ("Asia/Kolkata", "2027-07-01T09:00", "2027-07-01T03:30"),
        ("Asia/Kathmandu", "2027-07-01T09:00", "2027-07-01T03:15"),
        ("Australia/Lord_Howe", "2027-01-10T09:00", "2027-01-09T22:00"),
        ("Australia/Lord_Howe", "2027-07-10T09:00", "2027-07-09T22:30"),
        ("Africa/Casablanca", "2027-02-20T09:00", "2027-02-20T09:00"),  # Ramadan
        ("Africa/Casablanca", "2027-04-20T09:00", "2027-04-20T08:00"),
        ("America/Chihuahua", "2022-07-01T09:00", "2022-07-01T15:00"),
        ("America/Chihuahua", "2023-07-01T09:00", "2023-07-01T15:00"),  # no summer time any more
        ("America/Chihuahua", "2022-01-10T09:00", "2022-01-10T16:00"),
        ("America/Chihuahua", "2023-01-10T09:00", "2023-01-10T15:00"),
        ("Pacific/Apia", "2011-12-29T09:00", "2011-12-29T19:00"),
        ("Pacific/Apia", "2011-12-31T09:00", "2011-12-30T19:00"),
    ],
)
def test_zones_of_every_kind(name: str, local: str, instant: str) -> None:
    assert edge(at(local), zone(name)) == utc(instant)


def test_lord_howe_sets_its_clocks_by_half_an_hour() -> None:
    lord_howe = zone("Australia/Lord_Howe")
    assert edge(at("2027-10-03T02:10"), lord_howe) == edge(at("2027-10-03T02:30"), lord_howe)
    assert exacts(at("2027-10-03T02:10"), lord_howe) == ()
    first, second = exacts(at("2027-04-04T01:45"), lord_howe)
    assert second - first == timedelta(minutes=30)


def test_a_day_that_apia_never_had_is_no_time_at_all() -> None:
    apia = zone("Pacific/Apia")
    assert exacts(at("2011-12-30T12:00"), apia) == ()
    assert edge(at("2011-12-30T00:00"), apia) == edge(at("2011-12-31T00:00"), apia)
