"""A worker reached by TCP: paths that the edge registers, over the real socket between them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from aioice import stun

from sfu import api
from sfu.core.description import Codec, Connection, Extensions, Fingerprint, Section
from sfu.core.stream import link
from sfu.shell.worker import EdgeSettings, MediaWorker
from tests.netns.namespace import FIRST_ADDRESS
from tests.sfu.shell.callers import DEADLINE_S, free_port, until

ALICE = ("198.51.100.7", 50_000)
PASSWORD = "password-of-the-server"
VIDEO, RTX = 4711, 4712
SLOT = Section("1", "video", (Codec("VP8", 90_000, 96, 97),), Extensions(), sends=True, slot=0)
CONNECTION = Connection(
    local_ufrag="ours",
    local_password=PASSWORD,
    remote_ufrag="hers",
    remote_password="password-of-alice",
    dtls_role="server",
    fingerprints=(Fingerprint("sha-256", ":".join(["00"] * 32)),),
    sections=(msgspec.structs.replace(SLOT, ssrc=VIDEO, rtx_ssrc=RTX),),
)


class Edge:
    """The edge's side: says words, sends packets, hears both."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.connect(str(path))
        self.socket.setblocking(False)

    def say(self, word: link.Word) -> None:
        self.socket.send(link.pack_word(word))

    def send(self, path: int, packet: bytes) -> None:
        for message, _ in link.pack_packets(path, [packet]):
            self.socket.send(message)

    async def hear(self) -> bytes:
        async with asyncio.timeout(DEADLINE_S):
            loop = asyncio.get_running_loop()
            return await loop.sock_recv(self.socket, link.MAX_MESSAGE_BYTES)

    async def hear_word(self) -> link.FromWorker:
        message = await self.hear()
        assert link.path_of(message) == link.CONTROL
        word: link.FromWorker = msgspec.msgpack.decode(link.word_of(message), type=link.FromWorker)
        return word


class Scene:
    def __init__(self, folder: Path) -> None:
        path = folder / "edge.sock"
        self.worker = MediaWorker(
            *([FIRST_ADDRESS], [FIRST_ADDRESS], free_port(), lambda event: None),
            EdgeSettings(str(path), 8443),
        )
        self.path = path
        self.edge = Edge(path)

    async def counters(self) -> dict[str, int]:
        stats = await self.worker.carry_out(api.GetStats())
        assert isinstance(stats, api.Stats)
        return stats.counters

    def held(self) -> int:
        """Ways to peers by whatever endpoint."""
        peers = vars(self.worker)["_peers"].values()
        return sum(len(peer.ice.paths()) for peer in peers)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    found = Scene(tmp_path)
    await found.worker.carry_out(api.OpenRoom("room"))
    await found.worker.carry_out(api.ConnectPeer("room", "alice", CONNECTION))
    yield found
    await found.worker.close()
    found.edge.socket.close()


def check() -> stun.Message:
    request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    request.attributes["USERNAME"] = "ours:hers"
    request.attributes["PRIORITY"] = 1
    request.add_message_integrity(PASSWORD.encode())
    return request


async def test_candidates_name_the_tcp_port_after_udp(scene: Scene) -> None:
    assert [(one.transport, one.port) for one in scene.worker.info.candidates][1] == ("tcp", 8443)


async def test_a_check_is_answered_with_the_public_address_and_claims_the_path(
    scene: Scene,
) -> None:
    request = check()
    scene.edge.say(link.OpenPath(7, "ice-tcp", *ALICE))
    scene.edge.send(7, bytes(request))
    answer = await scene.edge.hear()
    assert link.path_of(answer) == 7
    response = stun.parse_message(link.packets_of(answer)[0])
    assert response.transaction_id == request.transaction_id
    assert response.attributes["XOR-MAPPED-ADDRESS"] == ALICE
    assert await scene.edge.hear_word() == link.Claimed(7, (VIDEO, RTX))
    await scene.worker.carry_out(api.ClosePeer("alice"))
    assert await scene.edge.hear_word() == link.Released(7)


async def test_packets_of_a_path_that_nobody_opened_are_dropped(scene: Scene) -> None:
    scene.edge.send(7, bytes(check()))
    scene.edge.say(link.Report({"edge_ice": 3}))
    async with asyncio.timeout(DEADLINE_S):
        while "edge_ice" not in (found := await scene.counters()):
            await asyncio.sleep(0.01)
    assert (found["dropped_datagram"], found["stun_in"], found["edge_ice"]) == (1, 0, 3)
    assert scene.held() == 0


async def test_a_path_ends_with_its_connection(scene: Scene) -> None:
    scene.edge.say(link.OpenPath(7, "turn", *ALICE))
    scene.edge.send(7, bytes(check()))
    await scene.edge.hear()
    assert scene.held() == 1
    scene.edge.say(link.ClosePath(7))
    await until(lambda: scene.held() == 0)


async def test_a_peers_way_is_that_of_its_newest_path_and_a_change_is_told_once(
    scene: Scene,
) -> None:
    alice = vars(scene.worker)["_peers"]["alice"]
    assert alice.way_now() == ("", False)
    scene.edge.say(link.OpenPath(7, "ice-tcp", *ALICE))
    scene.edge.send(7, bytes(check()))
    await until(lambda: scene.held() == 1)
    assert alice.way_now() == ("tcp", False)
    scene.edge.say(link.OpenPath(8, "turn", *ALICE))
    scene.edge.send(8, bytes(check()))
    await until(lambda: scene.held() == 2)
    assert alice.way_now() == ("turn", True)
    assert alice.way_now() == ("turn", False)
    scene.edge.say(link.ClosePath(8))
    await until(lambda: scene.held() == 1)
    assert alice.way_now() == ("tcp", True)


async def test_all_paths_end_with_the_edge_and_the_next_one_is_heard(scene: Scene) -> None:
    for path in (7, 8):
        scene.edge.say(link.OpenPath(path, "ice-tcp", ALICE[0], ALICE[1] + path))
        scene.edge.send(path, bytes(check()))
    await until(lambda: scene.held() == 2)
    scene.edge.socket.close()
    await until(lambda: scene.held() == 0)
    scene.edge = Edge(scene.path)
    scene.edge.say(link.OpenPath(7, "ice-tcp", *ALICE))
    scene.edge.send(7, bytes(check()))
    await until(lambda: scene.held() == 1)


async def test_nonsense_from_the_edge_is_survived(scene: Scene) -> None:
    for message in (b"\0", bytes(4) + b"nonsense", b"\0\0\0\x07\xff\xff\xff", bytes(4)):
        scene.edge.socket.send(message)
    scene.edge.say(link.OpenPath(7, "ice-tcp", *ALICE))
    scene.edge.socket.send(b"\0\0\0\x07\xff\xff\xff")
    scene.edge.send(7, bytes(check()))
    await until(lambda: scene.held() == 1)
