"""Floods of hostile datagrams beside a call whose every packet is counted."""

from __future__ import annotations

import asyncio
import random
import re
import ssl
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import aiohttp
import pytest
import pytest_asyncio

from telemed_media.admission import MAX_PER_NETWORK
from tests.e2e import server as server_process
from tests.e2e.browsers.fakes import BLUE, GREEN, Camera
from tests.e2e.conftest import OpenPage
from tests.e2e.flood import Flood
from tests.e2e.lean import SteadyCall, steady_call
from tests.e2e.meeting import meet, more_arrives
from tests.e2e.participant import Participant
from tests.e2e.server import Server
from tests.e2e.test_fuzz import bugs_in
from tests.netns.namespace import FIRST_ADDRESS, SECOND_ADDRESS

PER_S = 20_000
FLOOD_S = 2.0
LOST_SHARE = 0.003  # promised: 0.001

pytestmark = pytest.mark.slow


Running = tuple[Server, SteadyCall]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """One call for all floods: each has to leave it as it was."""
    server = await server_process.start(tmp_path_factory.mktemp("server"))
    async with steady_call(server) as call:
        yield server, call
    await server.stop()


async def counters(server: Server) -> dict[str, int]:
    """The worker's counters by their name in sfu/core/counters.py."""
    trust = ssl._create_unverified_context()

    def fetch() -> str:
        with urllib.request.urlopen(f"{server.ready.url}/metrics", context=trust) as answer:
            return str(answer.read().decode())

    text = await asyncio.to_thread(fetch)
    return {
        name: int(float(value))
        for name, value in re.findall(r"^telemed_media_(\w+?)_total ([\d.e+]+)$", text, re.M)
    }


def noise(first: int, size: int) -> list[bytes]:
    chance = random.Random(1)
    return [bytes([first]) + chance.randbytes(size - 1) for _ in range(64)]


def srtp_noise(call: SteadyCall) -> list[bytes]:
    """With the header that the next packet would have: authentication has to tell."""
    return [call.speaker.sealed[-1][:12] + tail[12:] for tail in noise(0x80, 600)]


def strange_srtp(_call: SteadyCall) -> list[bytes]:
    return noise(0x80, 600)


def srtcp_noise(_call: SteadyCall) -> list[bytes]:
    return [b"\x80\xc9" + tail[2:] for tail in noise(0x80, 80)]


def strange_checks(call: SteadyCall) -> list[bytes]:
    user = f"{call.speaker.remote_ufrag}:".encode()
    return [call.speaker.check().replace(user, bytes(len(user) - 1) + b":")]


def forged_checks(call: SteadyCall) -> list[bytes]:
    return [call.speaker.check(password="guess") for _ in range(64)]


def recorded_checks(call: SteadyCall) -> list[bytes]:
    return [call.speaker.check()]


def recorded_media(call: SteadyCall) -> list[bytes]:
    return call.speaker.sealed


def dtls_records(_call: SteadyCall) -> list[bytes]:
    return [b"\x17\xfe\xfd\x00\x01" + tail[5:] for tail in noise(0x17, 100)]


@pytest.mark.parametrize(
    ("make", "spoofed", "counter"),
    [
        (strange_srtp, False, "dropped_media"),
        (strange_checks, False, "dropped_stun"),
        (forged_checks, False, "dropped_stun"),
        (recorded_checks, False, "dropped_checks"),
        (srtp_noise, True, "dropped_srtp"),
        (strange_srtp, True, "dropped_srtp"),
        (srtcp_noise, True, "dropped_srtp"),
        (recorded_media, True, "dropped_srtp"),
        (forged_checks, True, "dropped_stun"),
        (recorded_checks, True, "dropped_checks"),
        (dtls_records, True, "dropped_dtls_rate"),
    ],
)
async def test_a_call_loses_nothing_in_a_flood_of(
    running: Running, make: Callable[[SteadyCall], list[bytes]], spoofed: bool, counter: str
) -> None:
    server, call = running
    source = call.speaker.address if spoofed else None
    before = await counters(server)
    with Flood(server.ready.port, make(call), PER_S, source) as flood:
        sent, lost = await call.lost_during(FLOOD_S)
    dropped = (await counters(server))[counter] - before[counter]
    assert flood.sent >= 0.9 * PER_S * FLOOD_S
    assert lost <= LOST_SHARE * sent, (lost, sent)
    assert dropped >= 0.9 * flood.sent
    assert call.listener.undecryptable == 0


async def test_browsers_see_and_hear_each_other_in_a_flood(
    server: Server, open_chromium: OpenPage
) -> None:
    bob = Participant("Bob", await open_chromium(Camera(BLUE)))
    alice = Participant("Alice", await open_chromium(Camera(GREEN)))
    await meet(server, bob, alice)
    await more_arrives(alice)
    mixed = [data for first in (0, 1, 22, 128, 129, 255) for data in noise(first, 300)]
    with Flood(server.ready.port, mixed, PER_S):
        for person in (bob, alice):
            await more_arrives(person)
            assert await person.state() == "call"


async def test_a_stranger_with_ten_thousand_connections_does_not_shut_others_out(
    server: Server,
) -> None:
    held: list[asyncio.StreamWriter] = []
    refused = 0
    try:
        for _ in range(10_000):
            reader, writer = await asyncio.open_connection(FIRST_ADDRESS, server.ready.port)
            if len(held) < MAX_PER_NETWORK:
                held.append(writer)
                continue
            with suppress(ConnectionResetError):
                assert await reader.read() == b""
            refused += 1
            writer.close()
        assert refused == 10_000 - MAX_PER_NETWORK
        assert await _page_from(SECOND_ADDRESS, server) == 200
    finally:
        for writer in held:
            writer.transport.abort()
    assert bugs_in(server) == []


async def _page_from(address: str, server: Server) -> int:
    """The status of the landing page for somebody at another address."""
    connector = aiohttp.TCPConnector(local_addr=(address, 0))
    async with (
        aiohttp.ClientSession(connector=connector) as client,
        client.get(f"{server.ready.url}/", ssl=False) as response,
    ):
        return response.status
