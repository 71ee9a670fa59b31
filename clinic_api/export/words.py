"""How times, zones and codes read on printed papers, in English."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

ROLES: Mapping[str, str] = {
    "provider": "Clinician",
    "patient": "Patient",
    "proxy": "Acting for the patient",
    "guest": "Guest",
    "device": "Device",
}
MODALITIES: Mapping[str, str] = {"video": "Video", "audio": "Audio only"}
SECTIONS: Mapping[str, str] = {  # of a note, in their order
    "subjective": "What was said",
    "objective": "What was found",
    "assessment": "Assessment",
    "plan": "Plan",
    "follow_up": "Follow-up",
}
VITALS: Mapping[str, str] = {
    "heart_rate": "Heart rate",
    "blood_pressure": "Blood pressure",
    "temperature": "Temperature",
    "oxygen_saturation": "Oxygen saturation",
    "weight": "Weight",
    "height": "Height",
    "respiratory_rate": "Respiratory rate",
    "glucose": "Glucose",
}


def zone(name: str) -> ZoneInfo:
    """UTC until the clinic is set up."""
    return ZoneInfo(name or "UTC")


def on_day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def at(moment: datetime, place: ZoneInfo) -> str:
    """To the minute, with the zone's name: `24 November 2026, 22:00 (Europe/Paris)`."""
    local = moment.astimezone(place)
    return f"{on_day(local)}, {local:%H:%M} ({place.key})"


def short(moment: datetime, place: ZoneInfo) -> str:
    """For the label of a row, below where the zone is named: `24 Nov 2026, 22:00`."""
    local = moment.astimezone(place)
    return f"{local.day} {local:%b %Y, %H:%M}"


def span(begin: datetime, end: datetime | None, place: ZoneInfo) -> str:
    """`Tuesday, 24 November 2026, 22:00–22:20 (Europe/Paris, UTC+01:00)`."""
    first = begin.astimezone(place)
    said = f"{first:%A}, {on_day(first)}, {first:%H:%M}"
    if end is not None:
        last = end.astimezone(place)
        said += (
            f"–{last:%H:%M}" if last.date() == first.date() else f" – {on_day(last)}, {last:%H:%M}"
        )
    return f"{said} ({place.key}, {offset(first)})"


def hours(begin: datetime, end: datetime | None, place: ZoneInfo) -> str:
    """`22:00–22:20`, for lines below a date."""
    last = "" if end is None else f"{end.astimezone(place):%H:%M}"
    return f"{begin.astimezone(place):%H:%M}–{last}"


def offset(local: datetime) -> str:
    """`UTC+01:00`."""
    shift = local.utcoffset()
    minutes = 0 if shift is None else round(shift.total_seconds() / 60)
    sign = "-" if minutes < 0 else "+"
    return f"UTC{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def utc(moment: datetime) -> str:
    """ISO 8601, as FHIR's `instant` has it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")
