"""The one door to the clinic: every feature's routes, served under /api/v1 and described.

Importing it defines every service, so that `guarded.REGISTRY` is whole.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from typing import Any

import msgspec
from aiohttp import web

from clinic_api import outbox_routes
from clinic_api.audit import routes as audit
from clinic_api.auth import routes as auth
from clinic_api.catalogue import routes as catalogue
from clinic_api.db import Database
from clinic_api.directory import routes as directory
from clinic_api.export import routes as export
from clinic_api.forms import routes as forms
from clinic_api.http.authentication import Authenticate
from clinic_api.http.doors import Rates
from clinic_api.http.openapi import document
from clinic_api.http.route import Route
from clinic_api.http.server import add_api_routes
from clinic_api.journeys import leaving, patient_login, services, set_up, staff
from clinic_api.messages import routes as messages
from clinic_api.organisation import routes as organisation
from clinic_api.records import documents_routes as documents
from clinic_api.records import lists_routes as lists
from clinic_api.records import notes_routes as notes
from clinic_api.scheduling import feed_routes as feeds
from clinic_api.scheduling import routes as scheduling
from clinic_api.visits import routes as visits

OPENAPI_PATH = "/openapi.json"

ROUTES: tuple[Route, ...] = (
    *organisation.ROUTES,
    *auth.ROUTES,
    *directory.ROUTES,
    *catalogue.ROUTES,
    *forms.ROUTES,
    *scheduling.ROUTES,
    *feeds.ROUTES,
    *visits.ROUTES,
    *documents.ROUTES,
    *lists.ROUTES,
    *notes.ROUTES,
    *messages.ROUTES,
    *export.ROUTES,
    *outbox_routes.ROUTES,
    *set_up.ROUTES,
    *staff.ROUTES,
    *services.ROUTES,
    *patient_login.ROUTES,
    *leaving.ROUTES,
    *audit.ROUTES,
)


@cache
def description() -> dict[str, Any]:
    """The OpenAPI document, which nobody changes."""
    return document(ROUTES, version("telemed-media"))


def add_api(
    app: web.Application,
    database: Database,
    authenticate: Authenticate,
    rates: Rates | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Adds every operation and the document that describes them."""
    add_api_routes(app, database, authenticate, ROUTES, rates, clock)
    body = msgspec.json.encode(description())
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'

    async def openapi(request: web.Request) -> web.Response:
        headers = {"ETag": etag, "Cache-Control": "no-cache"}
        if etag in request.headers.get("If-None-Match", ""):
            return web.Response(status=304, headers=headers)
        return web.Response(body=body, content_type="application/json", headers=headers)

    app.router.add_get(OPENAPI_PATH, openapi)
