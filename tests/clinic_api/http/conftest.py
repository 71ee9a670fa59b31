"""A real server over loopback with the API's shell, real services and a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application

from clinic_api.db import Database
from clinic_api.http.doors import Rates
from clinic_api.http.origin import OWN, Own
from clinic_api.http.rate import Rate
from clinic_api.http.server import add_api_routes
from telemed_media.listener import ClientFinder, client_middleware
from tests.clinic_api.conftest import PUBLIC_URL, Clock
from tests.clinic_api.http.cast import Client, authenticate
from tests.clinic_api.http.samples import ROUTES

CERTIFIED = "clinic.local"  # a name on the certificate
_FAST = Rate(burst=1e6, per_s=1e6)
UNLIMITED = Rates(all=_FAST, guessing=_FAST, searching=_FAST)


async def serving(app: Application) -> AsyncIterator[Client]:
    async with TestClient(TestServer(app)) as client:
        yield client


def bare_app() -> Application:
    """Clients are told apart by X-Forwarded-For, which is believed from loopback."""
    finder = ClientFinder(("127.0.0.0/8",), own=())
    app = Application(middlewares=[client_middleware(finder)])
    app[OWN] = Own(PUBLIC_URL, lambda: frozenset({CERTIFIED}))
    return app


@pytest.fixture
def rates() -> Rates:
    return UNLIMITED


@pytest.fixture
async def client(sqlite_database: Database, rates: Rates, clock: Clock) -> AsyncIterator[Client]:
    """The sample routes, served."""
    app = bare_app()
    add_api_routes(app, sqlite_database, authenticate, ROUTES, rates, clock)
    async for each in serving(app):
        yield each
