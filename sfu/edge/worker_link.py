"""The edge's end of the link to the media worker (`sfu.core.stream.link`).

Comes back by itself when the worker does. A worker that died has forgotten every path, so all their
connections end: their clients come again, as those over UDP do.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

from sfu.core.stream import link
from sfu.core.stream.framing import FramingError
from sfu.core.stream.words import Words

RETRY_S = 0.1
BUFFER_BYTES = 1 << 20  # 200 ms of 40 Mbit/s
BATCH = 64  # messages of one wake-up


class PathOwner(Protocol):
    """The connection behind a path."""

    def deliver(self, path: int, packets: list[bytes]) -> None:
        """The worker sends these to the client."""

    def claimed(self, video: frozenset[int]) -> None:
        """A peer has been found behind the path; its video has these ssrcs."""

    def cut(self) -> None:
        """The path has ended at the worker: hang up."""


class WorkerLink:
    """`keep` it running; everything else may be called whether the worker is there or not."""

    def __init__(self, socket_path: str) -> None:
        self._path = socket_path
        self._loop = asyncio.get_running_loop()
        self._socket: socket.socket | None = None
        self._lost = asyncio.Event()
        self._decoder = msgspec.msgpack.Decoder(link.FromWorker)
        self._owners: dict[int, PathOwner] = {}
        self._words = Words(self._transmit)
        self._last = 0

    async def keep(self) -> None:
        """Connect, and again whenever the worker has gone, until cancelled."""
        try:
            while True:
                if await self._connect():
                    self._lost.clear()
                    await self._lost.wait()
                await asyncio.sleep(RETRY_S)
        finally:
            self._drop()

    def open(
        self, owner: PathOwner, kind: Literal["ice-tcp", "turn"], address: str, port: int
    ) -> int | None:
        """Register a path of `owner`: its number, or None while there is no worker."""
        if self._socket is None:
            return None
        self._last += 1
        self._owners[self._last] = owner
        self._say(link.OpenPath(self._last, kind, address, port))
        return self._last

    def close(self, path: int) -> None:
        """The connection has ended. Idempotent."""
        if self._owners.pop(path, None) is not None:
            self._say(link.ClosePath(path))

    def send(self, path: int, packets: Sequence[bytes]) -> None:
        """Packets of the client; what the worker is too busy to take is lost, as over UDP."""
        for message, _ in link.pack_packets(path, packets):
            self._words.send(message)

    def report(self, counters: dict[str, int]) -> None:
        self._say(link.Report(counters))

    async def _connect(self) -> bool:
        fresh = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        fresh.setblocking(False)
        try:
            fresh.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
            await self._loop.sock_connect(fresh, self._path)
        except OSError:
            fresh.close()
            return False
        self._socket = fresh
        self._loop.add_reader(fresh, self._read)
        return True

    def _say(self, word: link.Word) -> None:
        if self._socket is not None:
            self._words.say(word)

    def _transmit(self, message: bytes) -> bool:
        if self._socket is not None:
            with contextlib.suppress(OSError):  # full, or gone: its end is read
                self._socket.send(message)
                return True
        return False

    def _read(self) -> None:
        for _ in range(BATCH):
            if self._socket is None:
                return
            try:
                message = self._socket.recv(link.MAX_MESSAGE_BYTES)
            except BlockingIOError:
                return
            except OSError:
                message = b""
            if not message:
                self._drop()
                return
            self._take(message)

    def _take(self, message: bytes) -> None:
        number = link.path_of(message)
        if number == link.CONTROL:
            self._obey(self._decoder.decode(link.word_of(message)))
            return
        owner = self._owners.get(number)
        if owner is not None:
            with contextlib.suppress(FramingError):
                owner.deliver(number, link.packets_of(message))

    def _obey(self, word: link.FromWorker) -> None:
        match word:
            case link.Claimed():
                if owner := self._owners.get(word.path):
                    owner.claimed(frozenset(word.video))
            case link.Released():
                if owner := self._owners.pop(word.path, None):
                    owner.cut()

    def _drop(self) -> None:
        gone, self._socket = self._socket, None
        if gone is None:
            return
        self._loop.remove_reader(gone)
        gone.close()
        self._words.clear()
        owners, self._owners = self._owners, {}
        for owner in owners.values():
            owner.cut()
        self._lost.set()
