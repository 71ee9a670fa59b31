"""What the clinic offers: where, which services, and who gives each of them."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from clinic_api.directory.model import Address, Id, Name, Phone

Modality = Literal["video", "audio"]
BookableBy = Literal["patient", "staff"]
ConsentKind = Literal["telehealth", "treatment", "messaging", "data_sharing"]

Minutes = Annotated[int, Meta(ge=0, le=24 * 60)]
Duration = Annotated[int, Meta(ge=5, le=8 * 60)]  # min
Notice = Annotated[int, Meta(ge=0, le=60 * 24 * 60)]  # min, up to 60 days
Price = Annotated[int, Meta(ge=0, le=10**9)]  # minor units of the clinic's currency


class LocationDetails(msgspec.Struct, frozen=True, kw_only=True):
    """A place of the clinic. Hours that practitioners give there are in its time zone."""

    name: Name
    address: Address = Address()
    phone: Phone = ""
    time_zone: Annotated[str, Meta(min_length=1, max_length=64)]  # IANA


class Location(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    version: int
    active: bool
    details: LocationDetails


class ServiceDetails(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of visit, and the rules of booking it."""

    name: Name
    description: Annotated[str, Meta(max_length=2000)] = ""
    duration_min: Duration = 20
    buffer_before_min: Minutes = 0  # nobody else's visit in this time before
    buffer_after_min: Minutes = 0
    step_min: Annotated[int, Meta(ge=5, le=120)] = 15  # between the starts that are offered
    price_minor: Price = 0
    modalities: Annotated[tuple[Modality, ...], Meta(min_length=1, max_length=2)] = (
        "video",
        "audio",
    )
    lead_min: Notice = 60  # the shortest time between booking and start
    horizon_days: Annotated[int, Meta(ge=1, le=730)] = 90  # how far ahead
    cancel_notice_min: Notice = 24 * 60  # until then a patient cancels or moves without staff
    max_moves: Annotated[int, Meta(ge=0, le=20)] = 3  # by the patient
    bookable_by: BookableBy = "patient"  # staff may always
    needs_approval: bool = False  # staff confirm what a patient books
    consents: Annotated[tuple[ConsentKind, ...], Meta(max_length=4)] = ()
    form_id: Id | None = None  # what the patient answers before
    form_required: bool = False  # who has not answered it comes into no call


class Service(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    version: int
    active: bool
    details: ServiceDetails


class OfferDetails(msgspec.Struct, frozen=True, kw_only=True):
    """What differs where this practitioner gives the service; None: as the service says."""

    location_id: Id | None = None
    duration_min: Duration | None = None
    price_minor: Price | None = None


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A practitioner gives a service."""

    id: str
    version: int
    service_id: str
    practitioner_id: str
    active: bool
    details: OfferDetails


class Offering(msgspec.Struct, frozen=True, kw_only=True):
    """A service as one practitioner gives it: what booking goes by."""

    service_id: str
    practitioner_id: str
    location_id: str | None
    zone: str  # IANA, of the place, else of the clinic
    duration_min: int
    price_minor: int
    currency: str  # ISO 4217
    service: ServiceDetails


def offering_of(service: Service, offer: Offer, zone: str, currency: str) -> Offering:
    """The service with what the practitioner's offer says otherwise."""
    own = offer.details
    common = service.details
    return Offering(
        service_id=service.id,
        practitioner_id=offer.practitioner_id,
        location_id=own.location_id,
        zone=zone,
        duration_min=common.duration_min if own.duration_min is None else own.duration_min,
        price_minor=common.price_minor if own.price_minor is None else own.price_minor,
        currency=currency,
        service=common,
    )
