"""What a stranger, a recorder of packets and a hostile participant cannot do to a connection."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator

import pytest
from aioice import stun as oracle

from sfu import api
from sfu.core.limits import CHECKS, DTLS, JOINS, SENDS_OF_A_CHECK, UNFINISHED
from sfu.shell.dtls import Certificate, Dtls, DtlsError
from sfu.shell.srtp import Srtp
from tests.netns.namespace import FIRST_ADDRESS
from tests.sfu.shell.callers import Caller, until
from tests.sfu.shell.test_dtls import RTP, Side
from tests.sfu.shell.test_worker import Scene


@pytest.fixture(name="room")
async def open_room() -> AsyncIterator[Scene]:
    found = Scene()
    await found.worker.carry_out(api.OpenRoom("room", max_peers=4))
    yield found
    await found.worker.close()


@pytest.fixture(name="bob")
async def connected_bob(room: Scene) -> AsyncIterator[Caller]:
    bob = Caller("bob", sends=True, takes=False)
    await bob.join(room.worker)
    await until(lambda: room.connected() == {"bob"})
    yield bob
    await bob.pc.close()


@pytest.fixture
def stranger(room: Scene) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as found:
        found.bind((FIRST_ADDRESS, 0))
        found.connect((FIRST_ADDRESS, room.port))
        found.setblocking(False)
        yield found


def check_of(room: Scene, *, password: str | None = None) -> bytes:
    """A fresh binding request to Bob's connection, as his client or a forger would sign it."""
    ice = vars(room.worker)["_peers"]["bob"].ice
    message = oracle.Message(oracle.Method.BINDING, oracle.Class.REQUEST)
    message.attributes["USERNAME"] = f"{ice.local.ufrag}:bob"
    message.add_message_integrity((password or ice.local.password).encode())
    return bytes(message)


def unread(sock: socket.socket) -> list[bytes]:
    found: list[bytes] = []
    try:
        while True:
            found.append(sock.recv(2048))
    except BlockingIOError:
        return found


async def grows_to(room: Scene, name: str, count: int) -> dict[str, int]:
    """The counters, once that of this name is `count`."""
    async with asyncio.timeout(8):
        while (found := await room.counters())[name] < count:
            await asyncio.sleep(0.01)
    return found


async def sends_on(room: Scene) -> None:
    before = (await room.counters())["packets_in"]
    await grows_to(room, "packets_in", before + 20)
    assert room.told(api.PeerLost) == []


async def test_a_forged_check_gets_no_answer(
    room: Scene, bob: Caller, stranger: socket.socket
) -> None:
    for _ in range(50):
        stranger.send(check_of(room, password="guess"))
    await grows_to(room, "dropped_stun", 50)
    assert unread(stranger) == []
    assert stranger.getsockname() not in room.addresses()
    await sends_on(room)


async def test_a_recorded_check_is_answered_a_few_times_only(
    room: Scene, bob: Caller, stranger: socket.socket
) -> None:
    recorded = check_of(room)
    for _ in range(100):
        stranger.send(recorded)
    await grows_to(room, "dropped_checks", 100 - SENDS_OF_A_CHECK)
    assert len(unread(stranger)) == SENDS_OF_A_CHECK
    await sends_on(room)


async def test_a_participant_who_floods_checks_is_answered_at_the_rate(
    room: Scene, bob: Caller, stranger: socket.socket
) -> None:
    count = int(3 * CHECKS.burst)
    for number in range(count):
        stranger.send(check_of(room))
        if number % 50 == 0:
            await asyncio.sleep(0)
    found = await grows_to(room, "dropped_checks", 100)
    assert found["dropped_stun"] == 0
    assert len(unread(stranger)) < count - 50


async def test_a_second_client_hello_does_not_reset_a_running_connection(
    room: Scene, bob: Caller
) -> None:
    for _ in range(3):
        await bob.send_raw(await _client_hello())
    await sends_on(room)


async def test_dtls_over_the_limit_is_dropped_and_media_flows(room: Scene, bob: Caller) -> None:
    hello = await _client_hello()
    for _ in range(int(3 * DTLS.burst)):
        await bob.send_raw(hello)
    await grows_to(room, "dropped_dtls_rate", int(DTLS.burst))
    await sends_on(room)


async def test_a_replayed_packet_is_dropped_and_counted(room: Scene, bob: Caller) -> None:
    sender = bob.pc.getTransceivers()[0].receiver.transport._tx_srtp
    assert sender is not None
    packet = b"\x80\x60\x00\x01" + bytes(4) + b"\x00\x00\x00\x07" + bytes(40)
    report = b"\x80\xc9\x00\x01\x00\x00\x00\x07"
    for sealed in (sender.protect(packet), sender.protect_rtcp(report)):
        before = (await room.counters())["dropped_srtp"]
        for _ in range(10):
            await bob.send_raw(sealed)
        found = await grows_to(room, "dropped_srtp", before + 9)
        assert found["dropped_srtp"] == before + 9
    await sends_on(room)


async def test_a_room_takes_so_many_new_connections_at_once(room: Scene) -> None:
    info = room.worker.info
    bob = Caller("bob", sends=True, takes=False)
    command = await bob.connection(info)
    replies = []
    for _ in range(int(JOINS.burst) + 1):
        replies.append(await room.worker.carry_out(command))
        await room.worker.carry_out(api.ClosePeer("bob"))
    await bob.pc.close()
    assert replies[:-1] == [api.Done()] * int(JOINS.burst)
    assert isinstance(replies[-1], api.Refused)
    assert replies[-1].code == "media_unavailable"
    assert (await room.counters())["refused_joins"] == 1


async def test_a_worker_holds_so_many_half_open_connections(room: Scene) -> None:
    bob = Caller("bob", sends=True, takes=False)
    connection = (await bob.connection(room.worker.info)).connection
    replies = []
    for number in range(UNFINISHED + 1):
        await room.worker.carry_out(api.OpenRoom(f"room{number}"))
        command = api.ConnectPeer(f"room{number}", f"peer{number}", connection)
        replies.append(await room.worker.carry_out(command))
    await bob.pc.close()
    assert replies[:-1] == [api.Done()] * UNFINISHED
    assert isinstance(replies[-1], api.Refused)


async def test_of_two_racing_client_hellos_one_loses() -> None:
    bob, server = Side("client"), Side("server")
    bob.other, server.other = server, bob
    bobs = asyncio.create_task(bob.handshake())
    ours = asyncio.create_task(server.handshake())
    while not bob.sent:
        await asyncio.sleep(0)
    server.dtls.receive(await _client_hello())
    here, there = await asyncio.gather(ours, bobs)
    assert here.unprotect(there.protect(RTP)) == RTP
    await bob.dtls.close()
    await server.dtls.close()


async def test_an_intruder_who_is_first_gets_no_keys() -> None:
    bob, charlie, server = Side("client"), Side("client"), Side("server")
    charlie.other, server.other, bob.other = server, charlie, server
    theirs = asyncio.create_task(charlie.handshake())
    while not charlie.sent:
        await asyncio.sleep(0)
    outcome: Srtp | BaseException
    (outcome,) = await asyncio.gather(
        server.dtls.handshake([bob.certificate.fingerprint]), return_exceptions=True
    )
    assert isinstance(outcome, DtlsError)
    assert outcome.reason == "fingerprint"
    theirs.cancel()
    await asyncio.gather(theirs, return_exceptions=True)
    for side in (bob, charlie, server):
        await side.dtls.close()


async def _client_hello() -> bytes:
    sent: list[bytes] = []
    side = Dtls(Certificate(), "client", sent.append)
    shaking = asyncio.create_task(side.handshake([Certificate().fingerprint]))
    while not sent:
        await asyncio.sleep(0)
    shaking.cancel()
    await asyncio.gather(shaking, return_exceptions=True)
    await side.close()
    return sent[0]
