"""Sign-in over a real server: the cookie, the origin, the order of the steps."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pyotp
import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request

from clinic_api.api import add_api
from clinic_api.auth.authentication import authenticator
from clinic_api.db import Database
from clinic_api.directory.relations import of_user
from clinic_api.http.authentication import SESSION_COOKIE
from clinic_api.organisation.service import setup_token
from tests.clinic_api.auth.people import BOBS_PASSWORD, nobody, org_id_of
from tests.clinic_api.conftest import Clock


class Page:
    """A browser with the API's cookie, which only goes over TLS, kept by hand."""

    def __init__(self, client: TestClient[Request, Application], clock: Clock) -> None:
        self.client, self.clock = client, clock
        self.cookie = ""
        self.origin = f"http://{client.host}:{client.port}"

    async def asks(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> ClientResponse:
        cookie = {"Cookie": f"{SESSION_COOKIE}={self.cookie}"} if self.cookie else {}
        sent = {"Origin": self.origin, **cookie, **headers}
        answer = await self.client.request(method, f"/api/v1{path}", json=body, headers=sent)
        if SESSION_COOKIE in answer.cookies:
            morsel = answer.cookies[SESSION_COOKIE]
            assert (morsel["secure"], morsel["httponly"], morsel["path"]) == (True, True, "/")
            assert morsel["samesite"] == "Lax"
            self.cookie = morsel.value
        return answer

    async def code(self, answer: ClientResponse) -> str:
        """The stable code of a problem."""
        assert answer.content_type == "application/problem+json"
        return str((await answer.json())["code"])

    def app_code(self, secret: str) -> str:
        self.clock.advance(30)
        return pyotp.TOTP(secret).at(int(self.clock.now_s))


@pytest.fixture
async def page(sqlite_database: Database, clock: Clock) -> AsyncIterator[Page]:
    app = Application()
    add_api(app, sqlite_database, authenticator(sqlite_database, of_user, nobody))
    async with TestClient(TestServer(app)) as client:
        yield Page(client, clock)


async def set_up(page: Page, database: Database) -> str:
    """Bob's clinic over HTTP; the secret of his app."""
    made = await page.asks(
        "POST",
        "/set-up",
        {
            "token": setup_token(database.keys, await org_id_of(database)),
            "name": "Harbour Clinic",
            "country": "GB",
            "currency": "GBP",
            "time_zone": "Europe/London",
            "phone": "020 7946 0000",
            "login": "bob@clinic.example",
            "display_name": "Dr. Bob",
            "password": BOBS_PASSWORD,
        },
    )
    assert (made.status, (await made.json())["next"]) == (201, "enrol_factor")
    secret = str((await (await page.asks("POST", "/account/factor", {})).json())["secret"])
    done = await page.asks("POST", "/account/factor/confirm", {"code": page.app_code(secret)})
    assert len((await done.json())["recovery_codes"]) == 10
    return secret


async def test_from_the_set_up_link_to_a_colleague(page: Page, sqlite_database: Database) -> None:
    secret = await set_up(page, sqlite_database)
    assert (await page.asks("POST", "/sign-out")).status == 204
    assert page.cookie == ""
    assert await page.code(await page.asks("GET", "/users")) == "sign_in_needed"

    said = {"login": "bob@clinic.example", "password": BOBS_PASSWORD}
    assert (await (await page.asks("POST", "/sign-in", said)).json())["next"] == "second_factor"
    assert await page.code(await page.asks("GET", "/users")) == "second_factor_needed"
    shown = await page.asks("POST", "/sign-in/second-factor", {"code": page.app_code(secret)})
    assert (await shown.json())["next"] == "nothing"

    dana = {"login": "dana", "display_name": "Dana", "roles": ["nurse"]}
    made = await page.asks("POST", "/users", dana, **{"Idempotency-Key": "one"})
    assert made.status == 201, await made.text()
    user = await made.json()
    code = await page.asks("POST", f"/users/{user['id']}/activation-code")
    activation = {
        "login": "dana",
        "code": (await code.json())["code"],
        "password": "kestrels",
    }
    other = Page(page.client, page.clock)
    opened = await other.asks("POST", "/account/activate/code", activation)
    assert (await opened.json())["next"] == "enrol_factor"

    tag = (await page.asks("GET", f"/users/{user['id']}")).headers["ETag"]
    gone = await page.asks("POST", f"/users/{user['id']}/disable", **{"If-Match": tag})
    assert gone.status == 200, await gone.text()
    assert await page.code(await other.asks("GET", "/account")) == "sign_in_needed"


async def test_another_site_cannot_use_the_cookie(page: Page, sqlite_database: Database) -> None:
    await set_up(page, sqlite_database)
    page.origin = "https://evil.example"
    assert await page.code(await page.asks("POST", "/sign-out")) == "foreign_origin"
    page.origin = f"http://{page.client.host}:{page.client.port}"
    assert (await page.asks("GET", "/account")).status == 200


async def test_polling_does_not_keep_a_session(
    page: Page, sqlite_database: Database, clock: Clock
) -> None:
    await set_up(page, sqlite_database)
    for _ in range(2):
        clock.advance(8 * 60)
        answer = await page.asks("GET", "/account", **{"X-Background": "1"})
    assert answer.status == 401


async def test_wrong_fields_are_all_told(page: Page) -> None:
    wrong = await page.asks("POST", "/sign-in", {"login": 7, "extra": 1})
    assert wrong.status == 422
    assert set((await wrong.json())["fields"]) == {"login", "password", "extra"}
