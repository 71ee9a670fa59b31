"""Which origins are ours, over sockets with and without a port."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession, UnixConnector, web

from clinic_api.http.origin import OWN, Origin, Own, is_own_page, parse_origin


@pytest.fixture
async def behind(tmp_path: Path) -> AsyncIterator[ClientSession]:
    """A server that is asked over a socket without a port, as behind our own TLS."""

    async def asked(request: web.Request) -> web.Response:
        return web.Response(text=str(is_own_page(request)))

    app = web.Application()
    app[OWN] = Own("https://call.example:8443", lambda: frozenset({"clinic.local", "10.0.0.7"}))
    app.router.add_post("/", asked)
    runner, path = web.AppRunner(app), str(tmp_path / "front.sock")
    await runner.setup()
    await web.UnixSite(runner, path).start()
    async with ClientSession(connector=UnixConnector(path)) as session:
        yield session
    await runner.cleanup()


@pytest.mark.parametrize(
    ("origin", "own"),
    [
        ("https://call.example:8443", "True"),
        ("https://clinic.local:8443", "True"),
        ("https://10.0.0.7:8443", "True"),
        ("https://clinic.local", "False"),
        ("http://clinic.local:8443", "False"),
        ("https://evil.example:8443", "False"),
    ],
)
async def test_where_the_socket_has_no_port_names_count_at_the_public_one(
    behind: ClientSession, origin: str, own: str
) -> None:
    answer = await behind.post("http://evil.example:8443/", headers={"Origin": origin})
    assert await answer.text() == own


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://A.example", Origin("https", "a.example", 443)),
        ("https://a.example:443", Origin("https", "a.example", 443)),
        ("http://[::1]:8080", Origin("http", "::1", 8080)),
        *((text, None) for text in ("null", "", "https://", "https://a/", "https://b@a", "ws://a")),
        *((text, None) for text in ("https://a:99999", "https://[::1", "https://a?b", "//a")),
    ],
)
def test_an_origin_is_scheme_host_and_port_and_nothing_more(
    text: str, origin: Origin | None
) -> None:
    assert parse_origin(text) == origin
