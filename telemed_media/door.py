"""The TCP door: accepts connections, counts them from their first to their last moment, adds TLS.

asyncio's own server accepts whatever comes, before TLS and without a bound, and writes a line per
second when descriptors run out. Here a connection over the limits is closed at once, unread, and a
handshake has `HANDSHAKE_S`; what follows (headers, bodies, silence) is limited in `patience`.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
import ssl
from asyncio import sslproto
from collections.abc import Callable

from aiohttp import web

from telemed_media.admission import Admission

HANDSHAKE_S = 10.0  # TLS of a phone on a lossy line takes 3
GOODBYE_S = 2.0  # for the other side's close_notify
ACCEPTED_AT_ONCE = 64  # then other events have their turn
BREATHER_S = 0.5  # when the kernel has no descriptor or memory for a connection
MAX_FILES = 8192
TLS_BUFFER_BYTES = 32 * 1024  # of each connection; a TLS record has at most 16 KiB


class Door:
    """One listening socket, served from `open` to `close`; existing connections outlive it."""

    def __init__(
        self,
        listening: socket.socket,
        server: web.Server,
        tls: ssl.SSLContext,
        admission: Admission,
    ) -> None:
        self._listening = listening
        self._server = server
        self._tls = tls
        self._admission = admission
        self._loop = asyncio.get_running_loop()
        sslproto.SSLProtocol.max_size = TLS_BUFFER_BYTES  # instead of 256 KiB
        self._shaking: set[asyncio.Task[None]] = set()
        self._resting: asyncio.TimerHandle | None = None

    def open(self) -> None:
        self._resting = None
        self._loop.add_reader(self._listening, self._accept)

    async def close(self) -> None:
        """Stop accepting; connections without TLS yet are given up. Idempotent."""
        if self._listening.fileno() < 0:
            return
        if self._resting is not None:
            self._resting.cancel()
        self._loop.remove_reader(self._listening)
        self._listening.close()
        for task in self._shaking:
            task.cancel()
        await asyncio.gather(*self._shaking, return_exceptions=True)

    def _accept(self) -> None:
        for _ in range(ACCEPTED_AT_ONCE):
            try:
                accepted, address = self._listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError:
                self._loop.remove_reader(self._listening)
                self._resting = self._loop.call_later(BREATHER_S, self.open)
                return
            self._let_in(accepted, str(address[0]))

    def _let_in(self, accepted: socket.socket, host: str) -> None:
        if not self._admission.enter(host):
            accepted.close()
            return
        counted = _Counted(accepted, lambda: self._admission.leave(host))
        task = self._loop.create_task(self._shake_hands(counted))
        self._shaking.add(task)
        task.add_done_callback(self._shaking.discard)

    async def _shake_hands(self, counted: _Counted) -> None:
        with contextlib.suppress(OSError):  # TLS errors and time-outs are such
            await self._loop.connect_accepted_socket(
                self._server,
                counted,
                ssl=self._tls,
                ssl_handshake_timeout=HANDSHAKE_S,
                ssl_shutdown_timeout=GOODBYE_S,
            )


class _Counted(socket.socket):
    """An accepted socket that tells once when its descriptor is given back."""

    def __init__(self, accepted: socket.socket, left: Callable[[], None]) -> None:
        super().__init__(accepted.family, accepted.type, accepted.proto, accepted.detach())
        self.setblocking(False)
        self._left: Callable[[], None] | None = left

    def close(self) -> None:
        super().close()
        left, self._left = self._left, None
        if left is not None:
            left()


def raise_file_limit() -> int:
    """Allow this process as many descriptors as the system lets it, up to MAX_FILES."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return MAX_FILES if soft == resource.RLIM_INFINITY else soft
