"""The worker's end of the link to the edge: media of clients that have only TCP.

A SEQPACKET socket in a private folder: only our own edge can speak, and it names each path with the
client's public address before the path's first packet (`sfu.core.stream.link`). A packet of a path
that nobody opened is counted and dropped. When the edge goes, its paths go with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable
from pathlib import Path as File

import msgspec

from sfu.core.counters import Counters
from sfu.core.stream import link
from sfu.core.stream.framing import FramingError
from sfu.core.stream.words import Words
from sfu.shell.paths import Endpoint, Way
from sfu.shell.peer import Peer
from sfu.shell.udp import Address

BUFFER_BYTES = 1 << 20  # 200 ms of 40 Mbit/s
BATCH = 64  # messages read before what comes of them is sent
MAX_PATHS = 8192  # as many connections as the edge holds, twice

Receive = Callable[[Endpoint, Address, bytes, float], None]


class EdgeLink:
    """One connected edge; an endpoint whose addresses are its paths."""

    is_stream = True

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self.peers: dict[Address, Peer] = {}
        self.paths: dict[int, Address] = {}
        self.relayed: set[int] = set()  # paths of TURN
        self._words = Words(self._transmit)

    def way(self, address: Address) -> Way:
        return "turn" if _number(address) in self.relayed else "tcp"

    def send_burst(self, address: Address, datagrams: list[bytes]) -> int:
        sent = 0
        for message, count in link.pack_packets(_number(address), datagrams):
            if not self._words.send(message):
                break
            sent += count
        return sent

    def claim(self, address: Address, video: tuple[int, ...]) -> None:
        self._words.say(link.Claimed(_number(address), video))

    def release(self, address: Address) -> None:
        self._words.say(link.Released(_number(address)))

    def _transmit(self, message: bytes) -> bool:
        try:
            self.socket.send(message)
        except OSError:  # full, or gone: its end is read
            return False
        return True


class StreamDoor:
    """Listens for the edge at `path`. Raises OSError where that cannot be bound."""

    def __init__(
        self,
        path: str,
        counters: Counters,
        receive: Receive,
        finish: Callable[[], None],
        survive: Callable[[Exception], None],
    ) -> None:
        self.reported: dict[str, int] = {}
        self._counters = counters
        self._receive = receive
        self._finish = finish
        self._survive = survive
        self._loop = asyncio.get_running_loop()
        self._decoder = msgspec.msgpack.Decoder(link.FromEdge)
        self._link: EdgeLink | None = None
        self._listening = _listen(path)
        self._loop.add_reader(self._listening, self._accept)

    def close(self) -> None:
        """Idempotent."""
        self._hang_up()
        if self._listening.fileno() >= 0:
            self._loop.remove_reader(self._listening)
            self._listening.close()

    def _accept(self) -> None:
        """The newest edge is the one; what an earlier one still held has ended with it."""
        with contextlib.suppress(OSError):
            accepted, _ = self._listening.accept()
            accepted.setblocking(False)
            accepted.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
            self._hang_up()
            self._link = EdgeLink(accepted)
            self._loop.add_reader(accepted, self._read, self._link)

    def _hang_up(self) -> None:
        gone, self._link = self._link, None
        if gone is None:
            return
        self._loop.remove_reader(gone.socket)
        gone.socket.close()
        for number in list(gone.paths):
            _forget(gone, number)

    def _read(self, edge: EdgeLink) -> None:
        now = time.monotonic()
        for _ in range(BATCH):
            try:
                message = edge.socket.recv(link.MAX_MESSAGE_BYTES)
            except BlockingIOError:
                break
            except OSError:
                message = b""
            if not message:
                self._hang_up()
                break
            try:
                self._take(edge, message, now)
            except Exception as bug:  # noqa: BLE001 - the edge: one message must not stop the rest
                self._survive(bug)
        self._finish()

    def _take(self, edge: EdgeLink, message: bytes, now: float) -> None:
        number = link.path_of(message)
        if number == link.CONTROL:
            self._obey(edge, self._decoder.decode(link.word_of(message)))
            return
        address = edge.paths.get(number)
        if address is None:
            self._counters.dropped_datagram += 1
            return
        try:
            packets = link.packets_of(message)
        except FramingError:
            self._counters.dropped_datagram += 1
            return
        for packet in packets:
            self._receive(edge, address, packet, now)

    def _obey(self, edge: EdgeLink, word: link.FromEdge) -> None:
        match word:
            case link.OpenPath():
                if len(edge.paths) < MAX_PATHS:
                    edge.paths[word.path] = (word.address, word.port, word.path, 0)
                    if word.kind == "turn":
                        edge.relayed.add(word.path)
            case link.ClosePath():
                _forget(edge, word.path)
            case link.Report():
                self.reported = word.counters


def _forget(edge: EdgeLink, number: int) -> None:
    address = edge.paths.pop(number, None)
    edge.relayed.discard(number)
    peer = edge.peers.get(address) if address is not None else None
    if peer is not None and address is not None:
        peer.cut(edge, address)


def _number(address: Address) -> int:
    assert len(address) == 4
    return address[2]


def _listen(path: str) -> socket.socket:
    """A private socket at `path`, in place of one that a dead worker left."""
    File(path).unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        listening.bind(path)
        File(path).chmod(0o600)
        listening.listen(1)
        listening.setblocking(False)
    except OSError:
        listening.close()
        raise
    return listening
