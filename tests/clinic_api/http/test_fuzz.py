"""Schemathesis against the live API: whatever it sends, no 5xx, and nothing the description denies.

It speaks as several people over real sockets to a real database. The short run is part of `make
test`; the long one of `make prove`.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from aiohttp.web import Application

from clinic_api import api
from clinic_api.auth.authentication import authenticator
from clinic_api.db import Database
from clinic_api.directory.relations import of_user
from clinic_api.visits.joining import participant_actor
from tests.clinic_api.http.conftest import UNLIMITED, bare_app
from tests.clinic_api.http.world import Person, World, a_clinic

pytestmark = pytest.mark.filterwarnings("ignore::aiohttp.web.NotAppKeyWarning")

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
)
# They would end the session by which all else is asked.
LEFT_OUT = r"sign-out|account/sessions/|reset-factor|/disable"
SEED = "20261124"


@pytest.fixture
async def server(sqlite_database: Database) -> AsyncIterator[TestServer]:
    app: Application = bare_app()
    authenticate = authenticator(sqlite_database, of_user, participant_actor)
    api.add_api(app, sqlite_database, authenticate, UNLIMITED)
    server = TestServer(app)
    async with server:
        yield server


@pytest.fixture
async def world(server: TestServer, sqlite_database: Database) -> World:
    return await a_clinic(sqlite_database, str(server.make_url("")))


async def fuzz(server: TestServer, person: Person, folder: Path, *options: str) -> tuple[int, str]:
    """Exit code and report; what it keeps of failures goes into the folder."""
    headers = [f"--header={name}: {value}" for name, value in person.headers.items()]
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).parent / "schemathesis"),
        f"--config-file={Path(__file__).with_name('schemathesis.toml')}",
        "run",
        str(server.make_url("/openapi.json")),
        f"--checks={','.join(CHECKS)}",
        f"--exclude-path-regex={LEFT_OUT}",
        f"--seed={SEED}",
        "--generation-with-security-parameters=false",  # it would stand in for the person's own
        "--warnings=off",
        "--no-color",
        *headers,
        *options,
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    report, _ = await process.communicate()
    return process.returncode or 0, report.decode()


async def still_signed_in(server: TestServer, person: Person) -> bool:
    """Otherwise most of what was asked was only refused."""
    async with ClientSession() as client:
        address = server.make_url("/api/v1/account")
        async with client.get(address, headers=person.headers) as answer:
            return answer.status == 200


@pytest.mark.slow
async def test_an_administrators_requests_meet_no_error(
    server: TestServer, world: World, tmp_path: Path
) -> None:
    ada = world.people["ada"]
    code, report = await fuzz(server, ada, tmp_path, "--phases=coverage", "--max-time=40")
    assert code == 0, report
    assert await still_signed_in(server, ada)


@pytest.mark.prove
@pytest.mark.parametrize("who", ["ada", "bob", "carol", "alice", "sam", "stranger"])
async def test_nobodys_requests_meet_an_error(
    server: TestServer, world: World, tmp_path: Path, who: str
) -> None:
    phases = "--phases=examples,coverage,fuzzing,stateful"
    code, report = await fuzz(
        server, world.people[who], tmp_path, phases, "--max-examples=30", "--max-time=180"
    )
    assert code == 0, report
