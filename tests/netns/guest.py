"""A participant of the churn: a WebSocket and a media connection that end in every way there is.

Each is a real one (TLS, ICE checks, a DTLS handshake), but carries no media. A `Guest` has one seat
at a time and comes back to it, whatever it did to its connections before.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from contextlib import suppress
from typing import Any

import aiohttp
from aioice import stun

from bench.offers import Answer, Line, read_answer, write_offer
from sfu.core.description import Fingerprint
from sfu.shell.dtls import Certificate, Dtls
from signaling.core.messages import SUBPROTOCOL, VERSION
from tests.e2e.server import Server
from tests.netns.namespace import FIRST_ADDRESS

_WITHIN_S = 15.0
_CHECK_AGAIN_S = 0.2
_PAUSE_S = 1.0  # a room's share of new connections refills by then
_LINES = (Line("sa", "audio", (0x5EA7,)), Line("ra", "audio"), Line("rv", "video"))
_PUBLISH = {"microphone": "sa"}
_SLOTS = [{"audio": "ra", "video": "rv", "screen": False}]


class Unavailable(Exception):
    """The media server asks for patience."""


class Media:
    """One PeerConnection, as far as the server can tell."""

    def __init__(self, certificate: Certificate) -> None:
        self._certificate = certificate
        self._ufrag, self._password = secrets.token_hex(4), secrets.token_hex(12)
        self._reachable = asyncio.Event()
        self._answer: Answer | None = None
        self._dtls: Dtls | None = None
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((FIRST_ADDRESS, 0))
        self._socket.setblocking(False)

    def offer(self) -> str:
        return write_offer(_LINES, self._ufrag, self._password, self._fingerprint)

    async def connect(self, answer: Answer) -> None:
        """ICE and DTLS."""
        self._answer = answer
        self._socket.connect(answer.address)
        asyncio.get_running_loop().add_reader(self._socket, self._read)
        self._dtls = Dtls(self._certificate, "client", self._send)
        while not self._reachable.is_set():
            self.check()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._reachable.wait(), _CHECK_AGAIN_S)
        await self._dtls.handshake([answer.fingerprint])

    def check(self) -> None:
        """A binding request, which keeps consent."""
        if self._answer is None:
            return
        request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        request.attributes["USERNAME"] = f"{self._answer.ufrag}:{self._ufrag}"
        request.attributes["PRIORITY"] = 1
        request.attributes["USE-CANDIDATE"] = None
        request.add_message_integrity(self._answer.password.encode())
        self._send(bytes(request))

    async def vanish(self) -> None:
        """Be gone without a word: whatever DTLS still says has no socket to leave by."""
        self._close_socket()
        if self._dtls is not None:
            await self._dtls.close()

    async def say_goodbye(self) -> None:
        """Be gone as a browser that closes its connection."""
        if self._dtls is not None:
            await self._dtls.close()
        self._close_socket()

    @property
    def _fingerprint(self) -> Fingerprint:
        return self._certificate.fingerprint

    def _close_socket(self) -> None:
        if self._socket.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()

    def _send(self, data: bytes) -> None:
        with suppress(OSError):
            self._socket.send(data)

    def _read(self) -> None:
        with suppress(OSError):
            while data := self._socket.recv(2048):
                if data[0] < 4:
                    self._reachable.set()
                elif 19 < data[0] < 64 and self._dtls is not None:
                    self._dtls.receive(data)


class Guest:
    """Somebody who is always in the call, or about to be."""

    def __init__(
        self,
        server: Server,
        http: aiohttp.ClientSession,
        room: str,
        name: str,
        tokens: list[str],
    ) -> None:
        self.name = name
        self.room = room
        self.participant = ""
        self.joins = 0
        self.lost_seats = 0
        self.people: dict[str, dict[str, Any]] = {}  # id → participant, of the newest snapshot
        self._server = server
        self._http = http
        self._tokens = tokens
        self._key = ""
        self._address = f"10.66.{secrets.randbelow(256)}.{secrets.randbelow(256)}"
        self._line: aiohttp.ClientWebSocketResponse | None = None
        self._reading: asyncio.Task[None] | None = None
        self._awaited: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._media: Media | None = None
        self._offers = 0

    # coming

    async def join(self) -> None:
        """With a fresh token: a new seat, or the held one taken over."""
        self._key = ""
        await self._come()

    async def come_back(self) -> None:
        """With the seat key; the same seat must still be there."""
        before = self.participant
        await self._come()
        self.lost_seats += self.participant != before

    async def open_media(self) -> None:
        """A new PeerConnection over the signalling of now."""
        media = Media(Certificate())
        old, self._media = self._media, media
        if old is not None:
            await old.vanish()
        answer = await self._offer(media.offer())
        async with asyncio.timeout(_WITHIN_S):
            await media.connect(read_answer(answer))

    async def knock(self) -> None:
        """Come with the seat key and be gone before the answer."""
        line = await self._open()
        await line.send_json({"type": "hello", "version": VERSION, "seat": self._key})
        _abort(line)

    # going

    def lose_line(self) -> None:
        """The network takes the WebSocket away."""
        self._forget_line()

    async def close_line(self) -> None:
        """A page that is closed."""
        if self._line is not None:
            await self._line.close()
        self._forget_line()

    async def be_killed(self) -> None:
        """Everything is gone without a word."""
        self._forget_line()
        media, self._media = self._media, None
        if media is not None:
            await media.vanish()

    async def hang_up(self) -> None:
        """The media connection ends politely, the page stays."""
        media, self._media = self._media, None
        if media is not None:
            await media.say_goodbye()

    async def leave(self) -> None:
        """Give the seat up."""
        await self._ask("done", type="leave", request=1)
        await self.be_killed()

    def keep_consent(self) -> None:
        if self._media is not None:
            self._media.check()

    # the line

    async def _come(self) -> None:
        line = await self._open()
        old = self._line
        self._begin(line)
        hello = {"seat": self._key} if self._key else {"token": self._tokens.pop()}
        welcome = await self._ask("welcome", type="hello", version=VERSION, **hello)
        self.joins += 1
        self._offers = 0
        self.participant, self._key = str(welcome["participant"]), str(welcome["seat"])
        if old is not None and not old.closed:
            await old.close()  # the other tab, which the server has hung up on

    def _begin(self, line: aiohttp.ClientWebSocketResponse) -> None:
        reading = self._reading
        self._line = line
        self._reading = asyncio.create_task(self._read(line))
        if reading is not None:
            reading.cancel()

    def _forget_line(self) -> None:
        line, self._line = self._line, None
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None
        if line is not None:
            _abort(line)

    async def _offer(self, sdp: str) -> str:
        """The answer; where too many connect at once, offer again after a pause, as pages do."""
        while True:
            self._offers += 1
            offer = {"id": self._offers, "sdp": sdp, "publish": _PUBLISH, "slots": _SLOTS}
            try:
                return str((await self._ask("answer", type="offer", **offer))["sdp"])
            except Unavailable:
                await asyncio.sleep(_PAUSE_S)

    async def _open(self) -> aiohttp.ClientWebSocketResponse:
        return await self._http.ws_connect(
            f"{self._server.ready.url}/signal",
            protocols=(SUBPROTOCOL,),
            ssl=False,
            headers={"X-Forwarded-For": self._address},
        )

    async def _ask(self, answer: str, **message: Any) -> dict[str, Any]:
        """Say something and wait for the answer of this type, or an error."""
        assert self._line is not None
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._awaited[answer] = future
        await self._line.send_json(message)
        async with asyncio.timeout(_WITHIN_S):
            return await future

    async def _read(self, line: aiohttp.ClientWebSocketResponse) -> None:
        async for frame in line:
            message: dict[str, Any] = frame.json()
            kind = str(message["type"])
            if kind == "room":
                self.people = {one["id"]: one for one in message["participants"]}
            if kind == "error" and message["code"] in ("media_unavailable", "rate_limit"):
                self._fail(Unavailable())
            elif kind == "error":
                self._fail(AssertionError(f"{self.name} was refused: {message}"))
            elif (waiting := self._awaited.pop(kind, None)) is not None and not waiting.done():
                waiting.set_result(message)
        if self._line is line:
            self._fail(AssertionError(f"{self.name}: closed with {line.close_code}"))

    def _fail(self, why: Exception) -> None:
        awaited, self._awaited = self._awaited, {}
        for waiting in awaited.values():
            if not waiting.done():
                waiting.set_exception(why)


def _abort(line: aiohttp.ClientWebSocketResponse) -> None:
    transport = line._writer.transport
    if transport is not None:
        with suppress(AttributeError):  # Python 3.11.2, where the connection is lost already
            transport.abort()
