"""Calendar texts, read by two programs that are not ours: icalendar and dateutil."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dateutil.tz import tzical
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from clinic_api.scheduling.ics import MAX_LINE_OCTETS, Entry, Mailbox, feed, invitation

AT = datetime(2026, 5, 28, 12, tzinfo=UTC)
CLINIC = Mailbox("clinic@example.org", 'Łukasz "Best"; Clinic, محمد')
ALICE = Mailbox("alice@example.org")
HALF_HOUR = timedelta(minutes=30)


def entry(starts_at: datetime, zone: str = "Europe/Paris", **more: Any) -> Entry:
    values: dict[str, Any] = {
        "uid": "a-uid",
        "sequence": 3,
        "starts_at": starts_at,
        "ends_at": starts_at + HALF_HOUR,
        "zone": zone,
        "status": "CONFIRMED",
        "summary": "Appointment with Example Clinic",
        "location": "Video visit",
        "description": "Sign in: https://clinic.example/visits",
        "url": "https://clinic.example/visits",
        "changed_at": AT,
    }
    return Entry(**(values | more))


def local(zone: str, *wall: int, fold: int = 0) -> datetime:
    shown = datetime(*wall, tzinfo=ZoneInfo(zone), fold=fold)  # type: ignore[arg-type,misc]
    return shown.astimezone(UTC)


def invited(each: Entry) -> str:
    return invitation(each, "REQUEST", organizer=CLINIC, attendee=ALICE, at=AT)


def events(text: str) -> list[Any]:
    return list(Calendar.from_ical(text).events)


def by_their_own_zones(text: str, name: str) -> list[datetime]:
    """Every DTSTART, say, as a program reads it that knows no zone but those in the text."""
    rules, found = tzical(io.StringIO(text)), []
    for line in text.splitlines():
        if line.startswith(f"{name};TZID="):
            zone, _, wall = line.removeprefix(f"{name};TZID=").partition(":")
            shown = datetime.strptime(wall, "%Y%m%dT%H%M%S").replace(tzinfo=rules.get(zone))
            found.append(shown.astimezone(UTC))
    return found


def test_an_invitation_says_when_where_who_and_which_version() -> None:
    starts_at = local("Europe/Paris", 2026, 6, 1, 15)
    text = invited(entry(starts_at))
    calendar = Calendar.from_ical(text)
    assert calendar["METHOD"] == "REQUEST"
    (event,) = events(text)
    assert event.start == starts_at
    assert event.end == starts_at + HALF_HOUR
    assert str(event["DTSTART"].params["TZID"]) == "Europe/Paris"
    assert (event["UID"], event["SEQUENCE"], event["STATUS"]) == ("a-uid", 3, "CONFIRMED")
    assert event["ORGANIZER"] == "mailto:clinic@example.org"
    assert event["ORGANIZER"].params["CN"] == "Łukasz 'Best'; Clinic, محمد"
    assert event["ATTENDEE"] == "mailto:alice@example.org"
    assert event["LOCATION"] == "Video visit"
    assert event["DTSTAMP"].dt == AT


def test_lines_are_folded_between_characters_and_text_comes_back_whole() -> None:
    said = "Łukasz; Ömer, \\ محمد 🩺\n" * 20
    text = invited(entry(local("UTC", 2026, 6, 1, 9), description=said))
    assert max(len(line.encode()) for line in text.split("\r\n")) <= MAX_LINE_OCTETS
    assert "\n" not in text.replace("\r\n", "")
    (event,) = events(text)
    assert event["DESCRIPTION"] == said


def test_nothing_can_be_slipped_into_a_calendar() -> None:
    evil = "x\r\nEND:VEVENT\r\nBEGIN:VEVENT\nATTENDEE:mailto:eve@example.org"
    named = Mailbox("clinic@example.org", evil)
    made = entry(local("UTC", 2026, 6, 1, 9), summary=evil, description=evil)
    text = invitation(made, "REQUEST", organizer=named, attendee=ALICE, at=AT)
    (event,) = events(text)
    assert event["ATTENDEE"] == "mailto:alice@example.org"


EDGES = [
    ("Europe/Paris", (2026, 3, 29, 1, 30)),  # before the gap, and into it
    ("Europe/Paris", (2026, 3, 29, 3, 0)),  # the first that the clock shows after it
    ("Europe/Paris", (2026, 10, 25, 1, 0)),
    ("Europe/Paris", (2026, 10, 25, 3, 0)),  # after the hour that came twice
    ("America/New_York", (2026, 3, 8, 3, 0)),
    ("America/New_York", (2026, 11, 1, 0, 30)),
    ("Australia/Lord_Howe", (2026, 10, 4, 2, 30)),  # by half an hour
    ("Africa/Casablanca", (2026, 2, 15, 4, 0)),  # Ramadan
    ("Asia/Kathmandu", (2026, 6, 1, 9, 0)),
    ("Europe/Dublin", (2026, 3, 29, 2, 0)),  # its winter is the saving
]


@pytest.mark.parametrize(("zone", "wall"), EDGES)
def test_readers_agree_on_nights_when_clocks_are_set(zone: str, wall: tuple[int, ...]) -> None:
    starts_at = local(zone, *wall)
    text = invited(entry(starts_at, zone))
    (event,) = events(text)
    assert event.start == starts_at
    assert by_their_own_zones(text, "DTSTART") == [starts_at]
    assert by_their_own_zones(text, "DTEND") == [starts_at + HALF_HOUR]


def test_the_second_of_two_equal_wall_times_is_written_in_utc() -> None:
    starts_at = local("Europe/Paris", 2026, 10, 25, 2, 30, fold=1)
    text = invited(entry(starts_at))
    assert "DTSTART:20261025T013000Z" in text
    assert "VTIMEZONE" not in text
    (event,) = events(text)
    assert (event.start, event.end) == (starts_at, starts_at + HALF_HOUR)


@given(
    st.sampled_from(sorted({zone for zone, _ in EDGES})),
    st.integers(min_value=0, max_value=3 * 365 * 24 * 4),
)
def test_any_quarter_of_an_hour_is_the_same_instant_to_every_reader(zone: str, n: int) -> None:
    starts_at = datetime(2026, 1, 1, tzinfo=UTC) + n * timedelta(minutes=15)
    text = invited(entry(starts_at, zone))
    (event,) = events(text)
    assert (event.start, event.end) == (starts_at, starts_at + HALF_HOUR)
    if "VTIMEZONE" in text:
        assert by_their_own_zones(text, "DTSTART") == [starts_at]


def test_a_feed_holds_every_entry_and_each_zone_once_and_is_always_the_same() -> None:
    first = datetime(2026, 1, 5, 9, tzinfo=UTC)
    zones = ("Europe/Paris", "America/New_York")
    shown = [
        entry(first + n * timedelta(days=1), zones[n % 2], uid=f"uid-{n}", summary=f"Visit: {n}")
        for n in range(300)
    ]
    text = feed(shown, "Example Clinic")
    assert text == feed(shown, "Example Clinic")
    calendar: Any = Calendar.from_ical(text)
    assert "METHOD" not in calendar  # it is published, not sent
    assert calendar["X-WR-CALNAME"] == "Example Clinic"
    assert calendar["REFRESH-INTERVAL"].dt == timedelta(hours=1)
    assert [(each["UID"], each.start) for each in calendar.events] == [
        (each.uid, each.starts_at) for each in shown
    ]
    assert by_their_own_zones(text, "DTSTART") == [each.starts_at for each in shown]
    assert sorted(each.tz_name for each in calendar.timezones) == sorted(zones)
