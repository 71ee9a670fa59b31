"""A running front on a real socket, and people who talk to it.

`Clinic` is the server side: a real store, a fake media plane, a desk in memory. `restart` throws
the front away and starts another on the same file, plane and desk. `Caller` is one person's socket.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TypeVar

import aiohttp
import msgspec
from aiohttp import web
from aiohttp.test_utils import TestServer

from clinic_api.http.origin import OWN, Own, is_own_page
from signaling.core import messages as m
from signaling.core.rights import Rights
from signaling.core.settings import CallSettings
from signaling.ports import Entry, Gatekeeper, VisitLog
from signaling.shell.calls import CallControl
from signaling.shell.clock import steady_clock
from signaling.shell.ids import RandomIds
from signaling.shell.store import Store
from tests.signaling.shell.desk import Desk
from tests.signaling.shell.plane import FakePlane

ROOM = "visit-1"
PORTAL = "https://portal.example"  # the public origin
DEADLINE_S = 5.0  # for anything that must come; a failing test waits this long
DOCTOR = Rights(publish=True, subscribe=True, moderate=True, chat=True)
PATIENT = Rights(publish=True, subscribe=True, chat=True)
EVERYONE = {"bob": (DOCTOR, False), "carol": (DOCTOR, False), "alice": (PATIENT, True)}

M = TypeVar("M", bound=m.ServerMessage)
_decoder: msgspec.json.Decoder[m.ServerMessage] = msgspec.json.Decoder(m.ServerMessage)


class Closed(Exception):
    """The server closed the socket."""

    def __init__(self, code: int | None) -> None:
        super().__init__(str(code))
        self.code = code


class Caller:
    """One WebSocket of one person."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.participant = ""
        self.seat = ""
        self._request = 0

    async def say(self, message: m.ClientMessage) -> None:
        await self.socket.send_str(msgspec.json.encode(message).decode())

    async def next(self) -> m.ServerMessage:
        async with asyncio.timeout(DEADLINE_S):
            frame = await self.socket.receive()
        if frame.type is not aiohttp.WSMsgType.TEXT:
            raise Closed(self.socket.close_code)
        return _decoder.decode(frame.data)

    async def hear(self, kind: type[M]) -> M:
        """The next message of this kind; others are passed over."""
        while not isinstance(message := await self.next(), kind):
            pass
        return message

    async def closed(self) -> int | None:
        """Wait for the end; the close code."""
        try:
            while True:
                await self.next()
        except Closed as end:
            return end.code

    async def ask(self, kind: type[m.ClientMessage], **fields: object) -> m.Done | m.Error:
        """Send a request and wait for its outcome."""
        self._request += 1
        await self.say(
            msgspec.convert(
                {"type": kind.__struct_config__.tag, "request": self._request, **fields}, kind
            )
        )
        while True:
            message = await self.next()
            if isinstance(message, m.Done | m.Error) and message.request == self._request:
                return message

    async def nothing_but_pong(self) -> list[m.ServerMessage]:
        """Everything that was sent before the answer to a ping sent now."""
        await self.say(m.Ping())
        heard: list[m.ServerMessage] = []
        while not isinstance(message := await self.next(), m.Pong):
            heard.append(message)
        return heard


class Clinic:
    """One front after another on the same data folder and the same media plane."""

    def __init__(self, folder: Path, settings: CallSettings) -> None:
        self.folder = folder
        self.settings = settings
        self.plane = FakePlane()
        self.clock = steady_clock()
        self.desk = Desk(self.clock, {ROOM})
        self.gate: Gatekeeper = self.desk
        self.log: VisitLog = self.desk
        self._client: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        self.store = await Store.open(self.folder / "calls.sqlite")
        self.calls = CallControl(
            self.plane,
            self.gate,
            self.log,
            self.store,
            self.settings,
            self.clock,
            RandomIds(),
            is_own_page,
        )
        await self.calls.start()
        app = web.Application()
        app[OWN] = Own(PORTAL)
        app.router.add_get("/signal", self.calls.handler)
        self.calls.devices.add_routes(app)
        self.server = TestServer(app)
        await self.server.start_server()
        self._client = aiohttp.ClientSession()

    async def close(self) -> None:
        await self.calls.close()
        if self._client is not None:
            await self._client.close()
        await self.server.close()
        await self.store.close()

    async def restart(self) -> None:
        await self.close()
        await self.open()

    def token(
        self,
        who: str,
        *,
        room: str = ROOM,
        ttl_s: float = 60,
        rights: Rights | None = None,
        waits: bool | None = None,
        device: bool = False,
    ) -> str:
        usual_rights, usually_waits = EVERYONE.get(who, (PATIENT, True))
        entry = Entry(
            room=room,
            subject=f"subject-{who}",
            name=who.capitalize(),
            role="provider" if usual_rights.moderate else "patient",
            rights=usual_rights if rights is None else rights,
            waits=usually_waits if waits is None else waits,
        )
        return self.desk.issue(entry, ttl_s, device=device)

    async def connect(self, **headers: str) -> Caller:
        assert self._client is not None
        url = self.server.make_url("/signal")
        socket = await self._client.ws_connect(url, headers=headers, protocols=(m.SUBPROTOCOL,))
        return Caller(socket)

    async def hello(
        self, token: str | None = None, seat: str | None = None, seen: str | None = None
    ) -> Caller:
        caller = await self.connect()
        await caller.say(m.Hello(m.VERSION, token=token, seat=seat, seen_chat=seen))
        return caller

    async def join(self, who: str, **how: object) -> Caller:
        """Come in with a fresh token and read the welcome."""
        return await self.welcomed(await self.hello(self.token(who, **how)))  # type: ignore[arg-type]

    async def welcomed(self, caller: Caller) -> Caller:
        welcome = await caller.hear(m.Welcome)
        caller.participant, caller.seat = welcome.participant, welcome.seat
        return caller

    async def admit(self, moderator: Caller, person: Caller) -> None:
        outcome = await moderator.ask(m.Admit, participant=person.participant)
        assert isinstance(outcome, m.Done)
        await person.hear(m.Admitted)
        await person.hear(m.Room)

    async def until(self, condition: object) -> None:
        """Let the front work until `condition()` holds."""
        assert callable(condition)
        async with asyncio.timeout(DEADLINE_S):
            while not condition():
                await asyncio.sleep(0.005)
