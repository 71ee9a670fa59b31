"""A small client of the WebDriver BiDi protocol: commands over a WebSocket, events to a listener.

https://www.w3.org/TR/webdriver-bidi/ . Debian has no geckodriver; Firefox speaks BiDi by itself.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
from collections.abc import Callable
from typing import Any

import aiohttp

from tests.e2e.browsers.page import ANSWER_WITHIN_S, PageError
from tests.netns.hosts import Host

Listener = Callable[[str, dict[str, Any]], None]

_MAX_MESSAGE_BYTES = 64 * 1024 * 1024  # a screenshot comes in one message


class BidiConnection:
    """One session with a browser."""

    def __init__(
        self, http: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse
    ) -> None:
        self._http = http
        self._socket = socket
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._listeners: list[Listener] = []
        self._reader = asyncio.create_task(self._read())

    def listen(self, listener: Listener) -> None:
        """Call `listener(method, params)` for each event that was subscribed to."""
        self._listeners.append(listener)

    async def command(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command and return its result. Raises PageError on a refusal or no answer."""
        number = next(self._ids)
        answer = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        await self._socket.send_str(json.dumps({"id": number, "method": method, "params": params}))
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                message = await answer
        except TimeoutError:
            raise PageError(f"no answer to {method} {params}") from None
        finally:
            del self._waiting[number]
        if message["type"] == "error":
            raise PageError(f"{method}: {message['error']}: {message['message']}")
        result: dict[str, Any] = message["result"]
        return result

    async def close(self) -> None:
        await self._socket.close()
        await self._reader
        await self._http.close()

    async def _read(self) -> None:
        async for frame in self._socket:
            message = json.loads(frame.data)
            if message["type"] == "event":
                for listener in self._listeners:
                    listener(message["method"], message["params"])
            elif (waiting := self._waiting.get(message["id"])) and not waiting.done():
                waiting.set_result(message)
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(PageError("the browser closed the connection"))


async def connect(url: str, host: Host | None = None) -> BidiConnection:
    """Open a session at the address that the browser printed (ws://127.0.0.1:PORT) on `host`."""
    http = aiohttp.ClientSession(connector=_connector_on(host) if host else None)
    socket = await http.ws_connect(f"{url}/session", max_msg_size=_MAX_MESSAGE_BYTES)
    connection = BidiConnection(http, socket)
    await connection.command(
        "session.new", capabilities={"alwaysMatch": {"acceptInsecureCerts": True}}
    )
    await connection.command("session.subscribe", events=["log.entryAdded"])
    return connection


def _connector_on(host: Host) -> aiohttp.TCPConnector:
    """Connections that leave from that machine: 127.0.0.1 is then its own."""
    return aiohttp.TCPConnector(
        socket_factory=lambda address: host.socket(
            socket.AddressFamily(address[0]), socket.SocketKind(address[1])
        )
    )
