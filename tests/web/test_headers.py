"""Headers at the edge, over real sockets: what no request may say twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from web.headers import one_of_each, security_headers

Client = TestClient[web.Request, web.Application]
AiohttpClient = Callable[..., Awaitable[Client]]


@pytest.fixture
async def client(aiohttp_client: AiohttpClient) -> Client:
    async def hello(_request: web.Request) -> web.Response:
        return web.Response(text="hello")

    app = web.Application(middlewares=[security_headers, one_of_each])
    app.router.add_route("*", "/", hello)
    return await aiohttp_client(app)


async def status_of(client: Client, *lines: str) -> int:
    """Of a request that is written as it stands."""
    reader, writer = await asyncio.open_connection(client.host, client.port)
    head = ("POST / HTTP/1.1", "Connection: close", *lines)
    writer.write("\r\n".join((*head, "", "")).encode())
    answer = await reader.read()
    writer.close()
    return int(answer.split()[1])


HOST, LENGTH = "Host: call.clinic.example", "Content-Length: 0"


@pytest.mark.parametrize(
    "twin",
    [
        HOST,
        LENGTH,
        "Content-Type: text/plain",
        "Authorization: Bearer x",
        "Origin: https://call.clinic.example",
        "Cookie: __Host-session=x",
    ],
)
async def test_what_a_request_says_twice_is_refused(client: Client, twin: str) -> None:
    rest = [line for line in (HOST, LENGTH) if line != twin]
    assert await status_of(client, *rest, twin) == 200
    assert await status_of(client, *rest, twin, twin) == 400


async def test_two_sessions_in_one_cookie_line_are_refused(client: Client) -> None:
    one, two = "Cookie: a=1; a=2; __Host-session=x", "; __Host-session=y"
    assert await status_of(client, HOST, LENGTH, one) == 200
    assert await status_of(client, HOST, LENGTH, one + two) == 400
