"""Connections at the edge, over real sockets: what each turns into, and what strangers may cost."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest
from aioice import turn

from certs.local_ca import ensure_local_pair
from certs.serving import server_context
from sfu.core.stream import link
from sfu.core.stream.counters import EdgeCounters
from sfu.core.stream.framing import Deframer, frame, measure_frame
from sfu.core.turn import credentials
from sfu.core.turn.message import Address
from sfu.core.turn.server import Relay
from sfu.edge import ice_tcp, reception
from sfu.edge.reception import Reception
from sfu.edge.worker_link import WorkerLink

HOST = "127.0.0.1"
MEDIA = Address("203.0.113.5", 8443)
SECRET = b"shared with the front"
WITHIN_S = 5.0
CHECK = b"\x00\x01\x00\x00\x21\x12\xa4\x42" + bytes(12)
VIDEO_SSRC = 4711


class Worker:
    """The other end of the link: keeps what it hears, says what a test wants said."""

    def __init__(self, path: Path) -> None:
        self.opened: list[link.OpenPath] = []
        self.closed: list[int] = []
        self.packets: list[tuple[int, bytes]] = []
        self._loop = asyncio.get_running_loop()
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listening.bind(str(path))
        self._listening.listen()
        self._listening.setblocking(False)
        self.socket: socket.socket | None = None
        self._loop.add_reader(self._listening, self._accept)

    def say(self, word: link.Word) -> None:
        assert self.socket is not None
        self.socket.send(link.pack_word(word))

    def send(self, path: int, *packets: bytes) -> None:
        assert self.socket is not None
        for message, _ in link.pack_packets(path, packets):
            with contextlib.suppress(BlockingIOError):
                self.socket.send(message)

    def die(self) -> None:
        if self.socket is not None:
            self._loop.remove_reader(self.socket)
            self.socket.close()
            self.socket = None

    def close(self) -> None:
        self.die()
        self._loop.remove_reader(self._listening)
        self._listening.close()

    def _accept(self) -> None:
        self.socket, _ = self._listening.accept()
        self.socket.setblocking(False)
        self._loop.add_reader(self.socket, self._read)

    def _read(self) -> None:
        assert self.socket is not None
        message = self.socket.recv(link.MAX_MESSAGE_BYTES)
        if not message:
            self.die()
            return
        number = link.path_of(message)
        if number:
            assert number in [each.path for each in self.opened], "announced before its packets"
            self.packets += [(number, packet) for packet in link.packets_of(message)]
            return
        word = msgspec.msgpack.decode(link.word_of(message), type=link.FromEdge)
        if isinstance(word, link.OpenPath):
            self.opened.append(word)
        elif isinstance(word, link.ClosePath):
            self.closed.append(word.path)


class Front:
    """Keeps what is handed over."""

    def __init__(self) -> None:
        self.tls: list[socket.socket] = []
        self.plain: list[tuple[socket.socket, str]] = []

    def take_tls(self, sock: socket.socket) -> None:
        self.tls.append(socket.socket(fileno=sock.detach()))

    def take_plain(self, sock: socket.socket, client: str) -> None:
        self.plain.append((socket.socket(fileno=sock.detach()), client))

    def close(self) -> None:
        for sock in (*self.tls, *(each for each, _ in self.plain)):
            sock.close()


class Edge:
    def __init__(self, worker: Worker, front: Front, folder: Path) -> None:
        self.worker, self.front = worker, front
        self.counters = EdgeCounters()
        self.held = 0
        self.link = WorkerLink(str(folder / "edge.sock"))
        context = server_context(ensure_local_pair(folder, (HOST,), time.time()))
        context.set_alpn_protocols([])
        self.trust = ssl.create_default_context(cafile=str(folder / "ca.pem"))
        relay = Relay(SECRET, frozenset({MEDIA}))
        self.reception = Reception(self.link, relay, front, lambda: context, self.counters)
        self._listening = socket.create_server((HOST, 0))
        self._listening.setblocking(False)
        self.port = self._listening.getsockname()[1]
        asyncio.get_running_loop().add_reader(self._listening, self._accept)

    def _accept(self) -> None:
        sock, _ = self._listening.accept()
        sock.setblocking(False)
        self.held += 1
        self.reception.greet(sock, self._leave)

    def _leave(self) -> None:
        self.held -= 1

    async def plain(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(HOST, self.port)

    async def secure(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(HOST, self.port, ssl=self.trust)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._listening)
        self._listening.close()


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not holds():
            await asyncio.sleep(0.005)


async def ended(reader: asyncio.StreamReader) -> bool:
    async with asyncio.timeout(WITHIN_S):
        with contextlib.suppress(ConnectionError):
            return await reader.read() == b""
    return True


@pytest.fixture
async def edge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Edge]:
    monkeypatch.setattr(reception, "FIRST_BYTES_S", 0.3)
    monkeypatch.setattr(reception, "HANDSHAKE_S", 0.5)
    monkeypatch.setattr(reception, "TICK_S", 0.05)
    worker, front = Worker(tmp_path / "edge.sock"), Front()
    found = Edge(worker, front, tmp_path)
    keeping = [asyncio.create_task(each()) for each in (found.link.keep, found.reception.keep)]
    await until(lambda: worker.socket)
    yield found
    found.close()
    for task in keeping:
        task.cancel()
    await asyncio.gather(*keeping, return_exceptions=True)
    assert found.held == 0, "every connection has been given back"
    worker.close()
    front.close()


async def test_ice_over_tcp_goes_to_the_worker_with_the_clients_own_address(edge: Edge) -> None:
    reader, writer = await edge.plain()
    writer.write(frame(CHECK)[:7])
    await writer.drain()
    writer.write(frame(CHECK)[7:] + frame(b"\x16more"))
    await until(lambda: len(edge.worker.packets) == 2)
    (opened,) = edge.worker.opened
    assert (opened.kind, opened.address, opened.port) == (
        "ice-tcp",
        *writer.get_extra_info("sockname"),
    )
    assert [packet for _, packet in edge.worker.packets] == [CHECK, b"\x16more"]
    edge.worker.send(opened.path, b"answer", b"and media")
    frames = Deframer(measure_frame)
    found: list[bytes] = []
    while len(found) < 2:
        found += frames.feed(await reader.read(100))
    assert found == [b"answer", b"and media"]
    writer.close()
    await until(lambda: edge.worker.closed == [opened.path])


async def test_a_browsers_https_goes_to_the_front_untouched(edge: Edge) -> None:
    edge.trust.set_alpn_protocols(["http/1.1"])
    browser = asyncio.create_task(edge.secure())
    await until(lambda: edge.front.tls)
    (passed,) = edge.front.tls
    assert passed.getpeername()[0] == HOST
    assert passed.recv(3) == b"\x16\x03\x01", "the client hello is still there"
    passed.close()
    with pytest.raises((ConnectionError, ssl.SSLError)):
        await browser


async def test_http_of_a_client_without_alpn_goes_to_the_front_decrypted(edge: Edge) -> None:
    reader, writer = await edge.secure()
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    await until(lambda: edge.front.plain)
    (inner, client), *_ = edge.front.plain
    assert client == HOST
    inner.setblocking(False)
    loop = asyncio.get_running_loop()
    assert await loop.sock_recv(inner, 100) == b"GET / HTTP/1.1\r\n\r\n"
    page = bytes(range(256)) * 4000
    sending = asyncio.create_task(loop.sock_sendall(inner, page))
    assert await reader.readexactly(len(page)) == page
    await sending
    inner.close()
    assert await ended(reader)
    writer.close()


@pytest.mark.parametrize("secure", [True, False])
async def test_turn_leads_to_the_worker_with_the_relayed_address(edge: Edge, secure: bool) -> None:
    credential = credentials.issue(SECRET, "alice", time.time() + 300)
    received: asyncio.Queue[tuple[bytes, tuple[str, int]]] = asyncio.Queue()

    class Protocol(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            received.put_nowait((data, addr))

    transport, _ = await turn.create_turn_endpoint(
        Protocol,
        server_addr=(HOST, edge.port),
        username=credential.username,
        password=credential.password,
        ssl=edge.trust if secure else None,
        transport="tcp",
    )
    relayed = transport.get_extra_info("sockname")
    transport.sendto(b"check!", (MEDIA.host, MEDIA.port))
    await until(lambda: edge.worker.packets)
    (opened,) = edge.worker.opened
    assert (opened.kind, opened.address, opened.port) == ("turn", *relayed)
    assert edge.worker.packets == [(opened.path, b"check!")]
    edge.worker.send(opened.path, b"answer")
    async with asyncio.timeout(WITHIN_S):
        assert await received.get() == (b"answer", (MEDIA.host, MEDIA.port))
    edge.worker.say(link.Released(opened.path))  # the seat has ended, and with it the relay
    await until(lambda: edge.held == 0)
    transport.close()


@pytest.mark.parametrize(
    "start",
    [b"", b"\x16\x03", b"\x16\x03\x01\x40\x00\x01" + bytes(20), b"\x00\x14"],
    ids=["silence", "two bytes", "half a hello", "half a frame"],
)
async def test_whoever_says_too_little_is_hung_up_on(edge: Edge, start: bytes) -> None:
    reader, writer = await edge.plain()
    writer.write(start)
    assert await ended(reader)
    await until(lambda: edge.counters.edge_timed_out == 1)
    writer.close()


@pytest.mark.parametrize(
    "start",
    [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\x05\x01" + b"x" * 20, bytes(100), b"\xff" * 999],
    ids=["plain http", "no client hello", "zeros", "ones"],
)
async def test_what_is_none_of_our_protocols_is_hung_up_on(edge: Edge, start: bytes) -> None:
    reader, writer = await edge.plain()
    writer.write(start)
    assert await ended(reader)
    await until(lambda: edge.held == 0)
    assert edge.worker.opened == []
    writer.close()


async def test_tls_that_says_nothing_is_hung_up_on(edge: Edge) -> None:
    reader, writer = await edge.secure()
    assert await ended(reader)
    writer.close()


async def test_a_frame_that_is_too_long_ends_the_connection(edge: Edge) -> None:
    reader, writer = await edge.plain()
    writer.write(frame(CHECK) + b"\xff\xff")
    assert await ended(reader)
    await until(lambda: edge.worker.closed)
    assert edge.counters.edge_broken == 1
    writer.close()


async def test_a_path_that_no_peer_claims_may_send_little_and_not_for_long(
    edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ice_tcp, "UNCLAIMED_S", 0.4)
    reader, writer = await edge.plain()
    writer.write(frame(CHECK) * 1000)
    assert await ended(reader)
    assert len(edge.worker.packets) <= ice_tcp.UNCLAIMED.burst + ice_tcp.UNCLAIMED.per_s
    assert edge.counters.edge_dropped_early >= 800
    writer.close()


async def test_a_claimed_path_sends_as_it_likes(edge: Edge) -> None:
    _, writer = await edge.plain()
    writer.write(frame(CHECK))
    await until(lambda: edge.worker.packets)
    edge.worker.say(link.Claimed(edge.worker.opened[0].path, ()))
    edge.worker.send(edge.worker.opened[0].path, b"seen after the claim")
    await asyncio.sleep(0.05)
    writer.write(frame(b"\x80" * 100) * 500)
    await until(lambda: len(edge.worker.packets) == 501)
    writer.close()


async def test_a_client_that_reads_nothing_loses_video_before_sound(edge: Edge) -> None:
    reader, writer = await edge.plain()
    transport = writer.transport
    assert isinstance(transport, asyncio.Transport)
    transport.pause_reading()
    writer.write(frame(CHECK))
    await until(lambda: edge.worker.packets)
    path = edge.worker.opened[0].path
    edge.worker.say(link.Claimed(path, (VIDEO_SSRC,)))
    video = b"\x80\x60" + bytes(6) + VIDEO_SSRC.to_bytes(4) + bytes(1100)
    sound = b"\x80\x6f" + bytes(6) + (1).to_bytes(4) + bytes(60)
    for _ in range(60):
        edge.worker.send(path, *[video] * 20, sound)
        await asyncio.sleep(0.005)
    assert edge.counters.edge_dropped_late > 500
    frames = Deframer(measure_frame)
    transport.resume_reading()
    heard = 0
    async with asyncio.timeout(WITHIN_S):
        while heard < 50:  # of 60
            heard += sum(len(each) < 100 for each in frames.feed(await reader.read(65_536)))
    writer.close()


async def test_connections_end_with_the_worker_and_new_ones_find_the_next(edge: Edge) -> None:
    reader, writer = await edge.plain()
    writer.write(frame(CHECK))
    await until(lambda: edge.worker.packets)
    edge.worker.die()
    assert await ended(reader)
    writer.close()
    await until(lambda: edge.worker.socket)
    _, writer = await edge.plain()
    writer.write(frame(CHECK))
    await until(lambda: len(edge.worker.packets) == 2)
    writer.close()
