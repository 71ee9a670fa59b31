"""Reminders of an appointment: a day and an hour before, as messages that are due then.

A row says which time it reminds of; when it leaves, it is checked that the appointment still begins
then. What is moved gets rows of its own, as it is another appointment, or the same at another time.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta, tzinfo

from clinic_api.actor import Actor
from clinic_api.outbox import About, Kind, OutboxMessage, enqueue
from clinic_api.scheduling.model import Appointment
from clinic_api.scheduling.wall import edge
from clinic_api.scheduling.zones import zone_of
from clinic_api.transaction import Transaction

DAY_BEFORE = timedelta(hours=24)
HOUR_BEFORE = timedelta(hours=1)
TOO_LATE = timedelta(minutes=10)  # before the start: who gets it later cannot act on it
NIGHT_FROM, NIGHT_UNTIL = time(22), time(7)  # on the recipient's clock
EVENING = time(18)


def remind(
    tx: Transaction, actor: Actor, booked: Appointment, recipient: str, language: str
) -> None:
    """Enqueue what is still to come; twice for one time is once."""
    for kind, due_at, expires_at in _due(booked):
        if due_at <= tx.now:
            continue
        message = OutboxMessage(
            kind=kind,
            audience="patient",
            dedupe_key=f"{kind}:{booked.id}:{_time(booked)}",
            recipient=recipient,
            about=About(patient_id=booked.patient_id, appointment_id=booked.id, code=_time(booked)),
            language=language,
            not_before=due_at,
            expires_at=expires_at,
        )
        enqueue(tx, actor, message)


def still_stands(booked: Appointment, code: str, now: datetime) -> bool:
    """Whether a reminder of the time `code` is worth sending."""
    at_that_time = booked.state == "booked" and _time(booked) == code
    return at_that_time and now < booked.starts_at - TOO_LATE


def day_reminder_at(starts_at: datetime, zone: tzinfo) -> datetime:
    """24 hours before; where it is night then, 18:00 on the eve of the appointment."""
    due_at = starts_at - DAY_BEFORE
    shown = due_at.astimezone(zone).time()
    if NIGHT_UNTIL <= shown < NIGHT_FROM:
        return due_at
    eve = starts_at.astimezone(zone).date() - timedelta(days=1)
    return edge(datetime.combine(eve, EVENING), zone)


def _due(booked: Appointment) -> Iterator[tuple[Kind, datetime, datetime]]:
    """Each kind: due when, and until when; the first ends where the second begins."""
    starts_at = booked.starts_at
    hour_before = starts_at - HOUR_BEFORE
    day_before = day_reminder_at(starts_at, zone_of(booked.shown_zone))
    yield "appointment.reminder_day", day_before, hour_before
    yield "appointment.reminder_hour", hour_before, starts_at - TOO_LATE


def _time(booked: Appointment) -> str:
    return f"{booked.starts_at:%Y%m%dT%H%M%SZ}"
