"""Zones with every kind of clock, and the moments when their clocks are set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

ZONES = (
    *("UTC", "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"),
    *("America/Phoenix", "America/Chihuahua", "America/Sao_Paulo", "America/Santiago"),
    *("America/St_Johns", "America/Caracas", "America/Havana", "America/Asuncion"),
    *("America/Nuuk", "America/Scoresbysund", "Atlantic/Azores", "Europe/London"),
    *("Europe/Dublin", "Europe/Paris", "Europe/Berlin", "Europe/Istanbul", "Europe/Chisinau"),
    *("Africa/Casablanca", "Africa/El_Aaiun", "Africa/Cairo", "Africa/Lagos", "Asia/Beirut"),
    *("Asia/Jerusalem", "Asia/Gaza", "Asia/Tehran", "Asia/Kolkata", "Asia/Kathmandu"),
    *("Asia/Tokyo", "Australia/Sydney", "Australia/Lord_Howe", "Australia/Eucla"),
    *("Pacific/Auckland", "Pacific/Chatham", "Pacific/Apia", "Pacific/Kiritimati"),
    *("Antarctica/Troll", "Asia/Pyongyang"),
)
FROM, UNTIL = datetime(2024, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)


@cache
def zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@cache
def changes(name: str) -> tuple[datetime, ...]:
    """Instants at which the offset changes, FROM–UNTIL, to the minute."""
    found, at, day = [], FROM, timedelta(days=1)
    while at < UNTIL:
        if _offset(name, at) != _offset(name, at + day):
            found.append(_change(name, at, at + day))
        at += day
    return tuple(found)


def _change(name: str, before: datetime, after: datetime) -> datetime:
    minute = timedelta(minutes=1)
    while after - before > minute:
        middle = before + (after - before) / 2
        middle = middle.replace(second=0, microsecond=0)
        if _offset(name, middle) == _offset(name, before):
            before = middle
        else:
            after = middle
    return after


def _offset(name: str, at: datetime) -> timedelta | None:
    return at.astimezone(zone(name)).utcoffset()
