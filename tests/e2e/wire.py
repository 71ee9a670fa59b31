"""A client that speaks call control by hand, to say what a browser never would."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from signaling.core.messages import SUBPROTOCOL, VERSION
from tests.e2e.server import Server

_ANSWER_WITHIN_S = 15.0


class Wire:
    """One WebSocket to the server."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def say(self, message: dict[str, Any]) -> None:
        await self._socket.send_json(message)

    async def say_text(self, text: str) -> None:
        await self._socket.send_str(text)

    async def hello(self, token: str) -> None:
        await self.say({"type": "hello", "version": VERSION, "token": token})

    async def hears(self, kind: str) -> dict[str, Any]:
        """The next message of this type, passing over others. Raises AssertionError."""
        async with asyncio.timeout(_ANSWER_WITHIN_S):
            while True:
                frame = await self._socket.receive()
                assert frame.data is not None and isinstance(frame.data, str | bytes), (
                    f"closed with {self._socket.close_code} instead of {kind}"
                )
                message: dict[str, Any] = json.loads(frame.data)
                if message["type"] == kind:
                    return message

    async def closed(self) -> int | None:
        """The close code that the server ends the connection with, as its last frame has it."""
        async with asyncio.timeout(_ANSWER_WITHIN_S):
            while not self._socket.closed:
                frame = await self._socket.receive()
                if frame.type is aiohttp.WSMsgType.CLOSE:
                    return int(frame.data)
        return self._socket.close_code


@asynccontextmanager
async def connect(server: Server) -> AsyncIterator[Wire]:
    """Open the socket as a program does (no Origin)."""
    async with (
        aiohttp.ClientSession() as client,
        client.ws_connect(
            f"{server.ready.url}/signal", protocols=(SUBPROTOCOL,), ssl=False
        ) as socket,
    ):
        yield Wire(socket)


async def close_code(server: Server, first: str) -> int | None:
    """How the server answers to this as the first frame."""
    async with connect(server) as wire:
        await wire.say_text(first)
        return await wire.closed()
