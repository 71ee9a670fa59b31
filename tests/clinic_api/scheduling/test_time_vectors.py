"""Times at which other schedulers were wrong, from the hours to the booking."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from clinic_api.scheduling.hours import AddHours, add_hours
from clinic_api.scheduling.moving import Move, take_move
from tests.clinic_api.scheduling.cast import HALF_HOUR, Practice
from tests.clinic_api.visits.cast import CAROL

FRIDAY = date(2026, 6, 5)
SATURDAY = date(2026, 6, 6)
CHANGE = date(2026, 11, 1)  # a Sunday: 02:00 becomes 01:00 in New York
HOUR = timedelta(hours=1)
WEEK = timedelta(days=7)


async def open_on(clinic: Practice, day: date, since: str, until: str) -> None:
    """Bob has hours on this one day."""
    hours: dict[str, Any] = {"weekday": day.weekday(), "valid_from": day, "valid_until": day}
    command = AddHours(practitioner_id=clinic.bob_id, from_time=since, until_time=until, **hours)
    await clinic.do(add_hours, CAROL, command)


async def test_an_evening_of_new_york_is_not_the_next_day_although_it_is_in_utc(
    clinic: Practice,
) -> None:
    await open_on(clinic, FRIDAY, "19:30", "21:00")
    assert (await clinic.free(clinic.alice, FRIDAY))[-3:] == ["19:30", "20:00", "20:30"]
    assert await clinic.free(clinic.alice, SATURDAY) == []
    late = datetime(2026, 6, 6, 0, 30, tzinfo=UTC)
    assert (await clinic.booked(clinic.alice, late)).local == "2026-06-05T20:30"


async def test_the_last_visit_of_hours_until_24_00_ends_at_midnight(clinic: Practice) -> None:
    await open_on(clinic, FRIDAY, "23:00", "24:00")
    await open_on(clinic, SATURDAY, "00:00", "01:00")
    assert (await clinic.free(clinic.alice, FRIDAY))[-2:] == ["23:00", "23:30"]
    last = datetime(2026, 6, 6, 3, 30, tzinfo=UTC)
    booked = await clinic.booked(clinic.alice, last)
    assert (booked.local, booked.ends_at) == ("2026-06-05T23:30", last + HALF_HOUR)
    assert await clinic.free(clinic.alice, SATURDAY) == ["00:00", "00:30"]


async def test_an_hour_that_comes_twice_is_booked_twice_and_told_apart(clinic: Practice) -> None:
    await open_on(clinic, CHANGE, "01:00", "02:00")
    far = await clinic.service(step_min=30, duration_min=30, horizon_days=365)
    shown = await clinic.free(clinic.alice, CHANGE, service_id=far)
    assert shown == ["01:00", "01:30", "01:00", "01:30"]
    once = datetime(2026, 11, 1, 5, 0, tzinfo=UTC)
    first = await clinic.booked(clinic.alice, once, service_id=far)
    second = await clinic.booked(clinic.alice, once + HOUR, service_id=far)
    assert first.local == second.local == "2026-11-01T01:00"
    assert second.starts_at - first.starts_at == HOUR


async def test_a_weeks_notice_over_the_night_of_the_change_is_168_hours(clinic: Practice) -> None:
    """Half an hour before it is over, clocks have shown 09:00 for half an hour already."""
    far = await clinic.service(cancel_notice_min=7 * 24 * 60, step_min=30, horizon_days=365)
    nine = datetime(2026, 11, 2, 14, tzinfo=UTC)  # on Monday in New York, in winter
    booked = await clinic.booked(clinic.alice, nine, service_id=far)
    assert booked.local == "2026-11-02T09:00"
    clinic.clock.advance((nine - WEEK - HALF_HOUR - clinic.database.now()).total_seconds())
    move = Move(appointment_id=booked.id, version=booked.version, starts_at=nine + HALF_HOUR)
    moved = await clinic.do(take_move, clinic.alice, move)
    clinic.clock.advance(3601.0)
    back = Move(appointment_id=moved.id, version=moved.version, starts_at=nine)
    assert (await clinic.refusal(take_move, clinic.alice, back)).code == "too_late"
