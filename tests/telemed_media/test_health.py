"""What the server tells about itself, and to whom."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.typedefs import Handler

from telemed_media.failures import answer_failures
from telemed_media.health import Health
from telemed_media.listener import Client

# the architecture's request["client"] is a plain string key, which aiohttp advises against
pytestmark = pytest.mark.filterwarnings("ignore::aiohttp.web.NotAppKeyWarning")

CHARLIE = Client("203.0.113.66", local=False)
OPERATOR = Client("127.0.0.1", local=True)


async def serve(client: Client, *missing: str) -> TestClient[web.Request, web.Application]:
    """The routes as `client` meets them, while `missing` do not answer."""

    @web.middleware
    async def comes_from(request: web.Request, handler: Handler) -> web.StreamResponse:
        request["client"] = client
        return await handler(request)

    def check(name: str) -> bool:
        return name not in missing

    async def database() -> bool:
        return check("database")

    async def media() -> bool:
        return check("media")

    async def scrape() -> bytes:
        return b"telemed_media_worker_up 1\n"

    app = web.Application(middlewares=[comes_from, answer_failures])
    Health({"database": database, "media": media}, scrape, "the-token").add_routes(app)

    async def fail(_request: web.Request) -> web.Response:
        raise ValueError("Alice has a rash")

    app.router.add_get("/fail", fail)
    app.router.add_get("/api/v1/fail", fail)
    running = TestClient(TestServer(app))
    await running.start_server()
    return running


async def test_the_front_lives() -> None:
    async with await serve(CHARLIE, "database", "media") as client:
        assert (await client.get("/healthz")).status == 200


@pytest.mark.parametrize(
    ("missing", "status"), [((), 200), (("media",), 503), (("database", "media"), 503)]
)
async def test_readiness_names_what_is_missing(missing: tuple[str, ...], status: int) -> None:
    async with await serve(CHARLIE, *missing) as client:
        answer = await client.get("/readyz")
        assert answer.status == status
        assert await answer.json() == {"ready": not missing, "missing": list(missing)}


@pytest.mark.parametrize(
    ("client", "authorization", "status"),
    [
        (OPERATOR, None, 200),
        (CHARLIE, "Bearer the-token", 200),
        (CHARLIE, None, 403),
        (CHARLIE, "Bearer another", 403),
        (CHARLIE, "Bearer ünlikely", 403),
    ],
)
async def test_metrics_are_for_this_machine_and_token_holders(
    client: Client, authorization: str | None, status: int
) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    async with await serve(client) as browser:
        answer = await browser.get("/metrics", headers=headers)
        assert answer.status == status
        assert ("worker_up" in await answer.text()) == (status == 200)


async def test_a_header_that_is_no_text_is_a_wrong_token() -> None:
    async with await serve(CHARLIE) as browser:
        reader, writer = await asyncio.open_connection(browser.host, browser.port)
        head = b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        writer.write(head + b"Authorization: Bearer \xff\r\n\r\n")
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 403 ")


async def test_a_bug_is_answered_with_its_number_and_nothing_else() -> None:
    async with await serve(CHARLIE) as client:
        answer = await client.get("/fail")
        text = await answer.text()
        assert answer.status == 500
        assert "Its number is " in text
        assert "Alice" not in text


async def test_a_bug_of_the_api_is_answered_as_a_problem() -> None:
    async with await serve(CHARLIE) as client:
        answer = await client.get("/api/v1/fail")
        assert answer.status == 500
        assert answer.content_type == "application/problem+json"
        problem = await answer.json()
        assert problem["code"] == "internal"
        assert "Its number is " in problem["detail"]
