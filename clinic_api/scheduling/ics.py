"""Appointments as iCalendar (RFC 5545, 5546, 7986): an invitation for a mail, or a feed.

Times are wall times of their zone, with a VTIMEZONE that says the zone's offsets around them. A
wall time that comes twice means the first one there (RFC 5545 3.3.5), so an entry that touches the
second one is written in UTC.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec

from clinic_api.scheduling.ics_zone import local_time, offset_changes, time_zone
from clinic_api.scheduling.zones import zone_of

Method = Literal["REQUEST", "CANCEL"]
Status = Literal["TENTATIVE", "CONFIRMED", "CANCELLED"]

PRODUCT = "-//Telemed Media//Calendar//EN"
MAX_LINE_OCTETS = 75  # RFC 5545 3.1, without the line break
FEED_REFRESH = "PT1H"  # how often programs are asked to come back; RFC 7986 5.7
_MARGIN = timedelta(days=366)  # of zone rules around the entries, for programs that show a year
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One appointment as a calendar shows it: nothing of health."""

    uid: str
    sequence: int
    starts_at: datetime
    ends_at: datetime
    zone: str  # IANA, of the wall time
    status: Status
    summary: str
    location: str
    description: str
    url: str
    changed_at: datetime


class Mailbox(msgspec.Struct, frozen=True):
    """Somebody in an invitation; `name` may be empty."""

    address: str
    name: str = ""


def invitation(
    entry: Entry, method: Method, *, organizer: Mailbox, attendee: Mailbox, at: datetime
) -> str:
    """An invitation, or its withdrawal, to one person (RFC 5546 3.2.2, 3.2.5), made at `at`.

    No answer is asked for: answers would go to an address that nobody reads.
    """
    asks = "ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=FALSE"
    people = (
        f"ORGANIZER{_named(organizer)}:mailto:{organizer.address}",
        f"ATTENDEE;{asks}{_named(attendee)}:mailto:{attendee.address}",
    )
    return _calendar(
        [f"METHOD:{method}", *_zones([entry]), *_event(entry, stamped_at=at, people=people)]
    )


def feed(entries: Iterable[Entry], name: str) -> str:
    """A calendar to subscribe to. The same entries give the same text."""
    shown = list(entries)
    events = [line for each in shown for line in _event(each, stamped_at=each.changed_at)]
    about = (
        f"NAME:{_text(name)}",
        f"X-WR-CALNAME:{_text(name)}",  # what programs read that do not know NAME
        f"REFRESH-INTERVAL;VALUE=DURATION:{FEED_REFRESH}",
        f"X-PUBLISHED-TTL:{FEED_REFRESH}",  # the same for Outlook
    )
    return _calendar([*about, *_zones(shown), *events])


def _calendar(lines: Iterable[str]) -> str:
    head = ("BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:{PRODUCT}", "CALSCALE:GREGORIAN")
    return "".join(f"{_folded(line)}\r\n" for line in (*head, *lines, "END:VCALENDAR"))


def _event(entry: Entry, *, stamped_at: datetime, people: tuple[str, ...] = ()) -> Iterator[str]:
    yield "BEGIN:VEVENT"
    yield f"UID:{entry.uid}"
    yield f"DTSTAMP:{_utc(stamped_at)}"
    yield f"LAST-MODIFIED:{_utc(entry.changed_at)}"
    yield f"SEQUENCE:{entry.sequence}"
    yield f"DTSTART{_when(entry, entry.starts_at)}"
    yield f"DTEND{_when(entry, entry.ends_at)}"
    yield f"STATUS:{entry.status}"
    yield f"SUMMARY:{_text(entry.summary)}"
    yield f"LOCATION:{_text(entry.location)}"
    yield f"DESCRIPTION:{_text(entry.description)}"
    yield f"URL:{entry.url}"
    yield "CLASS:PRIVATE"
    yield "TRANSP:TRANSPARENT" if entry.status == "CANCELLED" else "TRANSP:OPAQUE"
    yield from people
    yield "END:VEVENT"


def _when(entry: Entry, at: datetime) -> str:
    """A property's parameters and value."""
    return f":{_utc(at)}" if _in_utc(entry) else f";TZID={entry.zone}:{_wall(entry, at)}"


def _in_utc(entry: Entry) -> bool:
    zone = zone_of(entry.zone)
    return any(at.astimezone(zone).fold for at in (entry.starts_at, entry.ends_at))


def _wall(entry: Entry, at: datetime) -> str:
    return local_time(at.astimezone(zone_of(entry.zone)))


def _utc(at: datetime) -> str:
    return f"{local_time(at.astimezone(UTC))}Z"


def _zones(entries: Iterable[Entry]) -> Iterator[str]:
    """A VTIMEZONE for each zone that is named."""
    spans: dict[str, tuple[datetime, datetime]] = {}
    for each in entries:
        if not _in_utc(each):
            since, until = spans.get(each.zone, (each.starts_at, each.ends_at))
            spans[each.zone] = min(since, each.starts_at), max(until, each.ends_at)
    for name, (since, until) in sorted(spans.items()):
        zone = zone_of(name)
        around = since - _MARGIN, until + _MARGIN
        yield from time_zone(name, zone, around[0], offset_changes(zone, *around))


def _named(who: Mailbox) -> str:
    """A CN parameter; quotes have no form in one (RFC 5545 3.2)."""
    name = _CONTROL.sub(" ", who.name).replace("\n", " ").replace('"', "'").strip()
    return f';CN="{name}"' if name else ""


def _text(value: str) -> str:
    """RFC 5545 3.3.11."""
    plain = _CONTROL.sub("", value.replace("\r\n", "\n"))
    escaped = plain.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return escaped.replace("\n", "\\n")


def _folded(line: str) -> str:
    """Over several lines where it is long, never inside of a character (RFC 5545 3.1)."""
    if line.isascii():
        if len(line) <= MAX_LINE_OCTETS:
            return line
        rest = range(MAX_LINE_OCTETS, len(line), MAX_LINE_OCTETS - 1)
        more = [line[at : at + MAX_LINE_OCTETS - 1] for at in rest]
        return "\r\n ".join([line[:MAX_LINE_OCTETS], *more])
    lines, length = [""], 0
    for character in line:
        size = len(character.encode())
        if length + size > MAX_LINE_OCTETS:
            lines.append(" ")
            length = 1
        lines[-1] += character
        length += size
    return "\r\n".join(lines)
