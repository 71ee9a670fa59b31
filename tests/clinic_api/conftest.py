"""The clinic's database for every test: real SQLite and a real PostgreSQL, each test its own.

A database is opened once per run (migrated, keys and organisation made), and copied for each test.
PostgreSQL comes in with `make test`; `make quick` is content with SQLite.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from clinic_api.auth import hashing
from clinic_api.db import Database
from clinic_api.opening import Place, open_database
from tests.clinic_api import postgres

START_AT = 1_780_000_000.0  # 2026-05-28T20:26:40Z
PUBLIC_URL = "https://call.clinic.example"
TEMPLATE = "template_clinic"
LEAST_MEMORY_KIB = 8  # RFC 9106, section 3.1: eight times the lanes
_names = count(1)


class Clock:
    """The time of a test, in seconds since 1970; moves only when told."""

    def __init__(self) -> None:
        self.now_s = START_AT

    def __call__(self) -> float:
        return self.now_s

    def advance(self, seconds: float) -> None:
        self.now_s += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def true_costs() -> None:
    """For tests of what hashing a password costs."""


@pytest.fixture(autouse=True)
def low_costs(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords are hashed in no time, unless the test asks for `true_costs` (0.06 s each)."""
    if "true_costs" in request.fixturenames:
        return
    nobodys = hashing.NOBODYS.replace(f"m={hashing.MEMORY_KIB}", f"m={LEAST_MEMORY_KIB}")
    cheap = PasswordHasher(time_cost=1, memory_cost=LEAST_MEMORY_KIB, parallelism=1)
    monkeypatch.setattr(hashing, "_HASHER", cheap)
    monkeypatch.setattr(hashing, "NOBODYS", nobodys)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    try:
        server = postgres.running()
        with server as running:
            yield running
    except postgres.NoPostgres as why:
        pytest.skip(f"no PostgreSQL: {why}")


def place_in(folder: Path, url: str = "") -> Place:
    """A place with its folders, made where they are missing."""
    place = Place(
        url=url,
        path=folder / "telemed.sqlite",
        keys=folder / "keys",
        backups=folder / "backups",
    )
    for each in (place.keys, place.backups):
        each.mkdir(mode=0o700, parents=True, exist_ok=True)
    return place


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an opened database that nobody has written to."""
    folder = tmp_path_factory.mktemp("template-sqlite")
    _open_once(place_in(folder))
    return folder


@pytest.fixture(scope="session")
def postgres_template(
    postgres_server: postgres.Server, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The same in PostgreSQL, as the database TEMPLATE; its keys are in the folder."""
    folder = tmp_path_factory.mktemp("template-postgres")
    asyncio.run(postgres_server.run(f"CREATE DATABASE {TEMPLATE}"))
    _open_once(place_in(folder, postgres_server.url(TEMPLATE)))
    return folder


def _open_once(place: Place) -> None:
    async def run() -> None:
        await (await open_database(place, clock=Clock())).close()

    asyncio.run(run())


@pytest.fixture
def sqlite_place(sqlite_template: Path, tmp_path: Path) -> Place:
    """A SQLite database of the test's own."""
    folder = tmp_path / "clinic"
    shutil.copytree(sqlite_template, folder)
    return place_in(folder)


@pytest.fixture
def postgres_place(
    postgres_server: postgres.Server, postgres_template: Path, tmp_path: Path
) -> Iterator[Place]:
    """A PostgreSQL database of the test's own."""
    folder, name = tmp_path / "clinic", f"clinic_{os.getpid()}_{next(_names)}"
    shutil.copytree(postgres_template, folder)
    asyncio.run(postgres_server.run(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}"))
    yield place_in(folder, postgres_server.url(name))
    asyncio.run(postgres_server.run(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def place(request: pytest.FixtureRequest) -> Place:
    """One after the other: every test that asks for it runs on both engines."""
    found = request.getfixturevalue(f"{request.param}_place")
    assert isinstance(found, Place)
    return found


@pytest.fixture
async def database(place: Place, clock: Clock) -> AsyncIterator[Database]:
    """The clinic's database on both engines, its clock in the test's hand."""
    async with await open_database(place, public_url=PUBLIC_URL, clock=clock) as opened:
        yield opened


@pytest.fixture
async def sqlite_database(sqlite_place: Place, clock: Clock) -> AsyncIterator[Database]:
    """The same on SQLite only, for tests to which the engine makes no difference."""
    async with await open_database(sqlite_place, public_url=PUBLIC_URL, clock=clock) as opened:
        yield opened
