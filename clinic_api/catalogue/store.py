"""Tables of locations, services and offers, and rows as values."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Integer,
    Row,
    String,
    Text,
    UniqueConstraint,
    bindparam,
)
from sqlalchemy.exc import IntegrityError

from clinic_api.actor import Actor
from clinic_api.catalogue.model import (
    Location,
    LocationDetails,
    Offer,
    OfferDetails,
    Service,
    ServiceDetails,
)
from clinic_api.directory.model import Address
from clinic_api.errors import Refused
from clinic_api.paging import Page, page
from clinic_api.schema import table
from clinic_api.transaction import Transaction, prepared

locations = table(
    "locations",
    Column("name", String(200), nullable=False),
    Column("address", Text, nullable=False),  # JSON
    Column("phone", String(20), nullable=False),
    Column("time_zone", String(64), nullable=False),
    Column("active", Boolean, nullable=False),
)

services = table(
    "services",
    Column("name", String(200), nullable=False),
    Column("description", Text, nullable=False),
    Column("duration_min", Integer, nullable=False),
    Column("buffer_before_min", Integer, nullable=False),
    Column("buffer_after_min", Integer, nullable=False),
    Column("step_min", Integer, nullable=False),
    Column("price_minor", Integer, nullable=False),
    Column("modalities", String(40), nullable=False),  # JSON list
    Column("lead_min", Integer, nullable=False),
    Column("horizon_days", Integer, nullable=False),
    Column("cancel_notice_min", Integer, nullable=False),
    Column("max_moves", Integer, nullable=False),
    Column("bookable_by", String(10), nullable=False),
    Column("needs_approval", Boolean, nullable=False),
    Column("consents", String(80), nullable=False),  # JSON list
    Column("form_id", String(36)),  # of a form: journeys/services.py looks that there is one
    Column("form_required", Boolean, nullable=False),
    Column("active", Boolean, nullable=False),
)

offers = table(
    "offers",
    Column("service_id", String(36), ForeignKey("services.id"), nullable=False),
    Column("practitioner_id", String(36), ForeignKey("practitioners.id"), nullable=False),
    Column("location_id", String(36), ForeignKey("locations.id")),
    Column("duration_min", Integer),
    Column("price_minor", Integer),
    Column("active", Boolean, nullable=False),
    UniqueConstraint("service_id", "practitioner_id"),
)

_LISTS = ("modalities", "consents")


def insert_location(tx: Transaction, actor: Actor, details: LocationDetails) -> str:
    return tx.insert(locations, actor, active=True, **_location_values(details))


def update_location(
    tx: Transaction,
    actor: Actor,
    location_id: str,
    version: int,
    details: LocationDetails,
    active: bool,
) -> None:
    """Raises Refused(stale)."""
    values = _location_values(details)
    tx.update(locations, actor, location_id, version, active=active, **values)


def location(tx: Transaction, location_id: str) -> Location | None:
    row = tx.get(locations, location_id)
    return None if row is None else _location(row)


def list_locations(tx: Transaction, cursor: str, limit: int) -> Page[Location]:
    return page(tx, locations, tx.select(locations), _location, cursor=cursor, limit=limit)


def insert_service(tx: Transaction, actor: Actor, details: ServiceDetails) -> str:
    return tx.insert(services, actor, active=True, **_service_values(details))


def update_service(
    tx: Transaction,
    actor: Actor,
    service_id: str,
    version: int,
    details: ServiceDetails,
    active: bool,
) -> None:
    """Raises Refused(stale)."""
    tx.update(services, actor, service_id, version, active=active, **_service_values(details))


def service(tx: Transaction, service_id: str) -> Service | None:
    row = tx.get(services, service_id)
    return None if row is None else _service(row)


def list_services(tx: Transaction, everything: bool, cursor: str, limit: int) -> Page[Service]:
    """Those that patients may book now, or all."""
    query = tx.select(services)
    if not everything:
        query = query.where(services.c.active, services.c.bookable_by == "patient")
    return page(tx, services, query, _service, cursor=cursor, limit=limit)


def insert_offer(
    tx: Transaction, actor: Actor, service_id: str, practitioner_id: str, details: OfferDetails
) -> str:
    """Raises Refused(conflict): there is one already."""
    try:
        return tx.insert(
            offers,
            actor,
            service_id=service_id,
            practitioner_id=practitioner_id,
            active=True,
            **msgspec.structs.asdict(details),
        )
    except IntegrityError:
        raise Refused("conflict", "This practitioner gives this service already.") from None


def update_offer(
    tx: Transaction,
    actor: Actor,
    offer_id: str,
    version: int,
    details: OfferDetails,
    active: bool,
) -> None:
    """Raises Refused(stale)."""
    values = msgspec.structs.asdict(details)
    tx.update(offers, actor, offer_id, version, active=active, **values)


_OFFERS = (
    prepared(offers).where(offers.c.service_id == bindparam("service_id")).order_by(offers.c.id)
)
_OFFER = prepared(offers).where(
    offers.c.service_id == bindparam("service_id"),
    offers.c.practitioner_id == bindparam("practitioner_id"),
)


def offer(tx: Transaction, service_id: str, practitioner_id: str) -> Offer | None:
    row = tx.first_of(_OFFER, service_id=service_id, practitioner_id=practitioner_id)
    return None if row is None else _offer(row)


def offers_of(tx: Transaction, service_id: str) -> list[Offer]:
    """Every practitioner's, of this service, oldest first."""
    return [_offer(row) for row in tx.all_of(_OFFERS, service_id=service_id)]


def _location_values(details: LocationDetails) -> dict[str, Any]:
    return msgspec.structs.asdict(details) | {"address": _json(details.address)}


def _location(row: Row[Any]) -> Location:
    address = msgspec.json.decode(row.address, type=Address)
    details = LocationDetails(
        name=row.name, address=address, phone=row.phone, time_zone=row.time_zone
    )
    return Location(id=row.id, version=row.version, active=row.active, details=details)


def _service_values(details: ServiceDetails) -> dict[str, Any]:
    lists = {name: _json(getattr(details, name)) for name in _LISTS}
    return msgspec.structs.asdict(details) | lists


def _service(row: Row[Any]) -> Service:
    values = {name: getattr(row, name) for name in ServiceDetails.__struct_fields__}
    values |= {name: msgspec.json.decode(values[name]) for name in _LISTS}
    details = msgspec.convert(values, ServiceDetails)
    return Service(id=row.id, version=row.version, active=row.active, details=details)


def _offer(row: Row[Any]) -> Offer:
    details = OfferDetails(
        location_id=row.location_id, duration_min=row.duration_min, price_minor=row.price_minor
    )
    return Offer(
        id=row.id,
        version=row.version,
        service_id=row.service_id,
        practitioner_id=row.practitioner_id,
        active=row.active,
        details=details,
    )


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
