"""The WebSocket door `/signal`: origin, hello, then frames to the room until the socket ends.

One frame at a time per connection: the next one is read when the room has dealt with the last, so a
client that floods only fills its own TCP window. Before hello nothing but a well-formed hello is
taken; whatever ends a connection has a close code with a reason.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

from aiohttp import WSMessage, WSMsgType, web

from signaling.core import messages as m
from signaling.core import refusals, wire
from signaling.core.closing import Closing
from signaling.shell import log
from signaling.shell.connection import Connection

RECEIVE_CAP_BYTES = 2 * 1024 * 1024  # aiohttp drops larger frames unread (close code 1009)
CLOSE_TIMEOUT_S = 2.0  # how long a client may take to answer our close frame

OwnPage = Callable[[web.Request], bool]  # whether the request names an origin of ours


def is_welcome_origin(request: web.Request, is_own_page: OwnPage) -> bool:
    """Browsers always name the page's origin; other programs name none."""
    return "Origin" not in request.headers or is_own_page(request)


def new_socket() -> web.WebSocketResponse:
    """A WebSocket with our limits; pings and pongs come to us, compression is not offered."""
    return web.WebSocketResponse(
        protocols=(m.SUBPROTOCOL,),
        timeout=CLOSE_TIMEOUT_S,
        autoping=False,
        compress=False,
        max_msg_size=RECEIVE_CAP_BYTES,
        decode_text=False,
    )


class Refusal(Exception):
    """The connection ends; `error` is sent before, if there is one."""

    def __init__(self, closing: Closing, error: m.Error | None = None) -> None:
        super().__init__(closing.reason)
        self.closing = closing
        self.error = error


def refusal(closing: Closing, code: str) -> Refusal:
    """A refusal with one of our own sentences."""
    return Refusal(closing, m.Error(code, refusals.ROOM[code]))


async def receive_hello(
    socket: web.WebSocketResponse, timeout_s: float, counters: Counter[str]
) -> m.Hello | None:
    """The first message. None: the client went away. Raises Refusal."""
    try:
        async with asyncio.timeout(timeout_s):
            frame = await _first_frame(socket)
    except TimeoutError:
        raise Refusal(Closing.HEARTBEAT) from None
    if frame is None:
        return None
    try:
        hello = parse(frame, counters)
    except wire.Malformed as problem:
        raise Refusal(Closing.BAD_MESSAGE, problem.error) from None
    return _checked(hello)


async def _first_frame(socket: web.WebSocketResponse) -> WSMessage | None:
    while True:
        frame = await socket.receive()
        if frame.type is WSMsgType.PING:
            await socket.pong(frame.data)
        elif frame.type is not WSMsgType.PONG:
            return None if is_end(frame) else frame


def _checked(hello: m.ClientMessage) -> m.Hello:
    if not isinstance(hello, m.Hello):
        raise refusal(Closing.BAD_MESSAGE, "bad_message")
    if hello.version != m.VERSION:
        raise refusal(Closing.BAD_MESSAGE, "version")
    if (hello.token is None) == (hello.seat is None):
        raise refusal(Closing.BAD_MESSAGE, "bad_message")
    return hello


def is_end(frame: WSMessage) -> bool:
    """Whether the socket is over, by either side or by an error below us."""
    return frame.type not in (WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.PING, WSMsgType.PONG)


def parse(frame: WSMessage, counters: Counter[str]) -> m.ClientMessage:
    """A text or binary frame as a message. Raises Refusal or wire.Malformed."""
    if len(frame.data) > m.MAX_FRAME_BYTES:
        counters["frames_too_large"] += 1
        raise Refusal(Closing.TOO_LARGE)
    if frame.type is not WSMsgType.TEXT:
        counters["frames_garbage"] += 1
        raise refusal(Closing.BAD_MESSAGE, "bad_message")
    try:
        return wire.decode(frame.data)
    except wire.Garbage:
        counters["frames_garbage"] += 1
        raise refusal(Closing.BAD_MESSAGE, "bad_message") from None
    except wire.Malformed:
        counters["messages_malformed"] += 1
        raise


def turn_away(connection: Connection, why: Refusal) -> None:
    """Say why, then close."""
    if why.error is not None:
        connection.send(wire.encode(why.error))
    connection.close(why.closing)
    log.note("connection refused", connection=connection.id, code=why.closing.reason)
