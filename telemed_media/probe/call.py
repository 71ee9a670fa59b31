"""One call of a probe: into a room by WHIP (RFC 9725), then ICE, DTLS and SRTP over one transport.

The probe sends Opus silence and waits until the server reports that it came: media went there, and
an answer came back, under the keys that were agreed on.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import ssl
import time
from collections.abc import Awaitable, Callable
from struct import Struct
from urllib.parse import urljoin

import aiohttp
import msgspec
from aioice import stun

from sfu.shell.dtls import Certificate, Dtls, DtlsError
from sfu.shell.srtp import Srtp
from telemed_media.probe.facts import Attempt, Stage, Transport
from telemed_media.probe.offer import (
    OPUS,
    Answer,
    Credentials,
    new_credentials,
    read_answer,
    write_offer,
)
from telemed_media.probe.transports import Channel, Receive, TurnServer

STAGE_S = 5.0  # a browser's call is expected to be up in that time
CHECK_EVERY_S = 0.25
SOUND_EVERY_S = 0.02
_PRIORITY = (126 << 24) + (65_535 << 8) + 255  # RFC 8445 section 5.1.2.1, a host candidate
_SILENCE = b"\xf8\xff\xfe"  # Opus (RFC 6716 section 3.1): CELT, 20 ms, nothing in it
_FRAME_SAMPLES = 960  # 20 ms at 48 kHz
_RTP = Struct("!BBHII")
_LINK = re.compile(
    r'<turns:([^>]+?):(\d+)(?:\?[^>]*)?>[^,]*?username="([^"]+)"[^,]*?credential="([^"]+)"'
)

Open = Callable[[Receive], Awaitable[Channel]]


class Refused(Exception):
    """The server lets the probe not into a room; the message says why."""


class Session(msgspec.Struct, frozen=True):
    """A seat in a room, and what is needed to send media from it."""

    location: str
    ice: Credentials
    ssrc: int
    answer: Answer
    relays: tuple[TurnServer, ...]


class Caller:
    """Enters and leaves one room as a device, again and again."""

    def __init__(self, web: aiohttp.ClientSession, trust: ssl.SSLContext, token: str) -> None:
        self._web = web
        self._trust = trust
        self._headers = {"Authorization": f"Bearer {token}"}
        self._certificate = Certificate()

    async def enter(self, address: str) -> Session:
        """`address` is the room's WHIP endpoint. Raises Refused, aiohttp.ClientError."""
        ice, ssrc = new_credentials(), secrets.randbits(31) | 1
        offer = write_offer(ice, self._certificate.fingerprint, ssrc)
        headers = {**self._headers, "Content-Type": "application/sdp"}
        async with self._web.post(
            address, data=offer.encode(), headers=headers, ssl=self._trust
        ) as reply:
            text = await reply.text()
            if reply.status != 201:
                raise Refused(f"status {reply.status}")
            try:
                answer = read_answer(text)
            except LookupError as why:
                raise Refused(str(why)) from why
            location = urljoin(address, reply.headers["Location"])
            links = ",".join(reply.headers.getall("Link", ()))
            return Session(location, ice, ssrc, answer, _relays(links))

    async def leave(self, session: Session) -> None:
        async with self._web.delete(session.location, headers=self._headers, ssl=self._trust):
            return

    async def attempt(
        self, session: Session, transport: Transport, address: tuple[str, int], open_: Open
    ) -> Attempt:
        """Call over the transport that `open_` makes. Never raises for what the network does."""
        started = time.monotonic()
        line = _Line(self._certificate, session)
        stage: Stage = "connect"
        try:
            for stage in line.stages:
                async with asyncio.timeout(STAGE_S):
                    await line.pass_stage(stage, open_)
            stage = "done"
        except (OSError, EOFError, TimeoutError, ValueError, DtlsError):
            pass
        finally:
            await line.close()
        return Attempt(transport, *address, stage, time.monotonic() - started)


class _Line:
    """The state of one attempt."""

    stages: tuple[Stage, ...] = ("connect", "check", "keys", "media")

    def __init__(self, certificate: Certificate, session: Session) -> None:
        self._session = session
        self._channel: Channel | None = None
        self._srtp: Srtp | None = None
        self._answered = asyncio.Event()
        self._reported = asyncio.Event()
        role = "client" if session.answer.setup == "passive" else "server"
        self._dtls = Dtls(certificate, "client" if role == "client" else "server", self._send)

    async def pass_stage(self, stage: Stage, open_: Open) -> None:
        """Raises TimeoutError by the caller's clock, OSError, EOFError, ValueError, DtlsError."""
        if stage == "connect":
            self._channel = await open_(self._receive)
        elif stage == "check":
            await self._repeat(self._check, CHECK_EVERY_S, self._answered)
        elif stage == "keys":
            self._srtp = await self._dtls.handshake([self._session.answer.fingerprint])
        else:
            await self._repeat(self._sounds(self._srtp), SOUND_EVERY_S, self._reported)

    async def close(self) -> None:
        await self._dtls.close()
        if self._channel is not None:
            await self._channel.close()

    async def _repeat(self, act: Callable[[], None], every_s: float, until: asyncio.Event) -> None:
        while not until.is_set():
            act()
            try:
                async with asyncio.timeout(every_s):
                    await until.wait()
            except TimeoutError:
                continue

    def _send(self, data: bytes) -> None:
        if self._channel is not None:
            self._channel.send(data)

    def _check(self) -> None:
        theirs = self._session.answer.ice
        request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        request.attributes["USERNAME"] = f"{theirs.ufrag}:{self._session.ice.ufrag}"
        request.attributes["PRIORITY"] = _PRIORITY
        request.attributes["ICE-CONTROLLING"] = 1
        request.attributes["USE-CANDIDATE"] = None
        request.add_message_integrity(theirs.password.encode())
        request.add_fingerprint()
        self._send(bytes(request))

    def _sounds(self, srtp: Srtp | None) -> Callable[[], None]:
        assert srtp is not None
        keys, sent = srtp, iter(range(1 << 16))

        def sound() -> None:
            n = next(sent)
            head = _RTP.pack(0x80, OPUS, n, n * _FRAME_SAMPLES, self._session.ssrc)
            self._send(keys.protect(head + _SILENCE))

        return sound

    def _receive(self, data: bytes) -> None:
        """Told apart as RFC 7983 does, RTCP from RTP as RFC 5761 section 4 does."""
        if not data:
            return
        if data[0] < 4:
            self._answered.set()
        elif 19 < data[0] < 64:
            self._dtls.receive(data)
        elif 127 < data[0] < 192 and len(data) > 1 and 192 <= data[1] <= 223:
            self._reported.set()


def _relays(links: str) -> tuple[TurnServer, ...]:
    """The `turns:` servers of Link headers (RFC 9725 section 4.6)."""
    return tuple(
        TurnServer(host.strip("[]"), int(port), username, password)
        for host, port, username, password in _LINK.findall(links)
    )
