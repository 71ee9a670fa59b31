"""The front's door: takes the connections that the edge hands over, counts them, adds TLS.

asyncio's own server accepts whatever comes, before TLS and without a bound, and writes a line per
second when descriptors run out. Here a connection over the limits is closed at once, unread, and a
handshake has `HANDSHAKE_S`; what follows (headers, bodies, silence) is limited in `patience`.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from asyncio import sslproto
from collections.abc import Callable

from aiohttp import web

from telemed_media.admission import Admission
from telemed_media.handover import Arrivals

HANDSHAKE_S = 10.0  # TLS of a phone on a lossy line takes 3
GOODBYE_S = 2.0  # for the other side's close_notify
ACCEPTED_AT_ONCE = 64  # then other events have their turn
BREATHER_S = 0.5  # when the kernel has no descriptor or memory for a connection
TLS_BUFFER_BYTES = 32 * 1024  # of each connection; a TLS record has at most 16 KiB


class Door:
    """Served from `open` to `close`; existing connections outlive it."""

    def __init__(
        self,
        arrivals: Arrivals,
        server: web.Server,
        tls: ssl.SSLContext,
        admission: Admission,
    ) -> None:
        self._arrivals = arrivals
        self._server = server
        self._tls = tls
        self._admission = admission
        self._loop = asyncio.get_running_loop()
        sslproto.SSLProtocol.max_size = TLS_BUFFER_BYTES  # instead of 256 KiB
        self._shaking: set[asyncio.Task[None]] = set()
        self._resting: asyncio.TimerHandle | None = None

    def open(self) -> None:
        self._resting = None
        self._loop.add_reader(self._arrivals, self._accept)

    async def close(self) -> None:
        """Stop accepting; connections without TLS yet are given up. Idempotent."""
        if self._arrivals.fileno() < 0:
            return
        if self._resting is not None:
            self._resting.cancel()
        self._loop.remove_reader(self._arrivals)
        self._arrivals.close()
        for task in self._shaking:
            task.cancel()
        await asyncio.gather(*self._shaking, return_exceptions=True)

    def _accept(self) -> None:
        for _ in range(ACCEPTED_AT_ONCE):
            try:
                accepted, host, decrypted = self._arrivals.accept()
            except (BlockingIOError, InterruptedError):
                return
            except ConnectionAbortedError:
                continue
            except OSError:
                self._loop.remove_reader(self._arrivals)
                self._resting = self._loop.call_later(BREATHER_S, self.open)
                return
            self._let_in(accepted, host, decrypted)

    def _let_in(self, accepted: socket.socket, host: str, decrypted: bool) -> None:
        if not self._admission.enter(host):
            accepted.close()
            return
        counted = _Counted(accepted, host, lambda: self._admission.leave(host))
        task = self._loop.create_task(self._serve(counted, decrypted))
        self._shaking.add(task)
        task.add_done_callback(self._shaking.discard)

    async def _serve(self, counted: _Counted, decrypted: bool) -> None:
        with contextlib.suppress(OSError):  # TLS errors and time-outs are such
            if decrypted:
                await self._loop.connect_accepted_socket(self._server, counted)
                return
            await self._loop.connect_accepted_socket(
                self._server,
                counted,
                ssl=self._tls,
                ssl_handshake_timeout=HANDSHAKE_S,
                ssl_shutdown_timeout=GOODBYE_S,
            )


class _Counted(socket.socket):
    """An accepted socket that tells once when its descriptor is given back.

    Its peer is the client, also where the edge is between them.
    """

    def __init__(self, accepted: socket.socket, host: str, left: Callable[[], None]) -> None:
        super().__init__(accepted.family, accepted.type, accepted.proto, accepted.detach())
        self.setblocking(False)
        self._host = host
        self._left: Callable[[], None] | None = left

    def getpeername(self) -> tuple[str, int]:
        """The client's address; the port is known only where the socket is its own."""
        found = super().getpeername()
        return self._host, found[1] if isinstance(found, tuple) else 0

    def close(self) -> None:
        super().close()
        left, self._left = self._left, None
        if left is not None:
            left()
