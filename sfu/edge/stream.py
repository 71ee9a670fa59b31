"""One TCP connection of media, TLS or not: bytes in at once, packets out while they are fresh.

The kernel keeps little that it has not sent (TCP_NOTSENT_LOWAT), so that what waits, waits in the
`Outbox`, where it can still be dropped. Works on plain sockets and on non-blocking SSL sockets.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import Callable

from sfu.core.stream.counters import EdgeCounters
from sfu.core.stream.outbox import Outbox

READ_BYTES = 16 * 1024
READS = 4  # of one wake-up, then other connections have their turn
UNSENT_BYTES = 4096  # what the kernel may hold that it has not sent yet
TCP_NOTSENT_LOWAT = 25  # Linux linux/tcp.h
# A client that vanished without a word is given up after that: it comes again over another network.
USER_TIMEOUT_MS = 30_000  # with data on the way (RFC 5482); RFC 7675's time of consent
KEEPALIVE_IDLE_S, KEEPALIVE_EACH_S, KEEPALIVE_TIMES = 15, 5, 3  # without
_WAIT = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Stream:
    """`receive` gets what comes; `ended` is called once, when the other side has gone."""

    def __init__(self, sock: socket.socket, counters: EdgeCounters) -> None:
        self._outbox = Outbox()
        self._counters = counters
        self.heard_at = time.monotonic()
        self._socket = sock
        self._loop = asyncio.get_running_loop()
        self._receive: Callable[[bytes], None] = _ignore
        self._ended: Callable[[], None] = _do_nothing
        self._chunk = b""
        self._waits = False  # for the socket to take more
        with contextlib.suppress(OSError):
            _tune(sock)

    def start(self, receive: Callable[[bytes], None], ended: Callable[[], None]) -> None:
        self._receive = receive
        self._ended = ended
        self._loop.add_reader(self._socket, self._read)
        self._read_on()

    def send(self, framed: bytes, *, video: bool = False) -> None:
        """Put a framed packet behind what waits; `flush` writes."""
        self._outbox.put(framed, time.monotonic(), video=video)

    def flush(self) -> None:
        """Write what the kernel takes, and the rest as soon as it takes more."""
        self._write()
        self._counters.edge_dropped_late += self._outbox.dropped
        self._outbox.dropped = 0

    def _write(self) -> None:
        while self._socket.fileno() >= 0:
            self._chunk = self._chunk or self._outbox.take(time.monotonic())
            if not self._chunk:
                break
            try:
                sent = self._socket.send(self._chunk)
            except _WAIT:
                if not self._waits:
                    self._waits = True
                    self._loop.add_writer(self._socket, self.flush)
                return
            except OSError:
                self._end()
                return
            self._chunk = self._chunk[sent:]
        if self._waits:
            self._waits = False
            self._loop.remove_writer(self._socket)

    def close(self) -> None:
        """Hang up from our side. Idempotent."""
        if self._socket.fileno() < 0:
            return
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._waits = False
        self._socket.close()

    def _read(self) -> None:
        for _ in range(READS):
            if self._socket.fileno() < 0:
                return
            try:
                data = self._socket.recv(READ_BYTES)
            except _WAIT:
                return
            except OSError:
                data = b""
            if not data:
                self._end()
                return
            self.heard_at = time.monotonic()
            self._receive(data)
        self._read_on()

    def _read_on(self) -> None:
        """Of what TLS has decrypted already the kernel does not tell."""
        is_open = self._socket.fileno() >= 0
        if is_open and isinstance(self._socket, ssl.SSLSocket) and self._socket.pending():
            self._loop.call_soon(self._read)

    def _end(self) -> None:
        self.close()
        self._ended()


def _tune(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (
        (socket.TCP_NODELAY, 1),
        (TCP_NOTSENT_LOWAT, UNSENT_BYTES),
        (socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS),
        (socket.TCP_KEEPIDLE, KEEPALIVE_IDLE_S),
        (socket.TCP_KEEPINTVL, KEEPALIVE_EACH_S),
        (socket.TCP_KEEPCNT, KEEPALIVE_TIMES),
    ):
        sock.setsockopt(socket.IPPROTO_TCP, option, value)


def _ignore(_data: bytes) -> None:
    """Before `start`."""


def _do_nothing() -> None:
    """Before `start`."""
