"""Operations on locations, services and offers under /api/v1; those that make and change services
are in journeys/services.py."""

from __future__ import annotations

from clinic_api.catalogue.model import Location, Offer, Service
from clinic_api.catalogue.service import (
    ChangeLocation,
    ChangeOffer,
    CreateLocation,
    CreateOffer,
    ListLocations,
    ListServices,
    Offers,
    OneService,
    change_location,
    change_offer,
    create_location,
    create_offer,
    list_locations,
    list_offers,
    list_services,
    read_service,
)
from clinic_api.http.route import Route
from clinic_api.paging import Page

_SERVICE = "/services/{service_id}"
_OFFERS = f"{_SERVICE}/practitioners"
_OFFER = _OFFERS + "/{practitioner_id}"

ROUTES: tuple[Route, ...] = (
    Route("GET", "/locations", list_locations, ListLocations, Page[Location]),
    Route("POST", "/locations", create_location, CreateLocation, Location, status=201),
    Route("PUT", "/locations/{location_id}", change_location, ChangeLocation, Location),
    Route("GET", "/services", list_services, ListServices, Page[Service]),
    Route("GET", _SERVICE, read_service, OneService, Service),
    Route("GET", _OFFERS, list_offers, OneService, Offers),
    Route("POST", _OFFER, create_offer, CreateOffer, Offer, status=201),
    Route("PUT", _OFFER, change_offer, ChangeOffer, Offer),
)
