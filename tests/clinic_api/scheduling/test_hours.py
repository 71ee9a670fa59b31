"""Hours are given by those who may, in wall time; everybody finds free times and nobody's name."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from clinic_api.actor import STRANGER
from clinic_api.catalogue.service import (
    CreateLocation,
    CreateOffer,
    CreateService,
    create_location,
    create_offer,
    create_service,
)
from clinic_api.errors import Refused
from clinic_api.scheduling.hours import (
    AddException,
    AddHours,
    AvailabilityOf,
    ChangeHours,
    RemoveException,
    RemoveHours,
    add_exception,
    add_hours,
    change_hours,
    list_availability,
    remove_exception,
    remove_hours,
)
from clinic_api.scheduling.hours_store import exceptions
from clinic_api.scheduling.search import MAX_SLOTS, FindSlots, find_slots
from clinic_api.transaction import Transaction
from tests.clinic_api.scheduling.cast import MONDAY, NINE, Practice
from tests.clinic_api.visits.cast import CAROL, CHARLIE, CONSOLE

SATURDAY = MONDAY + timedelta(days=5)


def hours(clinic: Practice, **more: Any) -> AddHours:
    values: dict[str, Any] = {
        "practitioner_id": clinic.bob_id,
        "weekday": 5,
        "from_time": "09:00",
        "until_time": "10:00",
        "valid_from": date(2026, 1, 1),
    }
    return AddHours(**(values | more))


def exception(clinic: Practice, **more: Any) -> AddException:
    values: dict[str, Any] = {
        "practitioner_id": clinic.bob_id,
        "kind": "block",
        "starts_local": "2026-06-01T09:00",
        "ends_local": "2026-06-01T11:30",
        "reason": "At the dentist",
    }
    return AddException(**(values | more))


async def test_a_doctor_gives_and_takes_hours_of_his_own_only(clinic_on_both: Practice) -> None:
    clinic = clinic_on_both
    rule = await clinic.do(add_hours, clinic.bob, hours(clinic))
    assert rule.hours.zone == "America/New_York"  # the clinic's
    assert await clinic.free(clinic.alice, SATURDAY) == ["09:00", "09:30"]
    later = ChangeHours(
        practitioner_id=clinic.bob_id,
        rule_id=rule.id,
        version=rule.version,
        weekday=5,
        from_time="23:00",
        until_time="24:00",
        valid_from=date(2026, 1, 1),
    )
    changed = await clinic.do(change_hours, clinic.bob, later)
    assert await clinic.free(clinic.alice, SATURDAY) == ["23:00", "23:30"]
    gone = RemoveHours(practitioner_id=clinic.bob_id, rule_id=rule.id, version=changed.version)
    assert (await clinic.refusal(change_hours, clinic.dora, later)).code == "not_found"
    assert (await clinic.refusal(remove_hours, clinic.dora, gone)).code == "not_found"
    assert (await clinic.refusal(add_hours, clinic.alice, hours(clinic))).code == "not_allowed"
    await clinic.do(remove_hours, clinic.bob, gone)
    assert await clinic.free(clinic.alice, SATURDAY) == []


async def test_an_exception_closes_and_its_reason_is_sealed(clinic: Practice) -> None:
    added = await clinic.do(add_exception, CAROL, exception(clinic))
    assert await clinic.free(clinic.alice) == ["11:30"]
    (row,) = await clinic.rows(exceptions)
    assert b"dentist" not in row.reason
    listed = await clinic.see(list_availability, clinic.bob, AvailabilityOf(clinic.bob_id))
    assert [each.reason for each in listed.exceptions] == ["At the dentist"]
    off = RemoveException(
        practitioner_id=clinic.bob_id, exception_id=added.id, version=added.version
    )
    await clinic.do(remove_exception, CAROL, off)
    assert "09:00" in await clinic.free(clinic.alice)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"from_time": "10:00"}, "until_time"),
        ({"valid_until": date(2025, 1, 1)}, "valid_until"),
        ({"zone": "Mars/Olympus"}, "zone"),
        ({"location_id": "nowhere"}, "location_id"),
        ({"service_ids": ("nothing",)}, "service_ids"),
    ],
)
async def test_hours_that_make_no_sense_are_refused(
    clinic: Practice, wrong: dict[str, Any], field: str
) -> None:
    refused = await clinic.refusal(add_hours, CAROL, hours(clinic, **wrong))
    assert list(refused.fields) == [field]


@pytest.mark.parametrize("ends", ["2026-06-01T09:00", "2026-02-30T09:00", "2031-01-01T00:00"])
async def test_exceptions_that_make_no_sense_are_refused(clinic: Practice, ends: str) -> None:
    refused = await clinic.refusal(add_exception, CAROL, exception(clinic, ends_local=ends))
    assert list(refused.fields) == ["ends_local"]


async def test_strangers_find_free_times_and_nothing_of_those_who_took_others(
    clinic: Practice,
) -> None:
    await clinic.booked(clinic.alice, reason="My back")
    asked = FindSlots(service_id=clinic.service_id, from_day=MONDAY, until_day=MONDAY)
    found = await clinic.see(find_slots, STRANGER, asked)
    assert found.items[0].local == "2026-06-01T09:30"
    shown = {"practitioner_id", "service_id", "location_id", "starts_at", "ends_at", "local"}
    assert set(found.items[0].__struct_fields__) == shown


async def test_four_zones_mean_the_same_instant(clinic: Practice) -> None:
    """Alice is in Kathmandu, Bob in New York, a place in Paris, the server counts in UTC."""
    paris = await clinic.do(
        create_location, CONSOLE, CreateLocation(name="Paris", time_zone="Europe/Paris")
    )
    at = hours(clinic, location_id=paris.id, from_time="20:00", until_time="21:00")
    await clinic.do(add_hours, CAROL, at)
    sunday = SATURDAY + timedelta(days=1)  # 20:00 in Paris is 23:45 in Kathmandu
    first = await clinic.free(clinic.alice, SATURDAY, zone="Asia/Kathmandu")
    second = await clinic.free(clinic.alice, sunday, zone="Asia/Kathmandu")
    assert (first, second) == (["23:45"], ["00:15"])
    assert await clinic.free(clinic.alice, SATURDAY) == ["14:00", "14:30"]  # in New York


async def test_two_places_share_what_is_busy_and_not_the_reason(clinic: Practice) -> None:
    def second_place(tx: Transaction) -> str:
        place = create_location(
            tx, CONSOLE, CreateLocation(name="South", time_zone="America/New_York")
        )
        service = create_service(
            tx, CONSOLE, CreateService(name="South visit", step_min=30, duration_min=30)
        )
        offer = CreateOffer(
            service_id=service.id, practitioner_id=clinic.bob_id, location_id=place.id
        )
        create_offer(tx, CONSOLE, offer)
        return service.id

    south = await clinic.database.write(second_place)
    await clinic.booked(clinic.alice, NINE, reason="My back")
    assert (await clinic.free(clinic.eve, service_id=south))[0] == "09:30"


async def test_buffers_of_one_service_keep_another_away(clinic: Practice) -> None:
    long = await clinic.service(step_min=30, duration_min=30, buffer_after_min=15)
    await clinic.booked(clinic.alice, NINE, service_id=long)
    assert (await clinic.free(clinic.eve))[0] == "10:00"


async def test_a_search_is_bounded_in_days_and_answers(clinic: Practice) -> None:
    wide = FindSlots(
        service_id=clinic.service_id, from_day=MONDAY, until_day=MONDAY + timedelta(days=42)
    )
    with pytest.raises(Refused) as refused:
        await clinic.see(find_slots, CHARLIE, wide)
    assert list(refused.value.fields) == ["until_day"]
    often = await clinic.service(step_min=5, duration_min=5)
    month = FindSlots(service_id=often, from_day=MONDAY, until_day=MONDAY + timedelta(days=41))
    found = await clinic.see(find_slots, CHARLIE, month)
    assert (len(found.items), found.more) == (MAX_SLOTS, True)
    starts = [each.starts_at for each in found.items]
    assert starts == sorted(set(starts))


async def test_unknown_services_are_not_there(clinic: Practice) -> None:
    asked = FindSlots(service_id="nothing", from_day=MONDAY, until_day=MONDAY)
    with pytest.raises(Refused) as refused:
        await clinic.see(find_slots, STRANGER, asked)
    assert refused.value.code == "not_found"
