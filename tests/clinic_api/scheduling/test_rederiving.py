"""New rules of a time zone after booking: wall time stands, and whoever is concerned learns it."""

from __future__ import annotations

from datetime import timedelta, tzinfo
from importlib.resources import files
from zoneinfo import ZoneInfo

from clinic_api.outbox_store import outbox
from clinic_api.scheduling.hours import AddException, add_exception
from clinic_api.scheduling.reading import (
    ListConflicts,
    ReadAppointment,
    list_conflicts,
    read_appointment,
)
from clinic_api.scheduling.rederiving import rederive
from clinic_api.scheduling.store import appointments
from clinic_api.scheduling.zones import zone_of
from tests.clinic_api.scheduling.cast import HALF_HOUR, NINE, Practice
from tests.clinic_api.visits.cast import CAROL, CONSOLE

HOUR = timedelta(hours=1)
SATURDAY = NINE + timedelta(days=5)


def without_summer_time(name: str) -> tzinfo:
    """New York's name over the rules of a place that has its standard time all the year."""
    if name != "America/New_York":
        return zone_of(name)
    rules = files("tzdata") / "zoneinfo" / "America" / "Panama"
    with rules.open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


async def again(clinic: Practice) -> int:
    """How many practitioners' appointments were looked at."""
    count = 0
    while await clinic.database.write(
        lambda tx: rederive(tx, CONSOLE, "2031a", without_summer_time)
    ):
        count += 1
    return count


async def test_with_the_same_rules_nothing_happens(clinic: Practice) -> None:
    await clinic.booked(clinic.alice)
    assert not await clinic.database.write(lambda tx: rederive(tx, CONSOLE))


async def test_wall_time_stands_and_the_patient_is_told(clinic_on_both: Practice) -> None:
    clinic = clinic_on_both
    first = await clinic.booked(clinic.alice)
    second = await clinic.booked(clinic.alice, NINE + HALF_HOUR)
    assert await again(clinic) == 1
    for booked in (first, second):  # the one moves onto the other's old time and past it
        seen = await clinic.see(read_appointment, clinic.alice, ReadAppointment(booked.id))
        assert (seen.local, seen.starts_at) == (booked.local, booked.starts_at + HOUR)
        assert (seen.ends_at, seen.conflicted) == (booked.ends_at + HOUR, False)
    rows = await clinic.rows(appointments)
    assert all(row.blocks and row.zone_release == "2031a" for row in rows)
    told = [row.kind for row in await clinic.rows(outbox)]
    assert told.count("appointment.moved") == 2
    assert await again(clinic) == 0


async def test_what_collides_now_is_listed_to_staff_and_both_stand(
    clinic_on_both: Practice,
) -> None:
    """On a Saturday, once by the clock of New York and an hour later by that of Bogotá."""
    clinic = clinic_on_both
    for zone in ("America/New_York", "America/Bogota"):
        await clinic.do(add_exception, CAROL, _half_an_hour(clinic, zone))
    hers = await clinic.booked(clinic.alice, SATURDAY)
    his = await clinic.booked(clinic.eve, SATURDAY + HOUR)
    assert (hers.local, his.local) == ("2026-06-06T09:00", "2026-06-06T09:00")
    assert await again(clinic) == 1
    states = {row.id: (row.state, row.blocks) for row in await clinic.rows(appointments)}
    assert states == {hers.id: ("booked", False), his.id: ("booked", True)}
    found = await clinic.see(list_conflicts, CAROL, ListConflicts())
    assert [each.id for each in found.items] == [hers.id]
    assert await clinic.overlaps() == 0
    refused = await clinic.refusal(list_conflicts, clinic.alice, ListConflicts())
    assert refused.code == "not_allowed"


def _half_an_hour(clinic: Practice, zone: str) -> AddException:
    return AddException(
        practitioner_id=clinic.bob_id,
        kind="extra",
        starts_local="2026-06-06T09:00",
        ends_local="2026-06-06T09:30",
        zone=zone,
    )


async def test_what_is_over_and_what_was_is_left_alone(clinic: Practice) -> None:
    await clinic.booked(clinic.alice)
    clinic.clock.advance((NINE - clinic.database.now()).total_seconds() + 60)
    assert await again(clinic) == 0
