"""The routes of the call page: what is served, with which headers, and who may exchange a link."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from clinic_api.http.rate import Rate
from web.exchange import ExchangeRefused, Invitation, JoinTicket, Tap
from web.headers import security_headers
from web.pages import add_routes

Client = TestClient[web.Request, web.Application]
AiohttpClient = Callable[..., Awaitable[Client]]

CALL_PAGE_JS_BYTES = 60 * 1024  # gzip


SEAT = "aaaaaaaaaaaaaaaaaaaaaaaaaa"  # 26 characters, as the clinic's
ALICE = f"{SEAT}.secret-of-alice"


class Desk:
    """Knows Alice's link, and what it was asked."""

    def __init__(self) -> None:
        self.opened: list[tuple[str, str]] = []
        self.taps: list[Tap] = []

    async def open(self, secret: str, client: str) -> Invitation:
        self.opened.append((secret, client))
        _check(secret)
        return Invitation("Alice", "Example Clinic", "+1 202", "Dr. Bob", in_use=False)

    async def enter(self, tap: Tap) -> JoinTicket:
        self.taps.append(tap)
        _check(tap.secret)
        return JoinTicket("token-of-alice-1", "Alice", "patient", "device-1")


def _check(secret: str) -> None:
    if secret == "old-secret":
        raise ExchangeRefused("link_expired", "This link has expired.", 410)
    if secret != ALICE:
        raise ExchangeRefused("link_unknown", "This link does not open a call.", 404, "+1 202")


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
async def client(aiohttp_client: AiohttpClient, desk: Desk) -> Client:
    return await _client(aiohttp_client, Rate(burst=1000, per_s=1), desk)


async def _client(aiohttp_client: AiohttpClient, rate: Rate, desk: Desk) -> Client:
    app = web.Application(middlewares=[security_headers])
    add_routes(app, desk, rate)
    return await aiohttp_client(app)


def _origin(client: Client) -> str:
    return f"http://{client.host}:{client.port}"


async def _exchange(client: Client, **changes: Any) -> tuple[int, dict[str, Any]]:
    sent: dict[str, Any] = {
        "json": {"secret": ALICE},
        "headers": {"Origin": _origin(client)},
    }
    async with client.post("/join/exchange", **(sent | changes)) as response:
        return response.status, await response.json(content_type=None)


async def test_a_link_is_exchanged_for_a_token_and_the_room_stays_secret(client: Client) -> None:
    status, answer = await _exchange(client)
    assert status == 200
    assert answer == {"token": "token-of-alice-1", "name": "Alice", "role": "patient"}


@pytest.mark.parametrize(
    ("secret", "status", "code"),
    [("old-secret", 410, "link_expired"), ("charlie-guesses", 404, "link_unknown")],
)
async def test_a_refusal_is_a_problem_document_with_a_stable_code(
    client: Client, secret: str, status: int, code: str
) -> None:
    headers = {"Origin": _origin(client)}
    async with client.post("/join/exchange", json={"secret": secret}, headers=headers) as response:
        assert response.status == status
        assert response.content_type == "application/problem+json"
        assert response.headers["Cache-Control"] == "no-store"
        problem = await response.json(content_type=None)
    assert problem["code"] == code
    assert problem["phone"] == ("+1 202" if code == "link_unknown" else "")
    assert problem["status"] == status
    assert problem["detail"].endswith(".")


@pytest.mark.parametrize("origin", [None, "https://evil.example", "null", "file://x", "http://["])
async def test_pages_of_other_origins_exchange_nothing(client: Client, origin: str | None) -> None:
    headers = {} if origin is None else {"Origin": origin}
    status, problem = await _exchange(client, headers=headers)
    assert (status, problem["code"]) == (403, "foreign_origin")


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"secret=x", "application/x-www-form-urlencoded", 415),
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'{"secret": 7}', "application/json", 400),
        (b'{"secret": ""}', "application/json", 400),
        (b'{"secret": "x", "room": "y"}', "application/json", 400),
        (b'{"secret": "x", "birth_date": "yesterday"}', "application/json", 400),
        (b'{"secret": "x", "confirmation": "123456789012345678901"}', "application/json", 400),
        (b'{"secret": "' + b"x" * 600 + b'"}', "application/json", 400),
        (b" " * 4097, "application/json", 413),
        (b"\xff" * 100, "application/json", 400),
    ],
)
async def test_odd_bodies_are_refused_in_words(
    client: Client, body: bytes, content_type: str, status: int
) -> None:
    headers = {"Origin": _origin(client), "Content-Type": content_type}
    seen, problem = await _exchange(client, json=None, data=body, headers=headers)
    assert seen == status
    assert problem["detail"]


async def test_what_a_link_opens_is_told_without_a_tap(client: Client, desk: Desk) -> None:
    headers = {"Origin": _origin(client)}
    async with client.post("/join/open", json={"secret": ALICE}, headers=headers) as response:
        assert response.status == 200
        assert response.headers["Cache-Control"] == "no-store"
        assert "Set-Cookie" not in response.headers
        assert await response.json() == {
            "name": "Alice",
            "clinic": "Example Clinic",
            "phone": "+1 202",
            "practitioner": "Dr. Bob",
            "in_use": False,
            "only_sound": False,
        }
    assert len(desk.opened) == 1
    assert desk.taps == []


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"json": {"secret": "old-secret"}}, 410, "link_expired"),
        ({"json": {"secret": ALICE, "birth_date": "1984-05-06"}}, 400, "bad_request"),
        ({"headers": {"Origin": "https://evil.example"}}, 403, "foreign_origin"),
    ],
)
async def test_opening_is_refused_in_words_as_the_tap_is(
    client: Client, changes: dict[str, Any], status: int, code: str
) -> None:
    sent = {"json": {"secret": ALICE}, "headers": {"Origin": _origin(client)}} | changes
    async with client.post("/join/open", **sent) as response:
        problem = await response.json(content_type=None)
    assert (response.status, problem["code"]) == (status, code)


@pytest.mark.parametrize("path", ["/join", "/join/open", "/join/exchange"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_mail_scanner_consumes_nothing(
    client: Client, desk: Desk, method: str, path: str
) -> None:
    for _ in range(5):
        async with client.request(method, path) as response:
            assert response.status == (200 if path == "/join" else 405)
    assert (desk.opened, desk.taps) == ([], [])


async def test_the_browser_that_took_the_seat_is_known_again(client: Client, desk: Desk) -> None:
    headers = {"Origin": _origin(client)}
    async with client.post("/join/exchange", json={"secret": ALICE}, headers=headers) as response:
        cookie = response.headers["Set-Cookie"]
    assert cookie.startswith(f"__Host-seat-{SEAT}=device-1;")
    for part in ("HttpOnly", "Secure", "Path=/", "SameSite=Lax"):
        assert part in cookie.split("; ")
    headers["Cookie"] = f"__Host-seat-{SEAT}=device-1; __Host-seat-{'b' * 26}=device-2"
    proof = {"birth_date": "1984-05-06", "confirmation": "123456"}
    sent = {"secret": ALICE} | proof
    async with client.post("/join/exchange", json=sent, headers=headers) as response:
        assert response.status == 200
    first, second = desk.taps
    assert (first.device, first.birth_date, first.confirmation) == ("", None, "")
    assert (second.device, second.confirmation) == ("device-1", "123456")
    assert second.birth_date == date(1984, 5, 6)


async def test_one_address_may_try_only_so_often(aiohttp_client: AiohttpClient, desk: Desk) -> None:
    client = await _client(aiohttp_client, Rate(burst=2, per_s=0.01), desk)
    assert [(await _exchange(client))[0] for _ in range(3)] == [200, 200, 429]
    headers = {"Origin": _origin(client)}
    async with client.post("/join/exchange", json={}, headers=headers) as response:
        assert 1 <= int(response.headers["Retry-After"]) <= 100


@pytest.mark.parametrize("path", ["/", "/join"])
async def test_a_page_loads_nothing_foreign_and_holds_no_inline_script_or_style(
    client: Client, path: str
) -> None:
    async with client.get(path) as response:
        html = await response.text()
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert "camera=(self)" in response.headers["Permissions-Policy"]
        policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert f"wss://{client.host}:{client.port}" in policy
    assert not re.search(r"style=|<style|\son\w+=|<script(?![^>]* src=)", html)
    assert not re.search(r"(?:src|href)=\"(?!/)", html)


async def test_every_file_that_a_page_names_is_served_with_its_type(client: Client) -> None:
    async with client.get("/join") as response:
        named = set(re.findall(r"(?:src|href)=\"([^\"]+)\"", await response.text()))
    assert "/static/js/telemed-call.js" in named
    for path in named:
        async with client.get(path) as response:
            assert response.status == 200, path
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.content_type in {
                "text/javascript",
                "text/css",
                "image/svg+xml",
                "application/manifest+json",
            }


async def test_a_known_file_is_not_sent_again(client: Client) -> None:
    async with client.get("/static/js/join.js") as response:
        etag = response.headers["ETag"]
    async with client.get("/static/js/join.js", headers={"If-None-Match": etag}) as response:
        assert response.status == 304
        assert response.headers["ETag"] == etag


@pytest.mark.parametrize(
    "path",
    ["/static/../pages.py", "/static/%2e%2e/pages.py", "/static/js", "/static/nothing.js"],
)
async def test_nothing_but_static_files_can_be_named(client: Client, path: str) -> None:
    async with client.get(path) as response:
        assert response.status == 404
        assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_the_call_page_needs_at_most_60_kb_of_javascript(client: Client) -> None:
    total = 0
    async with client.get("/join") as response:
        named = set(re.findall(r"\"(/static/js/[^\"]+)\"", await response.text()))
    assert "/static/js/call.js" in named, "loaded at once, not after what imports it"
    assert "/static/js/copy-button.js" not in named, "loaded although no call needs it"
    for path in named:
        headers = {"Accept-Encoding": "gzip"}
        async with client.get(path, headers=headers, auto_decompress=False) as response:
            assert response.headers["Content-Encoding"] == "gzip"
            total += len(await response.read())
    assert total <= CALL_PAGE_JS_BYTES


async def test_modules_are_sent_without_their_comments(client: Client) -> None:
    async with client.get("/static/js/call.js") as response:
        text = await response.text()
    assert "@param" not in text
    assert "export class MediaSession" in text


async def test_a_forged_host_does_not_get_into_the_policy(client: Client) -> None:
    async with client.get("/", headers={"Host": "x;script-src *"}) as response:
        assert "script-src *" not in response.headers.get("Content-Security-Policy", "")
