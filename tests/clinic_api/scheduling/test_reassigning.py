"""Bob is away: Dora, who gives the same, takes over what she is free for; the rest is named."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from clinic_api.actor import Actor
from clinic_api.catalogue.service import CreateOffer, create_offer
from clinic_api.errors import Refused
from clinic_api.outbox_store import outbox
from clinic_api.scheduling import reassigning
from clinic_api.scheduling.hours import AddHours, add_hours
from clinic_api.scheduling.model import AppointmentView
from clinic_api.scheduling.reading import ReadAppointment, read_appointment
from clinic_api.scheduling.reassigning import Conflict, Reassign, Reassigned, reassign
from tests.clinic_api.auth.people import audited
from tests.clinic_api.scheduling.cast import ADA, HALF_HOUR, MONDAY, NINE, Practice
from tests.clinic_api.visits.cast import CAROL


def stepped_up(clinic: Practice) -> Actor:
    return replace(CAROL, stepped_up_at=clinic.database.now())


async def dora_too(clinic: Practice) -> str:
    """Dora gives the visit on Monday mornings until 11:00."""
    dora_id = clinic.dora.practitioner_id
    assert dora_id is not None
    hours = AddHours(
        practitioner_id=dora_id,
        weekday=0,
        from_time="09:00",
        until_time="11:00",
        valid_from=MONDAY - timedelta(days=60),
    )
    await clinic.do(add_hours, ADA, hours)
    offer = CreateOffer(service_id=clinic.service_id, practitioner_id=dora_id)
    await clinic.do(create_offer, ADA, offer)
    return dora_id


async def given_away(clinic: Practice, to: str, **more: Any) -> Reassigned:
    command = Reassign(
        practitioner_id=clinic.bob_id, to_practitioner_id=to, why="Bob is ill", **more
    )
    return await reassign(clinic.database, stepped_up(clinic), command)


async def seen(clinic: Practice, appointment_id: str) -> AppointmentView:
    return await clinic.see(read_appointment, CAROL, ReadAppointment(appointment_id))


async def test_each_goes_to_the_same_time_if_it_is_free_there(clinic_on_both: Practice) -> None:
    clinic = clinic_on_both
    dora_id = await dora_too(clinic)
    alices = await clinic.booked(clinic.alice)
    eves = await clinic.booked(clinic.eve, NINE + HALF_HOUR)
    late = await clinic.book(NINE + 5 * HALF_HOUR)  # Dora has gone home
    await clinic.book(NINE + HALF_HOUR, practitioner_id=dora_id)
    done = await given_away(clinic, dora_id)
    (moved,) = done.moved
    assert moved.appointment_id == alices.id
    new = await seen(clinic, moved.new_id)
    assert (new.practitioner_id, new.starts_at, new.state) == (dora_id, NINE, "booked")
    assert new.staff_reason == "Bob is ill"
    assert done.conflicts == (Conflict(eves.id, "slot_taken"), Conflict(late.id, "slot_closed"))
    for each in (eves, late):
        assert (await seen(clinic, each.id)).version == each.version
    told = [row.kind for row in await clinic.rows(outbox)]
    assert told.count("appointment.moved") == 1
    actions = [(action, item) for action, _, item in await audited(clinic.database)]
    assert ("appointment.reassign", moved.new_id) in actions
    assert await clinic.overlaps() == 0


async def test_whoever_does_not_give_the_service_gets_nothing(clinic: Practice) -> None:
    alices = await clinic.booked(clinic.alice)
    dora_id = clinic.dora.practitioner_id
    assert dora_id is not None
    done = await given_away(clinic, dora_id)
    assert (done.moved, done.conflicts) == ((), (Conflict(alices.id, "not_offered"),))


async def test_many_are_given_away_in_parts(
    clinic: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reassigning, "AT_ONCE", 2)
    dora_id = await dora_too(clinic)
    for n in range(3):
        await clinic.book(NINE + n * HALF_HOUR)
    first = await given_away(clinic, dora_id)
    assert (len(first.moved), first.next_cursor is None) == (2, False)
    second = await given_away(clinic, dora_id, cursor=first.next_cursor)
    assert (len(second.moved), second.next_cursor) == (1, None)


async def test_it_needs_a_fresh_code_and_another_practitioner(clinic: Practice) -> None:
    dora_id = await dora_too(clinic)
    alices = await clinic.booked(clinic.alice)
    command = Reassign(practitioner_id=clinic.bob_id, to_practitioner_id=dora_id, why="Ill")
    for who, code in ((CAROL, "step_up_needed"), (clinic.alice, "not_allowed")):
        with pytest.raises(Refused) as refused:
            await reassign(clinic.database, who, command)
        assert refused.value.code == code
    with pytest.raises(Refused) as refused:
        await given_away(clinic, clinic.bob_id)
    assert refused.value.code == "invalid"
    assert (await seen(clinic, alices.id)).state == "booked"
