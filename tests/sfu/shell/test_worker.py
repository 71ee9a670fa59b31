"""A worker with real sockets, and aiortc's own peer connections as its clients."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import av
import pytest
from aioice import stun

from sfu import api
from sfu.core.description import Connection, Fingerprint
from sfu.core.forwarder import actions, cycle
from sfu.core.overload import STEPS
from sfu.shell.executor import Executor, Transport
from sfu.shell.peer import Peer
from sfu.shell.udp import Address
from sfu.shell.worker import MediaWorker
from tests.netns.namespace import FIRST_ADDRESS, SECOND_ADDRESS
from tests.sfu.shell.callers import Caller, free_port, of_a_client, until


class Scene:
    """A worker with one open room, and what it told."""

    def __init__(self) -> None:
        self.events: list[api.AnyEvent] = []
        self.port = free_port()
        self.worker = MediaWorker([FIRST_ADDRESS], [FIRST_ADDRESS], self.port, self.events.append)

    async def counters(self) -> dict[str, int]:
        stats = await self.worker.carry_out(api.GetStats())
        assert isinstance(stats, api.Stats)
        return stats.counters

    def told(self, kind: type[api.AnyEvent]) -> list[api.AnyEvent]:
        return [event for event in self.events if isinstance(event, kind)]

    def addresses(self) -> dict[Address, Peer]:
        """Whose each validated remote address is."""
        endpoints = vars(vars(self.worker)["_datagrams"])["_endpoints"]
        return {address: peer for each in endpoints for address, peer in each.peers.items()}

    def connected(self) -> set[str]:
        return {e.peer for e in self.events if isinstance(e, api.PeerConnected)}


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    before = asyncio.all_tasks()
    found = Scene()
    await found.worker.carry_out(api.OpenRoom("room", max_peers=4))
    yield found
    await found.worker.close()
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    assert [task for task in left if not of_a_client(task)] == [], "no task survives"


@pytest.fixture
async def callers() -> AsyncIterator[list[Caller]]:
    found: list[Caller] = []
    yield found
    for caller in found:
        await caller.pc.close()


async def test_picture_and_sound_come_from_the_publisher_to_the_subscriber(
    scene: Scene, callers: list[Caller]
) -> None:
    bob, alice = Caller("bob", sends=True, takes=False), Caller("alice", sends=False, takes=True)
    callers += [bob, alice]
    await alice.join(scene.worker)
    await bob.join(scene.worker)
    await until(lambda: scene.connected() == {"alice", "bob"})
    pictures = await alice.receive("video", 5)
    sounds = await alice.receive("audio", 10)
    assert isinstance(pictures[0], av.VideoFrame)
    assert (pictures[0].width, pictures[0].height) == (64, 48)
    assert len(sounds) == 10
    assert len(scene.told(api.SlotSwitched)) == 1
    counters = await scene.counters()
    assert counters["packets_out"] >= 15
    for name in ("srtp", "malformed", "unbound", "rate"):
        assert counters[f"dropped_{name}"] == 0, name


async def test_quality_says_by_what_a_peers_packets_come(
    scene: Scene, callers: list[Caller]
) -> None:
    bob = Caller("bob", sends=True, takes=False)
    callers.append(bob)
    await bob.join(scene.worker)
    await until(lambda: scene.connected() == {"bob"})
    cycle.measure(vars(scene.worker)["_forwarder"].state, 0.0)
    vars(scene.worker)["_executor"].drain()
    told = [event for event in scene.events if isinstance(event, api.Quality)]
    assert (told[-1].peer, told[-1].way, told[-1].moved) == ("bob", "udp", False)


async def test_a_closed_peer_gets_a_goodbye(scene: Scene, callers: list[Caller]) -> None:
    bob = Caller("bob", sends=True, takes=False)
    callers.append(bob)
    await bob.join(scene.worker)
    await until(lambda: scene.connected() == {"bob"})
    await scene.worker.carry_out(api.ClosePeer("bob"))
    await until(lambda: bob.pc.connectionState == "closed")
    assert scene.told(api.PeerLost) == [], "who was closed is not lost"
    assert scene.addresses() == {}


async def test_a_peer_that_says_goodbye_is_lost_at_once(
    scene: Scene, callers: list[Caller]
) -> None:
    bob = Caller("bob", sends=True, takes=False)
    await bob.join(scene.worker)
    await until(lambda: scene.connected() == {"bob"})
    await bob.pc.close()
    await until(lambda: scene.told(api.PeerLost) == [api.PeerLost("room", "bob", "closed")])
    assert await scene.worker.carry_out(api.GetPeers()) == api.Peers(())


async def test_a_certificate_other_than_announced_ends_the_connection(
    scene: Scene, callers: list[Caller]
) -> None:
    bob = Caller("bob", sends=True, takes=False)
    callers.append(bob)
    command = await bob.connection(scene.worker.info)
    other = (Fingerprint("sha-256", ":".join(["AB"] * 32)),)
    fields = {name: getattr(command.connection, name) for name in Connection.__struct_fields__}
    forged = Connection(**{**fields, "fingerprints": other})
    await scene.worker.carry_out(api.ConnectPeer("room", "bob", forged))
    await until(lambda: scene.told(api.PeerLost) == [api.PeerLost("room", "bob", "fingerprint")])
    assert (await scene.counters())["fingerprint_mismatches"] == 1


async def test_closing_the_room_in_the_middle_of_a_handshake_leaves_nothing(
    scene: Scene, callers: list[Caller]
) -> None:
    bob = Caller("bob", sends=True, takes=True)
    callers.append(bob)
    await bob.join(scene.worker)
    await until(lambda: bob.pc.iceConnectionState in ("checking", "completed"))
    await scene.worker.carry_out(api.CloseRoom("room"))
    assert await scene.worker.carry_out(api.GetPeers()) == api.Peers(())
    assert vars(scene.worker)["_datagrams"].by_ufrag == {}
    assert scene.connected() == set()


async def test_the_same_description_twice_keeps_the_connection(
    scene: Scene, callers: list[Caller]
) -> None:
    bob = Caller("bob", sends=True, takes=False)
    callers.append(bob)
    command = await bob.connection(scene.worker.info)
    for _ in range(2):
        assert await scene.worker.carry_out(command) == api.Done()
    await until(lambda: scene.connected() == {"bob"})
    assert await scene.worker.carry_out(command) == api.Done()
    assert await scene.worker.carry_out(api.GetPeers()) == api.Peers((("room", "bob", True),))
    assert len(scene.told(api.PeerConnected)) == 1


async def test_another_certificate_replaces_the_connection(
    scene: Scene, callers: list[Caller]
) -> None:
    first, second = (Caller("bob", sends=True, takes=False) for _ in range(2))
    callers += [first, second]
    await first.join(scene.worker)
    await until(lambda: len(scene.told(api.PeerConnected)) == 1)
    await second.join(scene.worker)
    await until(lambda: len(scene.told(api.PeerConnected)) == 2)
    await until(lambda: first.pc.connectionState == "closed")
    assert await scene.worker.carry_out(api.GetPeers()) == api.Peers((("room", "bob", True),))


async def test_a_peer_is_refused_where_its_room_is_not_open(
    scene: Scene, callers: list[Caller]
) -> None:
    bob = Caller("bob", sends=True, takes=False)
    callers.append(bob)
    command = await bob.connection(scene.worker.info)
    refused = await scene.worker.carry_out(api.ConnectPeer("other", "bob", command.connection))
    assert isinstance(refused, api.Refused)
    assert refused.code == "unknown_room"
    assert await scene.worker.carry_out(api.GetPeers()) == api.Peers(())


async def test_a_strangers_datagrams_are_counted_and_answered_by_nothing(scene: Scene) -> None:
    check = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    check.attributes["USERNAME"] = "nobody:stranger"
    check.add_message_integrity(b"guess")
    datagrams = {
        "dropped_stun": bytes(check),
        "dropped_dtls": b"\x16\xfe\xfd" + bytes(40),
        "dropped_media": b"\x80\x60" + bytes(40),
        "dropped_datagram": b"\x50hello",
    }
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind((FIRST_ADDRESS, 0))
        stranger.setblocking(False)
        for data in datagrams.values():
            stranger.sendto(data, (FIRST_ADDRESS, scene.port))
        stranger.sendto(b"", (FIRST_ADDRESS, scene.port))
        await asyncio.sleep(0.05)
        counters = await scene.counters()
        assert {name: counters[name] for name in datagrams} == dict.fromkeys(datagrams, 1)
        with pytest.raises(BlockingIOError):
            stranger.recv(100)


async def test_no_key_is_tried_for_a_check_of_an_unknown_user(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(self: object, data: bytes, password: str) -> None:
        raise AssertionError("an HMAC for a stranger")

    monkeypatch.setattr("sfu.shell.stun.Request.__init__", never)
    check = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    check.attributes["USERNAME"] = "nobody:stranger"
    check.add_message_integrity(b"guess")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind((FIRST_ADDRESS, 0))
        for _ in range(20):
            stranger.sendto(bytes(check), (FIRST_ADDRESS, scene.port))
        await asyncio.sleep(0.05)
    assert (await scene.counters())["dropped_stun"] == 20


async def test_a_check_from_anothers_address_does_not_take_that_address_over(
    scene: Scene, callers: list[Caller]
) -> None:
    """Charlie has a connection of his own and can forge sender addresses."""
    bob = Caller("bob", sends=True, takes=False)
    charlie = Caller("charlie", sends=False, takes=True)
    callers += [bob, charlie]
    await bob.join(scene.worker)
    await until(lambda: scene.connected() == {"bob"})
    command = await charlie.connection(scene.worker.info)
    await scene.worker.carry_out(command)
    datagrams = vars(scene.worker)["_datagrams"]
    (endpoint,) = vars(datagrams)["_endpoints"]
    (address,) = [a for a, peer in endpoint.peers.items() if peer.id == "bob"]
    forged = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    forged.attributes["USERNAME"] = f"{command.connection.local_ufrag}:x"
    forged.attributes["USE-CANDIDATE"] = None
    forged.add_message_integrity(command.connection.local_password.encode())
    datagrams._receive(endpoint, address, bytes(forged), 0.0)
    assert endpoint.peers[address].id == "bob"


async def test_one_datagram_that_meets_a_bug_does_not_stop_the_others(
    scene: Scene, callers: list[Caller], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("bug")

    monkeypatch.setattr("sfu.shell.datagrams.stun.peek_user", broken)
    monkeypatch.setattr("sfu.shell.executor.Executor.handle_timeout", broken)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind((FIRST_ADDRESS, 0))
        stranger.sendto(bytes(20), (FIRST_ADDRESS, scene.port))
        stranger.sendto(b"\x50", (FIRST_ADDRESS, scene.port))
        await asyncio.sleep(0.05)
    monkeypatch.undo()
    bob = Caller("bob", sends=True, takes=False)
    callers.append(bob)
    await bob.join(scene.worker)
    await until(lambda: scene.connected() == {"bob"})
    assert (await scene.counters())["dropped_datagram"] == 1


async def test_a_peer_that_never_comes_is_lost(
    scene: Scene, callers: list[Caller], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sfu.shell.peer.FIRST_CHECK_S", 0.0)
    bob = Caller("bob", sends=True, takes=False)
    callers.append(bob)
    command = await bob.connection(scene.worker.info)
    await bob.pc.close()
    await scene.worker.carry_out(command)
    await until(lambda: scene.told(api.PeerLost) == [api.PeerLost("room", "bob", "path")])


async def test_an_ice_restart_keeps_the_connection_and_ends_the_old_key(
    scene: Scene, callers: list[Caller]
) -> None:
    bob = Caller("bob", sends=True, takes=False)
    callers.append(bob)
    command = await bob.connection(scene.worker.info)
    await scene.worker.carry_out(command)
    await until(lambda: scene.connected() == {"bob"})
    fields = {n: getattr(command.connection, n) for n in Connection.__struct_fields__}
    fresh = Connection(**{**fields, "local_ufrag": "fresh", "local_password": "new key" * 4})
    await scene.worker.carry_out(api.ConnectPeer("room", "bob", fresh))
    (peer,) = scene.addresses().values()
    old = fields["local_ufrag"], fields["local_password"]
    await bob.send_raw(_check(*old))
    assert peer.ice.password_for(old[0]) == old[1]
    await bob.send_raw(_check("fresh", fresh.local_password))
    await until(lambda: peer.ice.password_for(old[0]) is None)
    before = await scene.counters()
    await bob.send_raw(_check(*old))
    async with asyncio.timeout(5):
        while (await scene.counters())["dropped_stun"] == before["dropped_stun"]:
            await asyncio.sleep(0.01)
    assert await scene.worker.carry_out(api.GetPeers()) == api.Peers((("room", "bob", True),))
    assert len(scene.told(api.PeerConnected)) == 1


async def test_a_client_without_a_new_offer_restarts_ice_by_credentials_alone(
    scene: Scene, callers: list[Caller]
) -> None:
    bob = Caller("bob", sends=True, takes=False)
    callers.append(bob)
    command = await bob.connection(scene.worker.info)
    await scene.worker.carry_out(command)
    await until(lambda: scene.connected() == {"bob"})
    restart = api.RestartIce("bob", "fresh", "new key" * 4)
    for _ in range(2):  # the second one changes nothing
        assert await scene.worker.carry_out(restart) == api.Done()
    (peer,) = scene.addresses().values()
    await bob.send_raw(_check("fresh", "new key" * 4))
    await until(lambda: peer.ice.password_for(command.connection.local_ufrag) is None)
    assert await scene.worker.carry_out(api.GetPeers()) == api.Peers((("room", "bob", True),))


async def test_ice_of_a_peer_that_is_gone_is_not_restarted(scene: Scene) -> None:
    refused = await scene.worker.carry_out(api.RestartIce("bob", "fresh", "new key" * 4))
    assert isinstance(refused, api.Refused)
    assert refused.code == "unknown_peer"


async def test_a_host_with_two_addresses_answers_from_the_one_that_was_asked(
    callers: list[Caller],
) -> None:
    port = free_port()
    both = [FIRST_ADDRESS, SECOND_ADDRESS]
    worker = MediaWorker(both, both, port, lambda event: None)
    bob = Caller("bob", sends=True, takes=False)
    callers.append(bob)
    try:
        await worker.carry_out(api.OpenRoom("room"))
        command = await bob.connection(worker.info)
        await worker.carry_out(command)
        made = command.connection
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.bind((FIRST_ADDRESS, 0))
            client.setblocking(False)
            for address in both:
                client.sendto(_check(made.local_ufrag, made.local_password), (address, port))
                async with asyncio.timeout(5):
                    _, sender = await asyncio.get_running_loop().sock_recvfrom(client, 2048)
                assert sender == (address, port)
    finally:
        await worker.close()


def _check(ufrag: str, password: str) -> bytes:
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    message.attributes["USERNAME"] = f"{ufrag}:x"
    message.add_message_integrity(password.encode())
    return bytes(message)


@pytest.mark.parametrize(("limit", "reason"), [("LOST_S", "path"), ("CONSENT_S", "consent")])
async def test_silence_loses_a_peer_and_the_reason_is_told(
    scene: Scene, callers: list[Caller], monkeypatch: pytest.MonkeyPatch, limit: str, reason: str
) -> None:
    bob = Caller("bob", sends=True, takes=False)
    callers.append(bob)
    await bob.join(scene.worker)
    await until(lambda: scene.connected() == {"bob"})
    monkeypatch.setattr(f"sfu.core.ice.{limit}", -1.0)
    await until(lambda: scene.told(api.PeerLost) == [api.PeerLost("room", "bob", reason)])


async def test_a_peer_that_is_heard_too_rarely_is_told_unstable(
    scene: Scene, callers: list[Caller], monkeypatch: pytest.MonkeyPatch
) -> None:
    bob = Caller("bob", sends=True, takes=False)
    callers.append(bob)
    await bob.join(scene.worker)
    await until(lambda: scene.connected() == {"bob"})
    monkeypatch.setattr("sfu.core.ice.UNSTABLE_MEDIA_S", -1.0)
    monkeypatch.setattr("sfu.core.ice.UNSTABLE_IDLE_S", -1.0)
    state = vars(scene.worker)["_forwarder"].state
    await until(lambda: state.unstable == {"bob"})
    state.actions.clear()
    cycle.measure(state, 0.0)
    (told,) = [a.event for a in state.actions if isinstance(a, actions.Emit)]
    assert isinstance(told, api.Quality)
    assert told.unstable
    state.actions.clear()
    monkeypatch.undo()
    await until(lambda: state.unstable == set())


async def test_forged_replayed_and_oversized_media_is_dropped_and_counted(
    scene: Scene, callers: list[Caller], monkeypatch: pytest.MonkeyPatch
) -> None:
    bob = Caller("bob", sends=True, takes=False)
    callers.append(bob)
    seen: list[bytes] = []
    receive = Executor.receive

    def spy(executor: Executor, transport: Transport, data: bytes, at: float) -> bool:
        seen.append(data)
        return receive(executor, transport, data, at)

    monkeypatch.setattr(Executor, "receive", spy)
    await bob.join(scene.worker)
    await until(lambda: any(data[1] > 223 for data in seen))  # a marked packet
    before = await scene.counters()
    first = next(data for data in seen if data[1] > 223)
    forged = first[:-1] + bytes([first[-1] ^ 1])
    for data in (first, forged, first[:12] + bytes(1600)):
        await bob.send_raw(data)
    await until(lambda: first[:12] + bytes(1600) in seen)
    after = await scene.counters()
    assert after["dropped_srtp"] - before["dropped_srtp"] == 2
    assert after["dropped_rate"] - before["dropped_rate"] == 1


async def test_many_restarts_leave_two_keys_at_most(scene: Scene, callers: list[Caller]) -> None:
    bob = Caller("bob", sends=True, takes=False)
    callers.append(bob)
    command = await bob.connection(scene.worker.info)
    fields = {n: getattr(command.connection, n) for n in Connection.__struct_fields__}
    for number in range(50):
        restarted = Connection(**{**fields, "local_ufrag": f"frag{number}"})
        await scene.worker.carry_out(api.ConnectPeer("room", "bob", restarted))
    assert set(vars(scene.worker)["_datagrams"].by_ufrag) == {"frag0", "frag49"}


async def test_many_people_come_and_go_and_leave_nothing(scene: Scene) -> None:
    bob = Caller("bob", sends=True, takes=True)
    command = await bob.connection(scene.worker.info)
    await bob.pc.close()
    for number in range(300):
        peer = f"bob{number}"
        fields = {n: getattr(command.connection, n) for n in Connection.__struct_fields__}
        connection = Connection(**{**fields, "local_ufrag": peer})
        await scene.worker.carry_out(api.ConnectPeer("room", peer, connection))
        await scene.worker.carry_out(api.ClosePeer(peer))
    held = vars(scene.worker)
    assert held["_peers"] == held["_datagrams"].by_ufrag == {}
    executor, state = vars(held["_executor"]), held["_forwarder"].state
    assert executor["_transports"] == executor["_routes"] == {}
    assert state.streams == state.sources == state.room_of == {}
    await scene.worker.carry_out(api.CloseRoom("room"))
    assert state.rooms == held["_rate"] == {}


async def test_a_peer_over_its_bitrate_is_cut_off_and_counted(callers: list[Caller]) -> None:
    scene = Scene()
    await scene.worker.carry_out(api.OpenRoom("room", max_peer_bitrate_bps=50_000))
    bob = Caller("bob", sends=True, takes=False)
    callers.append(bob)
    try:
        await bob.join(scene.worker)
        await until(lambda: scene.connected() == {"bob"})
        counters = await scene.counters()
        async with asyncio.timeout(5):
            while counters["dropped_rate"] == 0:
                await asyncio.sleep(0.05)
                counters = await scene.counters()
        assert counters["packets_in"] > 0
    finally:
        await scene.worker.close()


async def test_an_address_that_cannot_be_bound_leaves_no_socket_open() -> None:
    port = free_port()
    with pytest.raises(OSError, match="assign"):
        MediaWorker([FIRST_ADDRESS, "192.0.2.1"], [FIRST_ADDRESS], port, lambda event: None)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again:
        again.bind((FIRST_ADDRESS, port))


async def test_with_too_much_work_no_new_call_begins_and_open_ones_take_people_in(
    scene: Scene, callers: list[Caller]
) -> None:
    vars(scene.worker)["_strain"].overload.step = len(STEPS) - 1
    refused = await scene.worker.carry_out(api.OpenRoom("another"))
    assert isinstance(refused, api.Refused)
    assert refused.code == "overloaded"
    assert (await scene.counters())["refused_rooms"] == 1
    assert await scene.worker.carry_out(api.OpenRoom("room", max_peers=4)) == api.Done()
    alice = Caller("alice", sends=False, takes=True)
    callers.append(alice)
    await alice.join(scene.worker)
    await until(lambda: scene.connected() == {"alice"})
