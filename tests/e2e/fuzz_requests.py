"""Hostile HTTP and WebSocket by the seed, as bytes on TLS connections of their own.

Every request names another client in X-Forwarded-For (the test trusts itself as a proxy), so that
the limits per address do not hide what stands behind them.
"""

from __future__ import annotations

import asyncio
import json
import random
import ssl
import struct
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

from signaling.core.messages import SUBPROTOCOL, VERSION
from tests.e2e import mint
from tests.e2e.server import Server
from tests.netns.namespace import FIRST_ADDRESS

AT_ONCE = 8
CLIENTS = 250  # addresses that the requests seem to come from
_ANSWER_WITHIN_S = 0.5  # then the next request: many are never finished
_CONNECTED_WITHIN_S = 15.0
_TOKENS_HOLD_S = 7200.0
_METHODS = (
    "GET",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "HEAD",
    "OPTIONS",
    "TRACE",
    "CONNECT",
    "X" * 40,
)
_MEDIA_TYPES = ("application/json", "application/sdp", "application/trickle-ice-sdpfrag", "text/x")
_UPGRADE = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    f"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: {SUBPROTOCOL}\r\n"
)
_WORDS = ("hello", "offer", "chat", "view", "slot_ready", "ping", "admit", "mute", "end", "leave")
_FIELDS = ("type", "version", "token", "seat", "id", "sdp", "publish", "slots", "text", "secret")


class RequestFuzzer:
    """`run(count)` sends so many requests; `statuses` counts the first lines of the answers."""

    def __init__(self, server: Server, offer: str, seed: int) -> None:
        self.statuses: Counter[str] = Counter()
        self._server = server
        self._offer = offer
        self._chance = random.Random(seed)
        self._once: list[str] = []  # tokens
        self._again: list[str] = []
        self._trust = ssl.create_default_context(cafile=str(server.data / "tls" / "ca.pem"))
        room = server.ready.room
        self._paths = (
            *("/", "/join", "/join/open", "/join/exchange", "/static/js/call.js"),
            *(
                "/static/../../etc/passwd",
                "/favicon.ico",
                "/manifest.webmanifest",
                "/healthz",
                "/readyz",
                "/metrics",
            ),
            *("/signal", "/signal?a=b", f"/whip/{room}", f"/whep/{room}", "/whip/nowhere"),
            *(f"/whip/{room}/{'ab' * 32}", f"/whep/{room}?participant=x", "*", "//", "/%00%ff"),
        )
        self._kinds: list[Callable[[], bytes]] = [
            self._plain,
            self._broken,
            self._huge_header,
            self._huge_body,
            self._bad_chunks,
            self._nonsense,
            self._device,
            self._strange_socket,
            self._socket,
        ]

    async def run(self, count: int) -> None:
        await self._mint(count)
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._some(count // AT_ONCE))

    async def _mint(self, count: int) -> None:
        """Tokens of three people: as many that open once as there can be hellos."""
        data, room = self._server.data, self._server.ready.room
        for _ in range(3):
            seat = await mint.new_seat(data, room, "Mallory")
            self._once += await mint.tokens_for(data, seat, count, ttl_s=_TOKENS_HOLD_S)
            self._again += await mint.tokens_for(data, seat, ttl_s=_TOKENS_HOLD_S, reusable=True)
        self._chance.shuffle(self._once)

    async def _some(self, count: int) -> None:
        for _ in range(count):
            await self._one(self._chance.choice(self._kinds)())

    async def _one(self, data: bytes) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            async with asyncio.timeout(_CONNECTED_WITHIN_S):
                reader, writer = await asyncio.open_connection(
                    FIRST_ADDRESS, self._server.ready.port, ssl=self._trust
                )
            try:
                writer.write(data)
                with suppress(TimeoutError):
                    async with asyncio.timeout(_ANSWER_WITHIN_S):
                        first = await reader.readline()
                        self.statuses[first[9:12].decode("latin-1")] += 1
                        await reader.read(1 << 16)
            finally:
                writer.transport.abort()

    # kinds

    def _plain(self) -> bytes:
        return self._request(self._body())

    def _broken(self) -> bytes:
        chance, data = self._chance, bytearray(self._plain())
        for _ in range(chance.randrange(1, 8)):
            data[chance.randrange(min(len(data), 300))] = chance.randrange(256)
        return bytes(data[: chance.choice((len(data), chance.randrange(1, len(data))))])

    def _huge_header(self) -> bytes:
        size = self._chance.choice((8_000, 20_000, 100_000))
        many = "".join(f"X-{n}: {n}\r\n" for n in range(size // 10))
        return self._request(b"", self._chance.choice((f"X: {'y' * size}\r\n", many)))

    def _huge_body(self) -> bytes:
        return self._request(b"[" * self._chance.choice((5_000, 100_000, 1_500_000)))

    def _bad_chunks(self) -> bytes:
        head = self._head(self._chance.choice(("POST", "PATCH")), "Transfer-Encoding: chunked\r\n")
        return head + self._chance.choice(
            (b"zz\r\n", b"5\r\nhello", b"-1\r\n", b"FFFFFFFFFFFFFFFF\r\nx", b"2\r\nhi\r\n0\r\n\r\n")
        )

    def _nonsense(self) -> bytes:
        return self._chance.randbytes(self._chance.randrange(1, 2000)) + b"\r\n\r\n"

    def _device(self) -> bytes:
        """WHIP and WHEP with a token that opens, and an SDP that may be broken."""
        chance, sdp = self._chance, bytearray(self._offer.encode())
        for _ in range(chance.randrange(8)):
            sdp[chance.randrange(len(sdp))] = chance.randrange(256)
        way = chance.choice(("whip", "whep"))
        token = chance.choice(self._again)
        more = f"Authorization: Bearer {token}\r\nContent-Type: application/sdp\r\n"
        path = f"/{way}/{self._server.ready.room}"
        return self._head("POST", f"{more}Content-Length: {len(sdp)}\r\n", path) + bytes(sdp)

    def _strange_socket(self) -> bytes:
        """Frames before a hello."""
        return self._head("GET", _UPGRADE, "/signal") + self._frames()

    def _socket(self) -> bytes:
        """A hello that is right, then everything."""
        hello = {"type": "hello", "version": VERSION, "token": self._once.pop()}
        first = _frame(0x81, json.dumps(hello).encode())
        return self._head("GET", _UPGRADE, "/signal") + first + self._frames()

    # parts

    def _request(self, body: bytes, more: str = "") -> bytes:
        chance = self._chance
        length = chance.choice((str(len(body)), str(len(body)), "-1", "99999999999999999999", "x"))
        media_type = chance.choice(_MEDIA_TYPES)
        more += f"Content-Type: {media_type}\r\nContent-Length: {length}\r\n"
        if chance.random() < 0.3:
            more += chance.choice(("Origin: null\r\n", "Range: bytes=9-1\r\n", _UPGRADE))
        if chance.random() < 0.3:
            more += f"Authorization: Bearer {'a' * chance.randrange(3000)}\r\n"
        if chance.random() < 0.5:
            more += f"Origin: {self._server.ready.url}\r\n"
        return self._head(chance.choice(_METHODS), more) + body

    def _head(self, method: str, more: str, path: str = "") -> bytes:
        path = path or self._chance.choice(self._paths)
        client = f"203.0.113.{self._chance.randrange(CLIENTS)}"
        host = self._server.ready.url.partition("//")[2]
        first = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-For: {client}\r\n"
        return f"{first}{more}\r\n".encode("latin-1")

    def _body(self) -> bytes:
        chance = self._chance
        return chance.choice(
            (
                b"",
                b"{",
                b"\xff\xfe" + chance.randbytes(40),
                b"[" * 3000 + b"]" * 3000,
                json.dumps(self._value(3)).encode(),
                json.dumps({"secret": "x" * chance.randrange(600)}).encode(),
            )
        )

    def _value(self, depth: int) -> object:
        """Anything that JSON can say, with our own words as names."""
        chance = self._chance
        leaf = chance.choice((None, True, -1, 1e300, 2**70, "", "x" * 300, chance.choice(_WORDS)))
        if depth == 0 or chance.random() < 0.3:
            return leaf
        if chance.random() < 0.3:
            return [self._value(depth - 1) for _ in range(chance.randrange(4))]
        names = chance.sample(_FIELDS, chance.randrange(1, 5))
        return {name: self._value(depth - 1) for name in names}

    def _frames(self) -> bytes:
        return b"".join(self._any_frame() for _ in range(self._chance.randrange(1, 8)))

    def _any_frame(self) -> bytes:
        chance = self._chance
        message = self._value(3)
        if isinstance(message, dict) and chance.random() < 0.7:
            message = {"type": chance.choice(_WORDS), **message}
        data = chance.choice(
            (json.dumps(message).encode(), chance.randbytes(chance.randrange(300)))
        )
        match chance.randrange(8):
            case 0:
                return _frame(chance.randrange(256), data)
            case 1:
                return _frame(0x01, data) + _frame(chance.choice((0x00, 0x80, 0x81)), data)
            case 2:
                return _frame(chance.choice((0x88, 0x89, 0x8A)), data[: chance.randrange(200)])
            case 3:
                return bytes((0x81, 0xFF)) + struct.pack("!Q", chance.choice((1 << 20, 1 << 63)))
            case 4:
                return bytes((0x81, len(data) & 0x7F)) + data  # without a mask
        return _frame(0x81, data)


def _frame(first: int, data: bytes) -> bytes:
    """A WebSocket frame as a client sends it, with a mask of zeros (RFC 6455 5.2)."""
    if len(data) < 126:
        length = bytes((0x80 | len(data),))
    else:
        length = bytes((0xFE,)) + struct.pack("!H", len(data) & 0xFFFF)
    return bytes((first,)) + length + bytes(4) + data
