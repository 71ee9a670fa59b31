"""The operations on documents over loopback, with everybody in the clinic."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from clinic_api.actor import Actor
from clinic_api.auth.authentication import authenticator
from clinic_api.db import Database
from clinic_api.directory.model import PatientDetails
from clinic_api.directory.relations import of_user, relate
from clinic_api.directory.service import add_patient
from clinic_api.http.forms import Patience
from clinic_api.http.server import add_api_routes
from clinic_api.http.uploads import UPLOADS
from clinic_api.opening import Place
from clinic_api.records.documents_routes import ROUTES
from clinic_api.transaction import Transaction
from clinic_api.visits.joining import participant_actor
from tests.clinic_api.conftest import Clock
from tests.clinic_api.http.cast import Client
from tests.clinic_api.http.conftest import UNLIMITED, bare_app
from tests.clinic_api.http.world import a_clinic
from tests.clinic_api.records.cast import Desk
from tests.clinic_api.visits.cast import CONSOLE, Clinic, opened, user_id


@pytest.fixture
async def client(database: Database) -> AsyncIterator[Client]:
    app = bare_app()
    authenticate = authenticator(database, of_user, participant_actor)
    add_api_routes(app, database, authenticate, ROUTES, UNLIMITED)
    async with TestClient(TestServer(app)) as each:
        yield each


@pytest.fixture
async def desk(client: Client, database: Database) -> Desk:
    return Desk(client, await a_clinic(database, f"http://{client.host}:{client.port}"))


@pytest.fixture
def folder(place: Place) -> Path:
    """The data folder."""
    return place.keys.parent


@pytest.fixture
def hurried(client: Client) -> None:
    """Bodies may take a fifth of a second."""
    client.app[UPLOADS].patience = Patience(grace_s=0.2, bytes_per_s=1e9, idle_s=0.2)


@pytest.fixture
async def clinic(database: Database, clock: Clock) -> Clinic:
    return await opened(database, clock)


@pytest.fixture
async def alice(clinic: Clinic) -> Actor:
    """Signed in, with a record of her own; Bob treats her."""

    def make(tx: Transaction) -> str:
        patient_id = add_patient(tx, CONSOLE, PatientDetails(name="Alice"), "matched")
        assert clinic.bob.practitioner_id is not None
        relate(tx, CONSOLE, patient_id, clinic.bob.practitioner_id)
        return patient_id

    patient_id = await clinic.database.write(make)
    roles = frozenset({"patient"})
    return Actor(kind="user", id=user_id(1), roles=roles, patient_ids=frozenset({patient_id}))
