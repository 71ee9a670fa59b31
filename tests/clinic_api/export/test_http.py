"""Summaries and copies over HTTP: made while they are sent, saved by browsers, cut off where they
break."""

from __future__ import annotations

import io
import zipfile
from collections.abc import AsyncGenerator, AsyncIterator

import msgspec
import pytest
from aiohttp import ClientPayloadError
from aiohttp.test_utils import TestClient, TestServer

from clinic_api.actor import Actor
from clinic_api.auth.authentication import authenticator
from clinic_api.db import Database
from clinic_api.directory.relations import of_user
from clinic_api.errors import Refused
from clinic_api.export.routes import ROUTES
from clinic_api.files.model import Streamed
from clinic_api.http.route import Route, flow
from clinic_api.http.server import API, add_api_routes
from clinic_api.visits.joining import participant_actor
from tests.clinic_api.http.cast import Client
from tests.clinic_api.http.conftest import UNLIMITED, bare_app
from tests.clinic_api.http.world import World, a_clinic

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::aiohttp.web.NotAppKeyWarning"),
]


class Ask(msgspec.Struct, frozen=True):
    parts: int


@flow("organisation.read")
async def breaking(database: Database, actor: Actor, command: Ask) -> Streamed:
    """So many parts, and then it breaks."""

    async def parts() -> AsyncGenerator[bytes, None]:
        for _ in range(command.parts):
            yield b"x" * 100_000
        raise Refused("unavailable")

    return Streamed(name="ä.bin", media_type="application/octet-stream", parts=parts())


BREAKING = Route("GET", "/breaking", breaking, Ask, Streamed, media_type="application/octet-stream")


@pytest.fixture
async def client(sqlite_database: Database) -> AsyncIterator[Client]:
    app = bare_app()
    authenticate = authenticator(sqlite_database, of_user, participant_actor)
    add_api_routes(app, sqlite_database, authenticate, (*ROUTES, BREAKING), UNLIMITED)
    async with TestClient(TestServer(app)) as each:
        yield each


@pytest.fixture
async def world(client: Client, sqlite_database: Database) -> World:
    return await a_clinic(sqlite_database, f"http://{client.host}:{client.port}")


async def test_alice_asks_for_a_copy_and_saves_it_once(client: Client, world: World) -> None:
    headers = world.people["alice"].headers
    path = f"{API}/patients/{world.ids['patient_id']}/exports"
    asked = await client.post(path, headers=headers)
    assert asked.status == 201, await asked.text()
    made = await asked.json()
    got = await client.post(f"{API}/exports/{made['id']}/download", headers=headers)
    assert (got.status, got.content_type) == (200, "application/zip")
    assert got.headers["Content-Disposition"].startswith('attachment; filename="record-2026-')
    assert got.headers["Cache-Control"] == "no-store"
    with zipfile.ZipFile(io.BytesIO(await got.read())) as read:
        assert read.namelist()[:3] == ["index.html", "record.pdf", "record.fhir.json"]
        assert "Cough" in read.read("index.html").decode()
    again = await client.post(f"{API}/exports/{made['id']}/download", headers=headers)
    assert (again.status, (await again.json())["code"]) == (410, "gone")


async def test_a_visit_that_is_not_over_has_no_summary(client: Client, world: World) -> None:
    path = f"{API}/visits/{world.ids['visit_id']}/summary"
    refused = await client.get(path, headers=world.people["alice"].headers)
    assert (refused.status, (await refused.json())["code"]) == (409, "illegal_event")


async def test_what_breaks_before_its_first_part_is_a_refusal(client: Client) -> None:
    refused = await client.get(f"{API}/breaking?parts=0")
    assert (refused.status, (await refused.json())["code"]) == (503, "unavailable")


async def test_what_breaks_in_the_middle_is_cut_off(client: Client) -> None:
    cut = await client.get(f"{API}/breaking?parts=3")
    assert cut.status == 200
    assert "filename*=UTF-8''%C3%A4.bin" in cut.headers["Content-Disposition"]
    with pytest.raises(ClientPayloadError):
        await cut.read()
