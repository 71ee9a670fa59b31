"""Hours, slots and appointments as people send and see them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from clinic_api.catalogue.model import Modality
from clinic_api.directory.model import Id
from clinic_api.scheduling.appointment import State
from clinic_api.scheduling.availability import ExceptionKind

TimeOfDay = Annotated[str, Meta(pattern=r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$", max_length=5)]
LocalTime = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d$", max_length=16)]
Zone = Annotated[str, Meta(max_length=64)]  # IANA; "": of the place, else of the clinic
Reason = Annotated[str, Meta(max_length=1000)]
ServiceIds = Annotated[tuple[Id, ...], Meta(max_length=50)]  # none: all services
CancelCode = Literal["patient_wish", "patient_ill", "provider_absent", "clinic", "other"]
CancelledBy = Literal["patient", "staff", "system"]

LOCAL_FORMAT = "%Y-%m-%dT%H:%M"


class Hours(msgspec.Struct, frozen=True, kw_only=True):
    """Hours of every week on one weekday, in wall time; over midnight they are two."""

    weekday: Annotated[int, Meta(ge=0, le=6)]  # 0: Monday
    from_time: TimeOfDay
    until_time: TimeOfDay  # 24:00: the day's end
    zone: Zone = ""
    valid_from: date
    valid_until: date | None = None  # the last day
    location_id: Id | None = None  # None: wherever the service is given
    service_ids: ServiceIds = ()


class ExceptionHours(msgspec.Struct, frozen=True, kw_only=True):
    """One range of wall time that is closed (`block`), or open besides the weekly hours."""

    kind: ExceptionKind
    starts_local: LocalTime
    ends_local: LocalTime  # exclusive
    zone: Zone = ""
    location_id: Id | None = None
    service_ids: ServiceIds = ()


class HoursRule(msgspec.Struct, frozen=True, kw_only=True):
    """Weekly hours of a practitioner."""

    id: str
    version: int
    practitioner_id: str
    hours: Hours


class HoursException(msgspec.Struct, frozen=True, kw_only=True):
    """An exception of a practitioner; the reason is for those who may change it."""

    id: str
    version: int
    practitioner_id: str
    hours: ExceptionHours
    reason: str


class Availability(msgspec.Struct, frozen=True, kw_only=True):
    """All hours that are not over."""

    practitioner_id: str
    rules: tuple[HoursRule, ...]
    exceptions: tuple[HoursException, ...]


class FreeSlot(msgspec.Struct, frozen=True, kw_only=True):
    """A time that can be taken. `local` is what a clock shows in the zone that was asked for."""

    practitioner_id: str
    service_id: str
    location_id: str | None
    starts_at: datetime
    ends_at: datetime
    local: str


class FreeSlots(msgspec.Struct, frozen=True, kw_only=True):
    """By start. With `more` there are others between the last one and the end of the last day."""

    zone: str
    items: tuple[FreeSlot, ...]
    more: bool


class Appointment(msgspec.Struct, frozen=True, kw_only=True):
    """A row: its wall time, fold and zone are the truth, the four instants are derived."""

    id: str
    version: int
    state: State
    patient_id: str
    practitioner_id: str
    service_id: str
    location_id: str | None
    modality: Modality
    local: str
    fold: int
    zone: str
    zone_release: str  # of the rules by which the instants were derived
    shown_zone: str  # the patient's, as it was when they booked
    starts_at: datetime
    ends_at: datetime
    busy_from: datetime
    busy_until: datetime
    blocks: bool  # nobody else's blocking time may overlap; the database sees to it
    overbooked: bool
    conflicted: bool  # new rules of its zone moved it onto another one
    expires_at: datetime | None  # of a hold, and of what waits
    uid: str  # for calendars: that of the first appointment that this one was moved from
    sequence: int  # for calendars: counts changes (RFC 5545 3.8.7.4)
    moved_from: str | None
    moved_to: str | None
    follow_up_of: str | None
    moves: int
    max_moves: int
    notice_min: int
    decided_by_hand: bool
    cancelled_by: CancelledBy | None
    cancel_code: CancelCode | None
    late: bool
    price_minor: int
    currency: str


class AppointmentView(msgspec.Struct, frozen=True, kw_only=True):
    """An appointment as the actor may see it. `local` is in `zone`, the practitioner's."""

    id: str
    version: int
    state: State
    patient_id: str
    practitioner_id: str
    service_id: str
    location_id: str | None
    modality: Modality
    starts_at: datetime
    ends_at: datetime
    local: str
    zone: str
    shown_zone: str
    overbooked: bool
    conflicted: bool
    expires_at: datetime | None
    moved_from: str | None
    moved_to: str | None
    follow_up_of: str | None
    moves: int
    max_moves: int
    notice_min: int
    cancelled_by: CancelledBy | None
    cancel_code: CancelCode | None
    late: bool
    price_minor: int
    currency: str
    reason: str  # the patient's own words; for those who treat, and the patient
    staff_reason: str  # why staff overbooked, moved late or corrected; for staff
    needs: tuple[str, ...]  # of the patient before the visit: `form`, `consent:telehealth`, …


def minutes_of(text: str) -> int:
    """`09:30` → 570; `24:00` → 1440."""
    hours, _, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes)


def time_of(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
