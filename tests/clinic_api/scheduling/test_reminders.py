"""Reminders: when they are due on the recipient's clock, and when they are not sent after all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from clinic_api.directory.model import ContactRule
from clinic_api.directory.service import ChangePatient, OnePatient, change_patient, read_patient
from clinic_api.mail.sender import SENDER
from clinic_api.mail.service import compose
from clinic_api.outbox import Kind, about_of
from clinic_api.outbox_sending import Leased, Outcome, lease, settle
from clinic_api.outbox_store import outbox
from clinic_api.scheduling.ending import Cancel, cancel
from clinic_api.scheduling.model import AppointmentView
from clinic_api.scheduling.moving import Move, take_move
from clinic_api.scheduling.reminders import day_reminder_at
from tests.clinic_api.scheduling.cast import NINE, Practice
from tests.clinic_api.visits.cast import CAROL

DAY: Kind = "appointment.reminder_day"
HOUR: Kind = "appointment.reminder_hour"
NEXT_DAY = NINE + timedelta(days=1)


def at(zone: str, *wall: int, fold: int = 0) -> datetime:
    return datetime(*wall, tzinfo=ZoneInfo(zone), fold=fold)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("zone", "starts", "due"),
    [
        ("Europe/Paris", (2026, 6, 2, 9), (2026, 6, 1, 9)),
        ("Europe/Paris", (2026, 6, 2, 7), (2026, 6, 1, 7)),  # the night is over at seven
        ("Europe/Paris", (2026, 6, 2, 6, 30), (2026, 6, 1, 18)),
        ("Europe/Paris", (2026, 6, 2, 22), (2026, 6, 1, 18)),
        ("Europe/Paris", (2026, 6, 2, 21, 45), (2026, 6, 1, 21, 45)),
        # an hour of the day before is missing: 24 hours are more than a day of the clock
        ("Europe/Paris", (2026, 3, 29, 9), (2026, 3, 28, 8)),
        ("Europe/Paris", (2026, 3, 29, 7, 30), (2026, 3, 28, 18)),
        # one comes twice
        ("Europe/Paris", (2026, 10, 25, 9), (2026, 10, 24, 10)),
        ("Europe/Paris", (2026, 10, 25, 6, 30), (2026, 10, 24, 7, 30)),
        ("America/New_York", (2026, 11, 1, 21), (2026, 10, 31, 18)),  # 22:00 the day before
    ],
)
def test_a_day_before_or_at_six_in_the_evening_where_that_is_night(
    zone: str, starts: tuple[int, ...], due: tuple[int, ...]
) -> None:
    starts_at = at(zone, *starts).astimezone(UTC)
    assert day_reminder_at(starts_at, ZoneInfo(zone)) == at(zone, *due)


async def sent_at(clinic: Practice, when: datetime) -> list[str]:
    """Kinds of reminders that leave, when time goes on to `when`."""
    clinic.clock.advance((when - clinic.database.now()).total_seconds())
    sent: list[str] = []
    while leased := await clinic.database.write(lambda tx: lease(tx, SENDER)):
        if await clinic.database.read(_composes(leased)) and leased.kind in {DAY, HOUR}:
            sent.append(leased.kind)
        done = Outcome(id=leased.id, version=leased.version, event="accept")
        await clinic.database.write(_settles(done))
    return sent


def _composes(leased: Leased) -> Any:
    return lambda tx: compose(tx, SENDER, leased)


def _settles(done: Outcome) -> Any:
    return lambda tx: settle(tx, SENDER, done)


async def test_a_patient_is_reminded_a_day_and_an_hour_before(clinic: Practice) -> None:
    await clinic.booked(clinic.alice)
    assert await sent_at(clinic, NINE - timedelta(hours=24, seconds=1)) == []
    assert await sent_at(clinic, NINE - timedelta(hours=24)) == [DAY]
    assert await sent_at(clinic, NINE - timedelta(hours=1, seconds=1)) == []
    assert await sent_at(clinic, NINE - timedelta(hours=1)) == [HOUR]
    assert await sent_at(clinic, NINE) == []


async def test_it_goes_by_the_patients_clock_and_says_its_time(clinic: Practice) -> None:
    await clinic.booked(clinic.alice, zone="Asia/Tokyo")  # there it is 22:00
    (row,) = [row for row in await clinic.rows(outbox) if row.kind == DAY]
    assert row.due_at == at("Asia/Tokyo", 2026, 5, 31, 18)
    clinic.clock.advance((row.due_at - clinic.database.now()).total_seconds())
    leased = Leased(
        id=row.id,
        version=1,
        kind=DAY,
        recipient=row.recipient,
        language="en",
        about=about_of(row),
        attempts=1,
        created_at=row.created_at,
    )
    mail = await clinic.database.read(_composes(leased))
    assert "Monday, 1 June 2026, 22:00 (Asia/Tokyo)" in mail.rendered.text
    assert "/join#" in mail.rendered.link  # whoever was booked by the desk has no login


async def test_what_is_cancelled_is_not_reminded_of(clinic: Practice) -> None:
    booked = await clinic.booked(clinic.alice)
    await clinic.do(cancel, clinic.alice, Cancel(appointment_id=booked.id, version=booked.version))
    assert await sent_at(clinic, NINE - timedelta(hours=1)) == []


async def moved(clinic: Practice, old: AppointmentView, to: datetime) -> AppointmentView:
    move = Move(appointment_id=old.id, version=old.version, starts_at=to)
    return await clinic.do(take_move, clinic.alice, move)


async def test_what_is_moved_is_reminded_of_at_its_new_time_only(clinic: Practice) -> None:
    await moved(clinic, await clinic.booked(clinic.alice), NEXT_DAY)
    assert await sent_at(clinic, NINE - timedelta(hours=1)) == []
    assert await sent_at(clinic, NEXT_DAY - timedelta(hours=24)) == [DAY]
    assert await sent_at(clinic, NEXT_DAY - timedelta(hours=1)) == [HOUR]


async def test_moved_there_and_back_it_is_reminded_of_once(clinic: Practice) -> None:
    away = await moved(clinic, await clinic.booked(clinic.alice), NEXT_DAY)
    await moved(clinic, away, NINE)
    assert await sent_at(clinic, NINE - timedelta(hours=24)) == [DAY]
    assert await sent_at(clinic, NINE - timedelta(hours=1)) == [HOUR]


async def test_whoever_books_late_gets_what_is_still_to_come(clinic: Practice) -> None:
    clinic.clock.advance((NINE - timedelta(hours=3) - clinic.database.now()).total_seconds())
    await clinic.book()
    assert await sent_at(clinic, NINE - timedelta(hours=1)) == [HOUR]


async def test_nobody_is_reminded_of_what_begins_within_ten_minutes(clinic: Practice) -> None:
    """The mail server was down until then."""
    await clinic.booked(clinic.alice)
    assert await sent_at(clinic, NINE - timedelta(minutes=10)) == []


async def test_just_before_that_the_later_one_still_goes(clinic: Practice) -> None:
    await clinic.booked(clinic.alice)
    assert await sent_at(clinic, NINE - timedelta(minutes=11)) == [HOUR]


async def test_a_wish_that_came_after_the_booking_counts(clinic: Practice) -> None:
    await clinic.booked(clinic.alice)
    patient = await clinic.see(read_patient, CAROL, OnePatient(clinic.patients[0]))
    never = ChangePatient(
        patient_id=patient.id,
        version=patient.version,
        name="Alice",
        emails=("alice@example.org",),
        contact_rules=(ContactRule(channel="email", rule="never"),),
    )
    await clinic.do(change_patient, CAROL, never)
    assert await sent_at(clinic, NINE - timedelta(hours=1)) == []
