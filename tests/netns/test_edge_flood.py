"""Ten thousand connections that say nothing or too little cost the edge little, and not long."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
import ssl
import time

import aiohttp
import psutil
import pytest

from tests.e2e.conftest import StartServer
from tests.e2e.poll import until
from tests.netns.conftest import Figure

CONNECTIONS = 10_000
SOURCES = 40  # addresses of the attacker, each good for 500 connections
BEGINNINGS = (
    b"",  # slowloris: nothing
    b"\x16\x03\x01\x02\x00\x01" + bytes(100),  # half a client hello
    b"\x00\x14\x00\x01" + bytes(4) + b"\x21\x12\xa4\x42",  # half a frame of ICE-TCP
    b"\x00\x03\x00\x00\x21\x12\xa4\x42" + bytes(12),  # TURN without a credential
)
GROWTH_BYTES = 64 << 20
LEFT_BYTES = 24 << 20
OVER_WITHIN_S = 20.0


@pytest.mark.prove
async def test_ten_thousand_idle_connections_are_bounded_and_over_soon(
    start_server: StartServer, figure: Figure
) -> None:
    server = await start_server(host="127.0.0.1")
    edge = psutil.Process(server.ready.pids["edge"])
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    before = edge.memory_info().rss
    held = [await _knock(number, server.ready.port) for number in range(CONNECTIONS)]
    grown = edge.memory_info().rss - before
    figure("edge's memory before, growth in MB", (before / 1e6, grown / 1e6))
    assert grown < GROWTH_BYTES

    async def is_over() -> bool:
        return len(edge.net_connections("tcp")) <= 5

    begun = time.monotonic()
    await until(is_over, OVER_WITHIN_S, "the edge has given all of them up")
    figure("over after s", round(time.monotonic() - begun, 1))
    for sock in held:
        sock.close()
    assert edge.memory_info().rss - before < LEFT_BYTES
    trust = ssl.create_default_context(cafile=str(server.data / "tls" / "ca.pem"))
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{server.ready.url}/healthz", ssl=trust) as page,
    ):
        assert page.status == 200


async def _knock(number: int, port: int) -> socket.socket:
    sock = socket.socket()
    sock.setblocking(False)
    sock.bind((f"127.0.1.{number % SOURCES + 1}", 0))
    loop = asyncio.get_running_loop()
    await loop.sock_connect(sock, ("127.0.0.1", port))
    with contextlib.suppress(ConnectionError):  # refused already
        await loop.sock_sendall(sock, BEGINNINGS[number % len(BEGINNINGS)])
    return sock
