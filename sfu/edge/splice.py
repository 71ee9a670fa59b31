"""Two connected sockets as one: what one side says, the other hears.

Each direction holds one piece at a time and reads on only when it is written, so a slow reader
slows its writer down and memory stays what it is.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Callable

PIECE_BYTES = 16 * 1024
SILENT_S = 120.0  # longer than any time-out of the front's
_WAIT = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Splice:
    """`ended` is called once, when either side has gone."""

    def __init__(
        self, outer: ssl.SSLSocket, inner: socket.socket, ended: Callable[[], None]
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._ended: Callable[[], None] | None = ended
        self._heard_at = time.monotonic()
        self._other: dict[socket.socket, socket.socket] = {outer: inner, inner: outer}
        self._piece: dict[socket.socket, bytes] = {outer: b"", inner: b""}  # to be written there
        self._outer, self._inner = outer, inner

    def start(self, first: bytes) -> None:
        """Go on with what came from the outer side already."""
        self._piece[self._inner] = first
        for side in (self._outer, self._inner):
            self._write(side)

    def is_over(self, now: float) -> bool:
        return now - self._heard_at > SILENT_S

    def close(self) -> None:
        """Idempotent."""
        ended, self._ended = self._ended, None
        if ended is None:
            return
        for side in (self._outer, self._inner):
            self._loop.remove_reader(side)
            self._loop.remove_writer(side)
            side.close()
        ended()

    def _read(self, side: socket.socket) -> None:
        try:
            data = side.recv(PIECE_BYTES)
        except _WAIT:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        self._heard_at = time.monotonic()
        self._piece[self._other[side]] = data
        self._loop.remove_reader(side)
        self._write(self._other[side])

    def _write(self, side: socket.socket) -> None:
        """Write what there is for a side; then the other one may say more."""
        if self._ended is None:
            return
        try:
            while self._piece[side]:
                self._piece[side] = self._piece[side][side.send(self._piece[side]) :]
        except _WAIT:
            self._loop.add_writer(side, self._write, side)
            return
        except OSError:
            self.close()
            return
        self._loop.remove_writer(side)
        source = self._other[side]
        self._loop.add_reader(source, self._read, source)
        if isinstance(source, ssl.SSLSocket) and source.pending():
            self._loop.call_soon(self._read_on, source)

    def _read_on(self, side: socket.socket) -> None:
        if self._ended is not None and not self._piece[self._other[side]]:
            self._read(side)
