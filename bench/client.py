"""A client of a run: signalling, ICE, DTLS and SRTP as a browser has them, without the media.

While it joins, a client has a socket of its own, which is read at once: the socket is bound to the
client's address and the run's port, so the kernel prefers it to the common socket. `hand_over`
closes it; from then on the common socket gets what comes for this address.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import time
from typing import Any

import aiohttp
import msgspec
from aioice import stun

from bench.mmsg import send_from
from bench.offers import Answer, Line, read_answer, write_offer
from bench.packets import Track
from sfu.core.description import DtlsRole
from sfu.core.rtp.serial import Unwrapper
from sfu.shell.dtls import Certificate, Dtls
from sfu.shell.srtp import Srtp
from signaling.core.messages import SUBPROTOCOL, VERSION

JOINED_WITHIN_S = 20.0
_CHECK_AGAIN_S = 0.25
_PRIORITY = (126 << 24) + (65_535 << 8) + 255  # RFC 8445 5.1.2.1, a host candidate


class JoinFailed(Exception):
    """A client did not get into the call, or no media came."""


class Common(msgspec.Struct, frozen=True):
    """What the clients of a run share."""

    url: str
    bulk: socket.socket
    certificate: Certificate


class Stream:
    """One stream that a client receives; `offset` is what the server adds to its timestamps."""

    __slots__ = ("client", "count", "kind", "last_seq", "offset", "publisher", "ssrc")

    def __init__(self, client: Client, kind: str, ssrc: int) -> None:
        self.client = client
        self.kind = kind
        self.ssrc = ssrc
        self.count = 0
        self.last_seq = 0
        self.offset: int | None = None
        self.publisher: Client | None = None


class Client:
    """`sends` names kinds of media; a client that `receives` has one slot of sound and picture."""

    def __init__(
        self, common: Common, address: str, sends: tuple[str, ...], *, receives: bool
    ) -> None:
        self.address = address
        self.tracks = [Track(kind, f"s{kind[0]}", secrets.randbits(31) | 1) for kind in sends]
        self.streams: list[Stream] = []
        self.repairs: tuple[int, ...] = ()  # ssrcs
        self.srtp: Srtp | None = None
        self.twcc_sent = 0
        self.arrivals: list[tuple[int, int]] = []  # (transport-wide number, µs) since a feedback
        self.numbers = Unwrapper()
        self.feedbacks = 0
        self.reports = 0
        self.started_at = 0.0  # hello was said
        self.first_media: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._common = common
        self._receives = receives
        self._password = secrets.token_hex(12)
        self._ufrag = secrets.token_hex(4)
        self._answer: Answer | None = None
        self._door: socket.socket | None = None
        self._reachable = asyncio.Event()
        self._dtls: Dtls | None = None
        self._session: aiohttp.ClientSession | None = None
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._listening: asyncio.Task[None] | None = None

    @property
    def server(self) -> tuple[str, int]:
        """Where media goes."""
        assert self._answer is not None
        return self._answer.address

    async def join(self, token: str) -> None:
        """Into the room, up to the SRTP keys. Raises JoinFailed."""
        try:
            async with asyncio.timeout(JOINED_WITHIN_S):
                await self._connect()
                self.started_at = time.monotonic()
                self._answer = await self._negotiate(token)
                await self._secure(self._answer)
        except (TimeoutError, aiohttp.ClientError, LookupError, OSError) as error:
            raise JoinFailed(f"a client did not get in: {error!r}") from error

    async def leave(self) -> None:
        """Give the seat up and close everything; may be called at any time."""
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
        if self._socket is not None and not self._socket.closed:
            await self._socket.send_json({"type": "leave", "request": 1})
            await self._socket.close()
        if self._session is not None:
            await self._session.close()
        if self._dtls is not None:
            await self._dtls.close()
        self.hand_over()

    def hand_over(self) -> None:
        """Let the common socket have what comes from now on."""
        if self._door is not None:
            asyncio.get_running_loop().remove_reader(self._door)
            self._door.close()
            self._door = None

    def send(self, data: bytes) -> None:
        """A datagram to the server."""
        if self._door is None:
            send_from(self._common.bulk, data, self.address, self.server)
            return
        try:
            self._door.send(data)
        except OSError:
            return

    def check(self) -> None:
        """A binding request that nominates the pair; keeps consent (RFC 7675)."""
        assert self._answer is not None
        request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        request.attributes["USERNAME"] = f"{self._answer.ufrag}:{self._ufrag}"
        request.attributes["PRIORITY"] = _PRIORITY
        request.attributes["ICE-CONTROLLING"] = 1
        request.attributes["USE-CANDIDATE"] = None
        request.add_message_integrity(self._answer.password.encode())
        request.add_fingerprint()
        self.send(bytes(request))

    async def _connect(self) -> None:
        connector = aiohttp.TCPConnector(local_addr=(self.address, 0), ssl=False)
        self._session = aiohttp.ClientSession(connector=connector)
        self._socket = await self._session.ws_connect(
            f"{self._common.url}/signal", protocols=(SUBPROTOCOL,)
        )

    async def _negotiate(self, token: str) -> Answer:
        assert self._socket is not None
        lines = self._lines()
        own = self._common.certificate.fingerprint
        await self._socket.send_json({"type": "hello", "version": VERSION, "token": token})
        await self._hears("welcome")
        sources = {"audio": "microphone", "video": "camera"}
        published = {sources[track.kind]: track.mid for track in self.tracks}
        slots = [{"video": "rv", "audio": "ra", "screen": False}] if self._receives else []
        offer = {
            "type": "offer",
            "id": 1,
            "sdp": write_offer(lines, self._ufrag, self._password, own),
            "publish": published,
            "slots": slots,
        }
        await self._socket.send_json(offer)
        declared = {name: name in published for name in ("microphone", "camera", "screen")}
        await self._socket.send_json({"type": "media", **declared})
        answer = read_answer(str((await self._hears("answer"))["sdp"]))
        self._listening = asyncio.create_task(self._listen())
        kinds = {line.mid: line.kind for line in lines if not line.sends}
        self.streams = [Stream(self, kinds[mid], ssrc) for mid, ssrc in answer.ssrcs.items()]
        self.repairs = answer.repairs
        return answer

    def _lines(self) -> tuple[Line, ...]:
        sending = tuple(
            Line(t.mid, t.kind, (t.ssrc,) if t.kind == "audio" else (t.ssrc, t.ssrc + 1))
            for t in self.tracks
        )
        return sending + ((Line("ra", "audio"), Line("rv", "video")) if self._receives else ())

    async def _hears(self, kind: str) -> dict[str, Any]:
        assert self._socket is not None
        while True:
            frame = await self._socket.receive()
            if frame.type is not aiohttp.WSMsgType.TEXT:
                raise JoinFailed(f"closed with {self._socket.close_code} instead of {kind}")
            message: dict[str, Any] = frame.json()
            if message["type"] == "error":
                raise JoinFailed(f"refused: {message['code']}, {message['message']}")
            if message["type"] == kind:
                return message

    async def _listen(self) -> None:
        """Read what comes, so that the socket's pings are answered."""
        assert self._socket is not None
        while not self._socket.closed:
            await self._socket.receive()

    async def _secure(self, answer: Answer) -> None:
        """Reach the server and agree on keys."""
        port = self._common.bulk.getsockname()[1]
        self._door = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._door.setblocking(False)
        self._door.bind((self.address, port))
        self._door.connect(answer.address)
        role: DtlsRole = "client" if answer.setup == "passive" else "server"
        self._dtls = Dtls(self._common.certificate, role, self.send)
        asyncio.get_running_loop().add_reader(self._door, self._read)
        while not self._reachable.is_set():
            self.check()
            try:
                async with asyncio.timeout(_CHECK_AGAIN_S):
                    await self._reachable.wait()
            except TimeoutError:
                continue
        self.srtp = await self._dtls.handshake([answer.fingerprint])

    def _read(self) -> None:
        while self._door is not None:
            try:
                data = self._door.recv(2048)
            except OSError:
                return
            if not data:
                return
            if data[0] < 4:
                self._reachable.set()
            elif 19 < data[0] < 64 and self._dtls is not None:
                self._dtls.receive(data)
            elif 127 < data[0] < 192 and not 192 <= data[1] <= 223 and not self.first_media.done():
                self.first_media.set_result(time.monotonic())
