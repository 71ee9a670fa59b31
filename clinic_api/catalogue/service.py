"""Locations and services of the clinic, and who gives which: made, listed, changed.

Everybody may read what can be booked; staff see what is not offered any more too.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from clinic_api.actor import Actor
from clinic_api.catalogue import store
from clinic_api.catalogue.model import (
    Location,
    LocationDetails,
    Offer,
    OfferDetails,
    Offering,
    Service,
    ServiceDetails,
    offering_of,
)
from clinic_api.directory import store as people
from clinic_api.directory.contacts import tidy_name, tidy_phone
from clinic_api.directory.model import Id
from clinic_api.errors import Refused
from clinic_api.guarded import Facts, guarded, hidden, permit
from clinic_api.organisation.model import Organisation
from clinic_api.organisation.profile import time_zones
from clinic_api.organisation.store import organisation
from clinic_api.paging import DEFAULT_ITEMS, Cursor, Limit, Page
from clinic_api.transaction import Transaction


class ListLocations(msgspec.Struct, frozen=True, kw_only=True):
    cursor: Cursor = ""
    limit: Limit = DEFAULT_ITEMS


class CreateLocation(LocationDetails, frozen=True, kw_only=True):
    """A place that hours and visits can belong to."""


class ChangeLocation(LocationDetails, frozen=True, kw_only=True):
    """The whole of the details, as they shall be."""

    location_id: Id
    version: int
    active: bool = True


class ListServices(msgspec.Struct, frozen=True, kw_only=True):
    cursor: Cursor = ""
    limit: Limit = DEFAULT_ITEMS


class OneService(msgspec.Struct, frozen=True):
    service_id: Id


class CreateService(ServiceDetails, frozen=True, kw_only=True):
    """A kind of visit that can be booked, once somebody gives it."""


class ChangeService(ServiceDetails, frozen=True, kw_only=True):
    """The whole of the details, as they shall be; what is booked keeps its own."""

    service_id: Id
    version: int
    active: bool = True


class CreateOffer(OfferDetails, frozen=True, kw_only=True):
    """A practitioner gives the service from now on."""

    service_id: Id
    practitioner_id: Id


class ChangeOffer(OfferDetails, frozen=True, kw_only=True):
    """What differs for this practitioner, as it shall be; not `active`: no more of it."""

    service_id: Id
    practitioner_id: Id
    version: int
    active: bool = True


class Offers(msgspec.Struct, frozen=True):
    items: tuple[Offer, ...]


@guarded("location.list")
def list_locations(tx: Transaction, actor: Actor, command: ListLocations) -> Page[Location]:
    """The places of the clinic."""
    del actor
    return store.list_locations(tx, command.cursor, command.limit)


@guarded("location.create")
def create_location(tx: Transaction, actor: Actor, command: CreateLocation) -> Location:
    """Raises Refused(invalid)."""
    location_id = store.insert_location(tx, actor, _tidied(tx, command))
    tx.note(actor, "location", location_id)
    return _location(tx, actor, location_id)


@guarded("location.change")
def change_location(tx: Transaction, actor: Actor, command: ChangeLocation) -> Location:
    """Raises Refused: not_found, stale, invalid."""
    _location(tx, actor, command.location_id)
    details = _tidied(tx, command)
    place = command.location_id
    store.update_location(tx, actor, place, command.version, details, command.active)
    tx.note(actor, "location", place)
    return _location(tx, actor, place)


@guarded("service.list")
def list_services(tx: Transaction, actor: Actor, command: ListServices) -> Page[Service]:
    """What can be booked; staff see all."""
    return store.list_services(tx, _sees_all(actor), command.cursor, command.limit)


@guarded("service.list")
def read_service(tx: Transaction, actor: Actor, command: OneService) -> Service:
    """Raises Refused(not_found)."""
    return _service(tx, actor, command.service_id)


@guarded("service.create")
def create_service(tx: Transaction, actor: Actor, command: CreateService) -> Service:
    service_id = store.insert_service(tx, actor, _details(command))
    tx.note(actor, "service", service_id)
    return _service(tx, actor, service_id)


@guarded("service.change")
def change_service(tx: Transaction, actor: Actor, command: ChangeService) -> Service:
    """Raises Refused: not_found, stale."""
    found = _service(tx, actor, command.service_id)
    details = _details(command)
    store.update_service(tx, actor, found.id, command.version, details, command.active)
    tx.note(actor, "service", found.id)
    return _service(tx, actor, found.id)


@guarded("service.list")
def list_offers(tx: Transaction, actor: Actor, command: OneService) -> Offers:
    """Who gives the service. Raises Refused(not_found)."""
    found = _service(tx, actor, command.service_id)
    held = store.offers_of(tx, found.id)
    return Offers(tuple(each for each in held if each.active or _sees_all(actor)))


@guarded("service.offer")
def create_offer(tx: Transaction, actor: Actor, command: CreateOffer) -> Offer:
    """Raises Refused: not_found (service, practitioner, place), conflict."""
    found = _service(tx, actor, command.service_id)
    if people.practitioner(tx, command.practitioner_id) is None:
        raise hidden(tx, actor, "practitioner", command.practitioner_id)
    details = _offer_details(tx, actor, command)
    offer_id = store.insert_offer(tx, actor, found.id, command.practitioner_id, details)
    tx.note(actor, "offer", offer_id)
    return _offer(tx, actor, found.id, command.practitioner_id)


@guarded("service.offer")
def change_offer(tx: Transaction, actor: Actor, command: ChangeOffer) -> Offer:
    """Raises Refused: not_found, stale."""
    found = _offer(tx, actor, command.service_id, command.practitioner_id)
    details = _offer_details(tx, actor, command)
    store.update_offer(tx, actor, found.id, command.version, details, command.active)
    tx.note(actor, "offer", found.id)
    return _offer(tx, actor, command.service_id, command.practitioner_id)


# for other services


def offering(tx: Transaction, service_id: str, practitioner_id: str) -> Offering | None:
    """The service as the practitioner gives it now; None: not offered (any more)."""
    found = store.service(tx, service_id)
    held = store.offer(tx, service_id, practitioner_id)
    doctor = people.practitioner(tx, practitioner_id)
    if found is None or held is None or doctor is None:
        return None
    if not (found.active and held.active and doctor.active):
        return None
    return _merged(tx, found, held, organisation(tx))


def offerings(
    tx: Transaction, service_id: str, practitioner_ids: Collection[str] = ()
) -> list[Offering]:
    """The same by everybody who gives the service now, or by those that are named."""
    found = store.service(tx, service_id)
    if found is None or not found.active:
        return []
    working = people.active_practitioners(tx)
    clinic = organisation(tx)
    return [
        _merged(tx, found, held, clinic)
        for held in store.offers_of(tx, service_id)
        if held.active and held.practitioner_id in working
        if not practitioner_ids or held.practitioner_id in practitioner_ids
    ]


def _merged(tx: Transaction, found: Service, held: Offer, clinic: Organisation) -> Offering:
    place = held.details.location_id
    location = None if place is None else store.location(tx, place)
    zone = clinic.time_zone if location is None else location.details.time_zone
    return offering_of(found, held, zone, clinic.currency)


def _sees_all(actor: Actor) -> bool:
    return actor.is_staff or actor.kind == "system"


def _tidied(tx: Transaction, details: LocationDetails) -> LocationDetails:
    if details.time_zone not in time_zones():
        sentence = "Please choose a time zone, such as Europe/Paris."
        raise Refused("invalid", fields={"time_zone": sentence})
    country = details.address.country or organisation(tx).country
    phone = tidy_phone(details.phone, country, "phone") if details.phone else ""
    return LocationDetails(
        name=tidy_name(details.name),
        address=details.address,
        phone=phone,
        time_zone=details.time_zone,
    )


def _details(command: ServiceDetails) -> ServiceDetails:
    names = ServiceDetails.__struct_fields__
    return ServiceDetails(**{name: getattr(command, name) for name in names})


def _offer_details(tx: Transaction, actor: Actor, command: OfferDetails) -> OfferDetails:
    if command.location_id is not None:
        _location(tx, actor, command.location_id)
    names = OfferDetails.__struct_fields__
    return OfferDetails(**{name: getattr(command, name) for name in names})


def _location(tx: Transaction, actor: Actor, location_id: str) -> Location:
    found = store.location(tx, location_id)
    if found is None:
        raise hidden(tx, actor, "location", location_id)
    permit(tx, actor, Facts(kind="location", id=location_id))
    return found


def _service(tx: Transaction, actor: Actor, service_id: str) -> Service:
    found = store.service(tx, service_id)
    shown = found is not None and (
        _sees_all(actor) or (found.active and found.details.bookable_by == "patient")
    )
    if found is None or not shown:
        raise hidden(tx, actor, "service", service_id)
    permit(tx, actor, Facts(kind="service", id=service_id))
    return found


def _offer(tx: Transaction, actor: Actor, service_id: str, practitioner_id: str) -> Offer:
    found = store.offer(tx, service_id, practitioner_id)
    if found is None:
        raise hidden(tx, actor, "offer", service_id)
    permit(tx, actor, Facts(kind="offer", id=found.id))
    return found
