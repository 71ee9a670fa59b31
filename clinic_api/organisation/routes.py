"""The organisation, in the HTTP API. Its set-up is a journey: it also makes the first login."""

from __future__ import annotations

from clinic_api.http.route import Route
from clinic_api.organisation.model import ChangeOrganisation, Organisation, ReadOrganisation
from clinic_api.organisation.service import change_organisation, read_organisation

ROUTES: tuple[Route, ...] = (
    Route("GET", "/organisation", read_organisation, ReadOrganisation, Organisation),
    Route("PUT", "/organisation", change_organisation, ChangeOrganisation, Organisation),
)
