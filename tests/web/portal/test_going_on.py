"""Where somebody goes on after signing in: to the page they wanted, whole, and never elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request

from clinic_api.auth.authentication import authenticator
from clinic_api.db import Database
from clinic_api.directory.relations import of_user
from tests.clinic_api.auth.people import BOBS_PASSWORD, bob_at_work, nobody
from tests.clinic_api.conftest import Clock
from web.portal.routes import add_portal

Client = TestClient[Request, Application]
ELSEWHERE = [
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https://evil.example",
    "evil",
    "/\t/evil.example",
    "/\r\nSet-Cookie: a=b",
    "/\x00",
    "javascript:alert(1)",
]


@pytest.fixture
async def client(sqlite_database: Database) -> AsyncIterator[Client]:
    app = Application()
    add_portal(app, sqlite_database, authenticator(sqlite_database, of_user, nobody))
    async with TestClient(TestServer(app)) as each:
        yield each


async def after_the_password(client: Client, wanted: str) -> str:
    """Where Bob is sent, who has shown his password."""
    answer = await client.post(
        f"/sign-in?next={quote(wanted, safe='')}",
        data={"login": "bob@clinic.example", "password": BOBS_PASSWORD},
        headers={"Origin": f"http://{client.host}:{client.port}"},
        allow_redirects=False,
    )
    assert answer.status == 303
    return answer.headers["Location"]


@pytest.mark.parametrize("wanted", ["/users", "/visits?a=b&next=//evil.example#x", "/a b/%2f/é"])
async def test_the_page_that_was_wanted_stays_whole_on_the_way(
    client: Client, sqlite_database: Database, clock: Clock, wanted: str
) -> None:
    await bob_at_work(sqlite_database, clock)
    place = urlsplit(await after_the_password(client, wanted))
    assert (place.netloc, place.path) == ("", "/sign-in/code")
    assert parse_qs(place.query) == {"next": [wanted]}
    page = await (await client.get(place.geturl())).text()
    assert f'action="/sign-in/code?next={quote(wanted)}"' in page


@pytest.mark.parametrize("wanted", ELSEWHERE)
async def test_nobody_is_sent_to_another_site(
    client: Client, sqlite_database: Database, clock: Clock, wanted: str
) -> None:
    await bob_at_work(sqlite_database, clock)
    assert await after_the_password(client, wanted) == "/sign-in/code?next=/visits"
