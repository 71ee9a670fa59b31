"""Calls where UDP does not pass: media goes by the server's one TCP port."""

from __future__ import annotations

import os
import signal

from tests.e2e.browsers.fakes import BLUE, GREEN, Camera
from tests.e2e.conftest import OpenPage, StartServer
from tests.e2e.meeting import meet, see_each_other
from tests.e2e.participant import STEP_WITHIN_S, Participant
from tests.e2e.poll import until
from tests.e2e.server import Server
from tests.netns.loss import unreachable
from tests.netns.namespace import FIRST_ADDRESS
from tests.netns.visits import Way, way

ONLY_RELAYS = """
const Native = RTCPeerConnection;
window.RTCPeerConnection = class extends Native {
  constructor(given) {
    super({...given, iceTransportPolicy: "relay"});
  }
};
"""
ALICE = Camera(GREEN, tone_hz=440)
BOB = Camera(BLUE, tone_hz=660)


async def comes_again(person: Participant) -> None:
    """Wait for a second of picture and sound; a new connection counts from zero."""
    before = await person.flow()

    async def more() -> bool:
        nonlocal before
        now = await person.flow()
        if now.frames < before.frames or now.audio_packets < before.audio_packets:
            before = now
        return now.frames >= before.frames + 15 and now.audio_packets >= before.audio_packets + 50

    await until(more, STEP_WITHIN_S, f"{person.name}: picture and sound again")


async def test_people_whose_firewalls_block_udp_meet_by_ice_tcp_and_again_when_the_edge_died(
    server: Server, open_chromium: OpenPage
) -> None:
    bob = Participant("Bob", await open_chromium(BOB))
    alice = Participant("Alice", await open_chromium(ALICE))
    with unreachable(FIRST_ADDRESS, server.ready.port):
        await meet(server, bob, alice)
        await see_each_other(bob, alice, BLUE.name, GREEN.name)
        for person in (bob, alice):
            assert (await way(person)).protocol == "tcp"
        os.kill(server.ready.pids["edge"], signal.SIGKILL)
        await comes_again(bob)
        await comes_again(alice)


async def test_people_whose_networks_let_only_tls_pass_meet_by_turn_in_both_browsers(
    start_server: StartServer, open_chromium: OpenPage, open_firefox: OpenPage
) -> None:
    server = await start_server("--port", "8443", "--public-url", "https://clinic.test:8443")
    bob = Participant("Bob", await open_chromium(BOB))
    alice = Participant("Alice", await open_firefox(ALICE))
    for person in (bob, alice):
        await person.page.prepare(ONLY_RELAYS)
    with unreachable(FIRST_ADDRESS, server.ready.port):
        await meet(server, bob, alice)
        await see_each_other(bob, alice, BLUE.name, GREEN.name)
    for person in (bob, alice):
        assert await way(person) == Way("relay", "udp", "tls"), person.name
