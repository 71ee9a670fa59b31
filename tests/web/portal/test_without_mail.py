"""Where there is no mail server, pages promise no mail and say what to do instead."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from clinic_api.actor import STRANGER, Actor, system
from clinic_api.db import Database
from clinic_api.http.authentication import SESSION_COOKIE, Credentials
from clinic_api.outbox import About, Audience, OutboxMessage, enqueue
from clinic_api.outbox_sending import sweep
from tests.clinic_api.conftest import Clock
from tests.clinic_api.visits.cast import CAROL, PHONE, opened
from web.portal.routes import add_portal

Client = TestClient[web.Request, web.Application]
ADMIN = msgspec.structs.replace(CAROL, roles=frozenset({"admin"}))
PEOPLE = {"carol": CAROL, "admin": ADMIN}
JOBS = system("jobs")


async def recognise(credentials: Credentials) -> Actor:
    """Who a session's cookie is, by the first name."""
    return PEOPLE.get(credentials.session or "", STRANGER)


@asynccontextmanager
async def pages(database: Database, *, sends_mail: bool) -> AsyncIterator[Client]:
    app = web.Application()
    database.sends_mail = sends_mail
    add_portal(app, database, recognise)
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest.fixture
async def clinic(sqlite_database: Database, clock: Clock) -> Database:
    await opened(sqlite_database, clock)
    return sqlite_database


async def read(client: Client, path: str, who: str = "") -> str:
    cookies = f"{SESSION_COOKIE}={who}" if who else ""
    async with client.get(path, headers={"Cookie": cookies}) as response:
        assert response.status == 200
        return await response.text()


async def write(database: Database, audience: Audience) -> None:
    message = OutboxMessage(
        kind="visit.invitation",
        audience=audience,
        dedupe_key=audience,
        recipient=f"{audience}@example.org",
        about=About(),
    )
    await database.write(lambda tx: enqueue(tx, JOBS, message))


async def test_a_forgotten_password_is_the_desks_matter(clinic: Database) -> None:
    async with pages(clinic, sends_mail=False) as client:
        page = await read(client, "/forgot")
    assert PHONE in page
    assert "sends no mail" in page
    assert "<form" not in page
    assert "admin recover" in page
    async with pages(clinic, sends_mail=True) as client:
        assert "Send me a link" in await read(client, "/forgot")


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/lost-link", {"contact": "alice@example.org"}),
        ("/register", {"display_name": "Alice", "email": "alice@example.org"}),
    ],
)
async def test_who_asks_for_a_link_is_told_to_call_whether_known_or_not(
    clinic: Database, path: str, form: dict[str, str]
) -> None:
    async with (
        pages(clinic, sends_mail=False) as client,
        client.post(path, data=form) as response,
    ):
        page = await response.text()
    assert PHONE in page
    assert "sends no mail" in page
    assert "on its way" not in page


async def test_an_empty_list_of_messages_does_not_say_that_all_were_sent(clinic: Database) -> None:
    await write(clinic, "staff")
    async with pages(clinic, sends_mail=False) as client:
        page = await read(client, "/messages", "carol")
        assert "No message waits" in page
        assert "no mail server" in page
        assert "shown to administrators only" in page
        page = await read(client, "/messages", "admin")
        assert "staff@example.org" in page
        assert "Handed over" in page
        assert "Try again" not in page
        assert "shown to administrators only" not in page


async def test_what_expired_unsent_is_named(clinic: Database, clock: Clock) -> None:
    await write(clinic, "patient")
    clock.advance(timedelta(days=8).total_seconds())
    await clinic.write(lambda tx: sweep(tx, JOBS))
    async with pages(clinic, sends_mail=True) as client:
        page = await read(client, "/messages", "carol")
    assert "No message waits" in page
    assert "patient@example.org" in page.partition("too late")[2]
