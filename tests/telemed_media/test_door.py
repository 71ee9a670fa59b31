"""The front's door with real sockets and TLS, behind a listener that hands everything over."""

from __future__ import annotations

import asyncio
import gc
import ssl
import time
from asyncio import sslproto
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from certs.local_ca import ensure_local_pair
from certs.serving import server_context
from telemed_media import admission, door, patience
from telemed_media.admission import Admission
from telemed_media.descriptors import raise_file_limit
from telemed_media.door import Door
from telemed_media.failures import answer_failures, is_ours
from telemed_media.handover import Arrivals, Passage, handover_pair
from telemed_media.sockets import _listen

HOST = "127.0.0.1"
WITHIN_S = 5.0


class Entrance:
    """A door with one page behind it, and clients that know its address."""

    def __init__(self, doorway: Door, counted: Admission, port: int, trust: ssl.SSLContext) -> None:
        self.door, self.admission = doorway, counted
        self._port, self._trust = port, trust

    async def plain(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(HOST, self._port)

    async def secure(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(HOST, self._port, ssl=self._trust)

    async def empties(self) -> None:
        async with asyncio.timeout(WITHIN_S):
            while self.admission.held:
                await asyncio.sleep(0.01)


@pytest.fixture
async def entrance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Entrance]:
    monkeypatch.setattr(admission, "MAX_PER_NETWORK", 5)
    monkeypatch.setattr(door, "HANDSHAKE_S", 0.3)
    monkeypatch.setattr(patience, "REQUEST_S", 0.3)

    async def echo(request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    app = web.Application(middlewares=[answer_failures, patience.limit_time])
    app.router.add_post("/", echo)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, keepalive_timeout=0.3)
    await runner.setup()
    assert runner.server is not None
    tls = server_context(ensure_local_pair(tmp_path, (), time.time()))
    trust = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    counted = Admission((), 1000)
    listening = _listen(HOST, 0)
    ours, theirs = handover_pair()
    passage = Passage(ours)
    loop = asyncio.get_running_loop()
    loop.add_reader(listening, lambda: passage.take_tls(listening.accept()[0]))
    doorway = Door(Arrivals(theirs), runner.server, tls, counted)
    doorway.open()
    yield Entrance(doorway, counted, listening.getsockname()[1], trust)
    loop.remove_reader(listening)
    listening.close()
    passage.close()
    ours.close()
    await doorway.close()
    await runner.cleanup()


async def answer(reader: asyncio.StreamReader) -> bytes:
    """What comes until the server closes."""
    async with asyncio.timeout(WITHIN_S):
        return await reader.read()


async def test_a_request_is_answered_and_the_place_is_free_afterwards(entrance: Entrance) -> None:
    reader, writer = await entrance.secure()
    writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")
    assert (await answer(reader)).endswith(b"hi")
    writer.close()
    await entrance.empties()


async def test_connections_over_the_limit_are_closed_unread(entrance: Entrance) -> None:
    held = [await entrance.secure() for _ in range(5)]
    for _ in range(20):
        reader, writer = await entrance.plain()
        assert await answer(reader) == b""
        writer.close()
    assert entrance.admission.refused == 20
    for _, writer in held:
        writer.close()
    await entrance.empties()
    reader, writer = await entrance.secure()
    writer.close()


async def test_who_never_shakes_hands_is_hung_up_on(entrance: Entrance) -> None:
    reader, writer = await entrance.plain()
    assert await answer(reader) == b""
    await entrance.empties()
    writer.close()


async def test_what_is_no_tls_is_hung_up_on(entrance: Entrance) -> None:
    reader, writer = await entrance.plain()
    writer.write(b"GET / HTTP/1.1\r\n\r\n" * 50)
    await answer(reader)
    await entrance.empties()
    writer.close()


@pytest.mark.parametrize("beginning", [b"", b"POST / HTTP/1.1\r\nHost: x\r\n"])
async def test_headers_that_do_not_end_are_hung_up_on(entrance: Entrance, beginning: bytes) -> None:
    reader, writer = await entrance.secure()
    writer.write(beginning)
    assert await answer(reader) == b""
    writer.close()
    await entrance.empties()


async def test_a_body_that_does_not_end_is_answered_408(entrance: Entrance) -> None:
    reader, writer = await entrance.secure()
    writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\nslow")
    async with asyncio.timeout(WITHIN_S):
        assert await reader.readline() == b"HTTP/1.1 408 Request Timeout\r\n"
    writer.close()
    await entrance.empties()


async def test_a_client_that_goes_away_in_the_middle_leaves_no_line_in_the_log(
    entrance: Entrance, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    for body in (b"part", b"zz\r\n"):
        _, writer = await entrance.secure()
        kind = b"Transfer-Encoding: chunked" if body[0] == 122 else b"Content-Length: 2000"
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\n" + kind + b"\r\n\r\n" + body)
        await writer.drain()
        writer.transport.abort()
    await entrance.empties()
    assert [each for each in caplog.records if each.levelname != "DEBUG" and is_ours(each)] == []
    assert "request_failed" not in capsys.readouterr().out


async def test_closing_the_door_gives_up_handshakes(entrance: Entrance) -> None:
    reader, writer = await entrance.plain()
    async with asyncio.timeout(WITHIN_S):
        while not entrance.admission.held:
            await asyncio.sleep(0.01)
    await entrance.door.close()
    assert await answer(reader) == b""
    await entrance.empties()
    writer.close()


def test_the_process_may_open_as_many_files_as_the_system_lets_it() -> None:
    assert raise_file_limit() >= 1024


async def test_a_connection_holds_a_small_buffer(entrance: Entrance) -> None:
    """asyncio's own 256 KiB would make the limit on connections a limit of 1.1 GB (measured)."""
    _, writer = await entrance.secure()
    held = [each for each in gc.get_objects() if isinstance(each, sslproto.SSLProtocol)]
    assert held
    assert {len(each._ssl_buffer) for each in held} == {door.TLS_BUFFER_BYTES}  # type: ignore[attr-defined]
    writer.close()
