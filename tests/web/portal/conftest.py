"""The clinic's pages over real sockets, with everybody of the clinic signed in."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator, Callable

import msgspec
import pyotp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from clinic_api.db import Database
from telemed_media.clinic_faces import add_clinic
from tests.clinic_api.conftest import (
    Clock,
    clock,
    low_costs,
    sqlite_database,
    sqlite_place,
    sqlite_template,
)
from tests.clinic_api.http.world import SECRET, World, a_clinic

__all__ = ["clock", "low_costs", "sqlite_database", "sqlite_place", "sqlite_template"]

Client = TestClient[web.Request, web.Application]


class Shown(msgspec.Struct, frozen=True):
    """A page as it came."""

    status: int
    path: str  # where it is, or where it leads to
    text: str

    @property
    def words(self) -> str:
        """What is read of it."""
        bare = re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", self.text, flags=re.DOTALL)
        return " ".join(html.unescape(bare).split())

    def fields(self) -> dict[str, str]:
        """Names and values of its inputs; of lists, what is chosen."""
        found: dict[str, str] = {}
        for tag in re.findall(r"<input[^>]*>", self.text):
            found[_attribute(tag, "name")] = _attribute(tag, "value")
        for name, inside in re.findall(r'<textarea[^>]* name="(\w+)"[^>]*>([^<]*)<', self.text):
            found[name] = html.unescape(inside)
        for name, inside in re.findall(
            r'<select[^>]* name="(\w+)"[^>]*>(.*?)</sel', self.text, re.S
        ):
            chosen = re.search(r'value="([^"]*)"[^>]* selected', inside)
            found[name] = chosen.group(1) if chosen else ""
        return found

    def tag(self, name: str) -> str:
        """The tag of one field."""
        found = re.search(rf'<(?:input|select|textarea)[^>]* name="{name}"[^>]*>', self.text)
        assert found, f"no field {name}"
        return found.group()


def _attribute(tag: str, name: str) -> str:
    found = re.search(rf' {name}="([^"]*)"', tag)
    return html.unescape(found.group(1)) if found else ""


class Reader:
    """Somebody at the pages."""

    def __init__(self, client: Client, clock: Clock, headers: dict[str, str]) -> None:
        self._client, self._clock, self._headers = client, clock, headers
        self._csrf = ""

    async def open(self, path: str) -> Shown:
        return await self._read("GET", path, None)

    async def post(self, path: str, **fields: str) -> Shown:
        """With the token of the session's pages."""
        if not self._csrf:
            page = await self.open("/account/factor")
            self._csrf = page.fields().get("csrf", "")
        return await self._read("POST", path, {"csrf": self._csrf, **fields})

    async def _read(self, method: str, path: str, data: dict[str, str] | None) -> Shown:
        answer = await self._client.request(
            method, path, data=data, headers=self._headers, allow_redirects=False
        )
        return Shown(answer.status, answer.headers.get("Location", path), await answer.text())

    def code(self) -> str:
        """What the authenticator app shows now."""
        return pyotp.TOTP(SECRET).at(int(self._clock.now_s))


@pytest.fixture
async def client(sqlite_database: Database) -> AsyncIterator[Client]:
    app = web.Application()
    add_clinic(app, sqlite_database)
    async with TestClient(TestServer(app)) as each:
        yield each


@pytest.fixture
async def world(client: Client, sqlite_database: Database) -> World:
    return await a_clinic(sqlite_database, f"http://{client.host}:{client.port}")


Readers = Callable[[str], Reader]


@pytest.fixture
def reader(client: Client, clock: Clock, world: World) -> Readers:
    """By name, as in the world of the clinic."""
    return lambda who: Reader(client, clock, world.people[who].headers)


@pytest.fixture
def stranger(client: Client, clock: Clock) -> Reader:
    """Somebody before there is a clinic."""
    return Reader(client, clock, {"Origin": f"http://{client.host}:{client.port}"})
