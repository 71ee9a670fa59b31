"""From an accepted connection to what it is for: HTTPS goes to the front, media stays here.

First bytes are looked at, not taken (MSG_PEEK), so that a browser's connection is handed to the
front as it came: the front does TLS with it and sees the client's own address. TLS without HTTP in
its ALPN is finished here; what comes out is TURN, or HTTP of an old client, which goes on as plain
text in a socket pair.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
import time
from collections.abc import Callable
from typing import Protocol

from sfu.core.stream import first_bytes
from sfu.core.stream.counters import EdgeCounters
from sfu.core.turn.message import Address
from sfu.core.turn.server import Relay
from sfu.edge.ice_tcp import IceTcp
from sfu.edge.splice import Splice
from sfu.edge.stream import READ_BYTES, Stream
from sfu.edge.turn import Turn
from sfu.edge.worker_link import WorkerLink

FIRST_BYTES_S = 5.0  # a client speaks first, at once; a lost packet is sent again after 1 s and 2 s
HANDSHAKE_S = 10.0  # TLS of a phone on a lossy line takes 3
TICK_S = 1.0


class Front(Protocol):
    """Where HTTPS goes. The socket is the front's from then on."""

    def take_tls(self, sock: socket.socket) -> None:
        """A client's connection, nothing read of it."""

    def take_plain(self, sock: socket.socket, client: str) -> None:
        """Decrypted HTTP of a client with this address."""


class Session(Protocol):
    """A connection that is known."""

    def start(self, first: bytes) -> None: ...
    def is_over(self, now: float) -> bool: ...
    def close(self) -> None: ...


class Reception:
    """`keep` runs until cancelled; `greet` each accepted connection."""

    def __init__(
        self,
        link: WorkerLink,
        relay: Relay,
        front: Front,
        tls: Callable[[], ssl.SSLContext],
        counters: EdgeCounters,
    ) -> None:
        self._link = link
        self._relay = relay
        self._front = front
        self._tls = tls
        self._counters = counters
        self._loop = asyncio.get_running_loop()
        self._unix_offset_s = time.time() - time.monotonic()
        self._sessions: set[Session] = set()
        self._greeting: set[asyncio.Task[None]] = set()

    def greet(self, sock: socket.socket, left: Callable[[], None]) -> None:
        """Find out what it is; `left` is called once, when it is nobody's or not ours any more."""
        task = self._loop.create_task(self._greet(sock, left))
        self._greeting.add(task)
        task.add_done_callback(self._greeting.discard)

    async def keep(self) -> None:
        """Give up connections whose time is over, and report."""
        try:
            while True:
                await asyncio.sleep(TICK_S)
                now = time.monotonic()
                for session in [each for each in self._sessions if each.is_over(now)]:
                    self._counters.edge_timed_out += 1
                    session.close()
                self._link.report(self._counters.as_dict())
        finally:
            await self._close()

    async def _close(self) -> None:
        for task in self._greeting:
            task.cancel()
        await asyncio.gather(*self._greeting, return_exceptions=True)
        for session in list(self._sessions):
            session.close()

    async def _greet(self, sock: socket.socket, left: Callable[[], None]) -> None:
        kept = False
        try:
            async with asyncio.timeout(FIRST_BYTES_S):
                kind = await _first_kind(sock)
            kept = await self._receive(kind, sock, left)
        except TimeoutError:
            self._counters.edge_timed_out += 1
        except OSError:  # TLS errors are such
            self._counters.edge_broken += 1
        finally:
            if not kept:
                sock.close()
                left()

    async def _receive(
        self, kind: first_bytes.Kind, sock: socket.socket, left: Callable[[], None]
    ) -> bool:
        """Whether a session keeps the socket; `left` is its own business then."""
        if kind == "https":
            self._counters.edge_https += 1
            self._front.take_tls(sock)
            return False
        if kind == "tls":
            return await self._decrypt(sock, left)
        return self._begin(kind, sock, _address_of(sock), b"", left)

    async def _decrypt(self, sock: socket.socket, left: Callable[[], None]) -> bool:
        client = _address_of(sock)
        async with asyncio.timeout(HANDSHAKE_S):
            secure = self._tls().wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
            try:
                await _patiently(secure, secure.do_handshake)
                first = b""
                while len(first) < first_bytes.FIRST_BYTES:
                    more = await _patiently(secure, lambda: secure.recv(READ_BYTES))
                    if not more:
                        raise ConnectionAbortedError
                    first += more
                kind = first_bytes.tell_plain(first)
                if kind == "other" and first[:1].isalpha():
                    self._counters.edge_https += 1
                    return self._pass_on(secure, client, first, left)
                if kind == "turn" and self._begin(kind, secure, client, first, left):
                    return True
            except BaseException:
                secure.close()
                raise
        self._counters.edge_other += kind != "turn"
        secure.close()
        return False

    def _begin(
        self,
        kind: first_bytes.Kind,
        sock: socket.socket,
        client: Address,
        first: bytes,
        left: Callable[[], None],
    ) -> bool:
        session: IceTcp | Turn

        def ended() -> None:
            self._sessions.discard(session)
            left()

        stream = Stream(sock, self._counters)
        if kind == "ice":
            self._counters.edge_ice += 1
            session = IceTcp(stream, self._link, client, self._counters, ended)
        elif kind == "turn":
            self._counters.edge_turn += 1
            session = Turn(
                *(stream, self._link, self._relay, client, self._counters),
                self._unix_now,
                ended,
            )
        else:
            self._counters.edge_other += 1
            return False
        self._sessions.add(session)
        session.start(first)
        return True

    def _pass_on(
        self, secure: ssl.SSLSocket, client: Address, first: bytes, left: Callable[[], None]
    ) -> bool:
        def ended() -> None:
            self._sessions.discard(splice)
            left()

        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        self._front.take_plain(theirs, client.host)
        splice = Splice(secure, ours, ended)
        self._sessions.add(splice)
        splice.start(first)
        return True

    def _unix_now(self) -> float:
        """Unix time that never jumps."""
        return time.monotonic() + self._unix_offset_s


async def _first_kind(sock: socket.socket) -> first_bytes.Kind:
    """Raises OSError where the client goes before it has said enough."""
    wanted = first_bytes.FIRST_BYTES
    while True:
        # The socket is readable when that much is there: what is only looked at stays readable.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, wanted)
        await _until_readable(sock)
        seen = sock.recv(wanted, socket.MSG_PEEK)
        if len(seen) < wanted:
            raise ConnectionAbortedError(errno.ECONNABORTED, "gone early")
        wanted = first_bytes.needed(seen)
        if wanted <= len(seen):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
            return first_bytes.tell(seen)


async def _patiently(secure: ssl.SSLSocket, attempt: Callable[[], bytes | None]) -> bytes:
    """Do it when TLS can."""
    while True:
        try:
            return attempt() or b""
        except ssl.SSLWantReadError:
            await _until_readable(secure)
        except ssl.SSLWantWriteError:
            await _until_writable(secure)


async def _until_readable(sock: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    loop.add_reader(sock, _settle, ready)
    try:
        await ready
    finally:
        loop.remove_reader(sock)


async def _until_writable(sock: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    loop.add_writer(sock, _settle, ready)
    try:
        await ready
    finally:
        loop.remove_writer(sock)


def _settle(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


def _address_of(sock: socket.socket) -> Address:
    """The client's; IPv4 in IPv6 clothes (RFC 4291 section 2.5.5.2) as IPv4. Raises OSError."""
    host, port = sock.getpeername()[:2]
    return Address(str(host).partition("%")[0].removeprefix("::ffff:"), int(port))
