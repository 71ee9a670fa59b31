"""The sending half of one WebSocket: a bounded queue, so that a slow reader delays nobody else.

Rooms only append here. One task writes; when a client does not take its frames, the queue outgrows
its bound or one write takes too long, and the transport is dropped without a farewell. While there
is nothing to send, a WebSocket ping keeps the path open; a browser answers it even from a
background tab, whose timers (and so whose own heartbeat) may be throttled to one a minute.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from aiohttp import web

from signaling.core import wire
from signaling.core.closing import Closing
from signaling.core.messages import ServerMessage

MAX_PENDING_BYTES = 4 * 1024 * 1024  # a full chat history (500 × 4000 characters) and some rooms
SEND_TIMEOUT_S = 20.0  # a frame that takes longer has lost its reader


class Connection:
    """Frames go in by `send`, the end by `close`; `write` is the task that delivers them."""

    def __init__(self, identity: str, socket: web.WebSocketResponse, drop: Callable[[], None]):
        self.id = identity
        self.finished = asyncio.Event()
        self.was_slow = False
        self._socket = socket
        self._drop = drop
        self._frames: deque[bytes] = deque()
        self._pending_bytes = 0
        self._closing: Closing | None = None
        self._wake = asyncio.Event()

    @property
    def is_closing(self) -> bool:
        return self._closing is not None

    def tell(self, message: ServerMessage) -> None:
        """Queue a message; nothing after `close`."""
        self.send(wire.encode(message))

    def send(self, frame: bytes) -> None:
        """Queue a text frame; nothing after `close`."""
        if self._closing is not None:
            return
        self._frames.append(frame)
        self._pending_bytes += len(frame)
        if self._pending_bytes > MAX_PENDING_BYTES:
            self._give_up()
        self._wake.set()

    def close(self, closing: Closing) -> None:
        """Queue the end; what was queued before is still delivered. The first reason stays."""
        if self._closing is None:
            self._closing = closing
            self._wake.set()

    def drop(self) -> None:
        """End the transport at once."""
        self._drop()

    async def write(self, ping_every_s: float) -> None:
        """Deliver until the end is delivered or the transport is gone."""
        try:
            while await self._next_is_there(ping_every_s):
                await self._deliver()
            closing = self._closing
            if closing is not None:
                reason = closing.reason.encode()
                await self._socket.close(code=closing.code, message=reason)
        except TimeoutError:
            self._give_up()
        except ConnectionError:
            self._frames.clear()

    async def _next_is_there(self, ping_every_s: float) -> bool:
        while not self._frames:
            if self._closing is not None:
                return False
            self._wake.clear()
            try:
                async with asyncio.timeout(ping_every_s):
                    await self._wake.wait()
            except TimeoutError:
                await self._socket.ping()
        return True

    async def _deliver(self) -> None:
        frame = self._frames.popleft()
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await self._socket.send_str(frame.decode())
        self._pending_bytes -= len(frame)

    def _give_up(self) -> None:
        self.was_slow = True
        self._frames.clear()
        self._pending_bytes = 0
        self._drop()
