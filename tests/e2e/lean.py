"""A device of few lines: one UDP socket, WHIP or WHEP, and packets that are counted, not decoded.

It keeps its keys in the open, so that tests can record, replay, forge and break what it sends.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Literal

import aiohttp
from aioice import stun

from sfu.core.description import Fingerprint
from sfu.shell.dtls import Certificate, Dtls
from sfu.shell.srtp import Srtp
from sfu.shell.srtp_errors import SrtpError
from tests.e2e.poll import until
from tests.e2e.server import Server
from tests.e2e.wire import connect
from tests.netns.namespace import FIRST_ADDRESS

PACKETS_PER_S = 400  # audio of 5 ms frames, twice: enough to see a loss of one in a thousand
Way = Literal["whip", "whep"]

SSRC = 0x1E41
PAYLOAD_TYPE = 111
_TICK_S = 0.005
_CHECK_S = 1.0
_READY_WITHIN_S = 10.0
_LONGEST_S = 1200.0
_BUFFER_BYTES = 4 << 20
_SDP = """\
v=0\r
o=- 1 1 IN IP4 0.0.0.0\r
s=-\r
t=0 0\r
a=group:BUNDLE 0\r
m=audio 9 UDP/TLS/RTP/SAVPF 111\r
c=IN IP4 0.0.0.0\r
a=mid:0\r
a={direction}\r
a=rtcp-mux\r
a=rtpmap:111 opus/48000/2\r
a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\r
a=ice-ufrag:{ufrag}\r
a=ice-pwd:{password}\r
a=fingerprint:sha-256 {fingerprint}\r
a=setup:active\r
"""


class Lean:
    """Made by `device`."""

    def __init__(self, ufrag: str) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        self.socket.bind((FIRST_ADDRESS, 0))
        self.socket.setblocking(False)
        self.received = 0  # RTP packets that decrypt
        self.undecryptable = 0
        self.sent = 0
        self.answered = 0  # checks
        self.sealed: list[bytes] = []  # the newest packets that were sent, encrypted
        self.handshake: list[bytes] = []  # the DTLS datagrams that were sent
        self.srtp: Srtp | None = None
        self.remote_ufrag = self.remote_password = ""
        self._ufrag = ufrag
        self._certificate = Certificate()
        self._dtls = Dtls(self._certificate, "client", self._send_record)

    @property
    def address(self) -> tuple[str, int]:
        host, port = self.socket.getsockname()
        return host, port

    def offer(self, direction: str) -> str:
        return _SDP.format(
            direction=direction,
            ufrag=self._ufrag,
            password=secrets.token_hex(12),
            fingerprint=self._certificate.fingerprint.value,
        )

    def check(self, *, password: str | None = None) -> bytes:
        """A binding request as it stands on the wire; with another password it is forged."""
        message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        message.attributes["USERNAME"] = f"{self.remote_ufrag}:{self._ufrag}"
        message.attributes["PRIORITY"] = 1
        message.attributes["USE-CANDIDATE"] = None
        message.add_message_integrity((password or self.remote_password).encode())
        return bytes(message)

    async def connect(self, server: Server, answer: str) -> None:
        """ICE and DTLS with what the answer says."""
        found = {
            name: re.findall(rf"^a={name}:(.*?)\r?$", answer, re.M)[0]
            for name in ("ice-ufrag", "ice-pwd", "fingerprint")
        }
        self.remote_ufrag, self.remote_password = found["ice-ufrag"], found["ice-pwd"]
        algorithm, value = found["fingerprint"].split(" ")
        self.socket.connect((FIRST_ADDRESS, server.ready.port))
        asyncio.get_running_loop().add_reader(self.socket, self._read)
        self._send(self.check())

        async def answered() -> bool:
            return self.answered > 0

        await until(answered, _READY_WITHIN_S, "the first check is answered")
        self.srtp = await self._dtls.handshake([Fingerprint(algorithm, value)])

    async def keep_alive(self) -> None:
        """Check consent until cancelled."""
        while True:
            await asyncio.sleep(_CHECK_S)
            self._send(self.check())

    async def speak(self) -> None:
        """Send audio packets until cancelled, at a steady rate whatever the loop does."""
        started = time.monotonic()
        while True:
            due = int((time.monotonic() - started) * PACKETS_PER_S)
            while self.sent < due:
                self.speak_once()
            await asyncio.sleep(_TICK_S)

    def speak_once(self) -> None:
        assert self.srtp is not None
        number = self.sent
        packet = struct.pack(
            "!BBHII", 0x80, PAYLOAD_TYPE, number & 0xFFFF, number * 240 & 0xFFFFFFFF, SSRC
        ) + bytes(160)
        sealed = self.srtp.protect(packet)
        if self._send(sealed):
            self.sent += 1
            self.sealed = [*self.sealed[-31:], sealed]

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self.socket)
        self.socket.close()

    async def say_goodbye(self) -> None:
        await self._dtls.close()
        self.close()

    def _send_record(self, data: bytes) -> None:
        self.handshake.append(data)
        self._send(data)

    def _send(self, data: bytes) -> bool:
        with suppress(OSError):
            return self.socket.send(data) > 0
        return False

    def _read(self) -> None:
        with suppress(BlockingIOError, ConnectionRefusedError):
            while data := self.socket.recv(2048):
                self._receive(data)

    def _receive(self, data: bytes) -> None:
        if data[0] < 4:
            self.answered += 1
        elif data[0] < 64:
            self._dtls.receive(data)
        elif self.srtp is not None and not 192 <= data[1] <= 223:
            try:
                self.srtp.unprotect(data)
            except SrtpError:
                self.undecryptable += 1
            else:
                self.received += 1


class SteadyCall:
    """Somebody speaks and somebody listens; every packet is counted on both sides."""

    def __init__(self, speaker: Lean, listener: Lean) -> None:
        self.speaker, self.listener = speaker, listener

    async def flows(self) -> None:
        """Wait until the first packets have come through."""

        async def arrives() -> bool:
            return self.listener.received > PACKETS_PER_S // 4

        await until(arrives, _READY_WITHIN_S, "the listener hears the speaker")

    async def lost_during(self, seconds: float) -> tuple[int, int]:
        """(packets sent, packets that did not arrive) over so many seconds."""
        end = time.monotonic() + seconds
        return await self.lost_while(lambda: time.monotonic() < end)

    async def lost_while(self, condition: Callable[[], bool]) -> tuple[int, int]:
        """(packets sent, packets that did not arrive) while something goes on."""
        sent, received = self.speaker.sent, self.listener.received

        async def over() -> bool:
            return not condition()

        await until(over, _LONGEST_S)
        sent = self.speaker.sent - sent
        target = received + sent

        async def all_there() -> bool:
            return self.listener.received >= target

        with suppress(AssertionError):  # what is missing then is lost
            await until(all_there, 1.0)
        return sent, max(0, target - self.listener.received)


@asynccontextmanager
async def device(server: Server, name: str, way: Way, participant: str = "") -> AsyncIterator[Lean]:
    """Somebody in the demo's room by WHIP or WHEP (watching `participant`), connected."""
    lean = Lean(name)
    offer = lean.offer("sendonly" if way == "whip" else "recvonly")
    token = await server.token(server.ready.room, name, "--device", "--admitted")
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/sdp"}
    url = f"{server.ready.url}/{way}/{server.ready.room}"
    url += f"?participant={participant}" if participant else ""
    async with (
        aiohttp.ClientSession() as http,
        http.post(url, data=offer, headers=headers, ssl=False) as response,
    ):
        answer = await response.text()
        assert response.status == 201, answer
    await lean.connect(server, answer)
    checking = asyncio.create_task(lean.keep_alive())
    try:
        yield lean
    finally:
        checking.cancel()
        await asyncio.gather(checking, return_exceptions=True)
        await lean.say_goodbye()


@asynccontextmanager
async def steady_call(server: Server) -> AsyncIterator[SteadyCall]:
    """A publisher and a viewer of that publisher, with packets flowing."""
    async with device(server, "speaker", "whip") as speaker:
        participant = await _participant(server, "speaker")
        async with device(server, "listener", "whep", participant) as listener:
            speaking = asyncio.create_task(speaker.speak())
            call = SteadyCall(speaker, listener)
            try:
                await call.flows()
                yield call
            finally:
                speaking.cancel()
                await asyncio.gather(speaking, return_exceptions=True)


async def _participant(server: Server, name: str) -> str:
    """The id of the one with this name, as somebody else in the room learns it."""
    async with connect(server) as wire:
        token = await server.token(server.ready.room, "Carol", "--can", "subscribe", "--admitted")
        await wire.hello(token)
        while True:
            people = (await wire.hears("room"))["participants"]
            for person in people:
                if person["name"] == name:
                    return str(person["id"])
