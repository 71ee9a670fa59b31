"""What is offered: who may say so, who sees what, and what booking goes by."""

from __future__ import annotations

import pytest

from clinic_api.actor import STRANGER, Actor
from clinic_api.catalogue.model import Service
from clinic_api.catalogue.service import (
    ChangeLocation,
    ChangeOffer,
    ChangeService,
    CreateLocation,
    CreateOffer,
    CreateService,
    ListLocations,
    ListServices,
    OneService,
    change_location,
    change_offer,
    change_service,
    create_location,
    create_offer,
    create_service,
    list_locations,
    list_offers,
    list_services,
    offering,
    offerings,
    read_service,
)
from clinic_api.db import Database
from clinic_api.directory.model import Address
from tests.clinic_api.conftest import Clock
from tests.clinic_api.visits.cast import CAROL, CHARLIE, CONSOLE, Clinic, opened

ADA = Actor(kind="user", id="ada", roles=frozenset({"admin"}))


@pytest.fixture
async def clinic(database: Database, clock: Clock) -> Clinic:
    return await opened(database, clock)


async def _service(clinic: Clinic, **values: object) -> Service:
    details = {"name": "Follow-up", **values}
    return await clinic.do(create_service, ADA, CreateService(**details))  # type: ignore[arg-type]


async def test_a_place_is_kept_with_a_tidy_phone_number(clinic: Clinic) -> None:
    command = CreateLocation(
        name=" Main  street ",
        address=Address(city="Springfield", country="US"),
        phone="(202) 555-0123",
        time_zone="America/New_York",
    )
    made = await clinic.do(create_location, ADA, command)
    (read,) = (await clinic.see(list_locations, STRANGER, ListLocations())).items
    assert read == made
    assert (read.details.name, read.details.phone) == ("Main street", "+12025550123")


async def test_a_place_has_a_time_zone_that_there_is(clinic: Clinic) -> None:
    command = CreateLocation(name="Main", time_zone="Europe/Springfield")
    refused = await clinic.refusal(create_location, ADA, command)
    assert list(refused.fields) == ["time_zone"]


@pytest.mark.parametrize("actor", [CAROL, CHARLIE, STRANGER], ids=["desk", "patient", "stranger"])
async def test_only_administrators_say_what_is_offered(clinic: Clinic, actor: Actor) -> None:
    refused = await clinic.refusal(create_service, actor, CreateService(name="Surgery"))
    assert refused.code in {"not_allowed", "sign_in_needed"}


async def test_a_stranger_sees_what_can_be_booked_and_staff_see_all(clinic: Clinic) -> None:
    shown = await _service(clinic)
    inner = await _service(clinic, name="Second opinion", bookable_by="staff")
    ended = await _service(clinic, name="Old")
    off = ChangeService(service_id=ended.id, version=1, name="Old", active=False)
    await clinic.do(change_service, ADA, off)
    public = await clinic.see(list_services, STRANGER, ListServices())
    assert [each.id for each in public.items] == [shown.id]
    for hidden in (inner, ended):
        refused = await clinic.refusal(read_service, CHARLIE, OneService(hidden.id))
        assert refused.code == "not_found"
    seen = await clinic.see(list_services, CAROL, ListServices())
    assert {each.id for each in seen.items} == {shown.id, inner.id, ended.id}


async def test_an_offer_says_what_differs_for_one_practitioner(clinic: Clinic) -> None:
    service = await _service(clinic, duration_min=20, price_minor=5000)
    place = await clinic.do(
        create_location, ADA, CreateLocation(name="Kathmandu", time_zone="Asia/Kathmandu")
    )
    assert clinic.bob.practitioner_id is not None
    give = CreateOffer(
        service_id=service.id,
        practitioner_id=clinic.bob.practitioner_id,
        location_id=place.id,
        duration_min=45,
    )
    made = await clinic.do(create_offer, ADA, give)
    assert (await clinic.refusal(create_offer, ADA, give)).code == "conflict"
    held = await clinic.database.read(lambda tx: offerings(tx, service.id))
    assert [(each.duration_min, each.price_minor, each.zone) for each in held] == [
        (45, 5000, "Asia/Kathmandu")
    ]
    stop = ChangeOffer(
        service_id=service.id,
        practitioner_id=made.practitioner_id,
        version=made.version,
        active=False,
    )
    await clinic.do(change_offer, ADA, stop)
    gone = await clinic.database.read(lambda tx: offering(tx, service.id, made.practitioner_id))
    assert gone is None
    assert (await clinic.see(list_offers, CHARLIE, OneService(service.id))).items == ()
    assert len((await clinic.see(list_offers, CAROL, OneService(service.id))).items) == 1


async def test_a_change_over_an_old_version_is_refused(clinic: Clinic) -> None:
    place = await clinic.do(
        create_location, CONSOLE, CreateLocation(name="Main", time_zone="Europe/Paris")
    )
    change = ChangeLocation(
        location_id=place.id, version=place.version, name="Main", time_zone="Europe/Rome"
    )
    await clinic.do(change_location, ADA, change)
    assert (await clinic.refusal(change_location, ADA, change)).code == "stale"
