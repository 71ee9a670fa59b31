"""Call control as one object: the door for WebSockets, the rooms, and the ear on the media plane.

A connection is a handler that reads and a task that writes. The handler says hello, is brought to
its room and then feeds it one frame at a time; whatever goes wrong here ends one connection.
"""

from __future__ import annotations

import asyncio
from collections import Counter

from aiohttp import WSMessage, WSMsgType, web

from signaling.core import messages as m
from signaling.core import refusals, wire
from signaling.core.closing import Closing
from signaling.core.records import hash_of
from signaling.core.settings import CallSettings
from signaling.core.state import NewSeat
from signaling.ports import (
    Gatekeeper,
    MediaPlane,
    PlaneLost,
    Refused,
    VisitLog,
)
from signaling.shell import log as lines
from signaling.shell import socket as door
from signaling.shell.actor import Input, RoomActor, Services
from signaling.shell.addresses import HelloLimits
from signaling.shell.clock import Clock
from signaling.shell.connection import Connection
from signaling.shell.ids import Ids
from signaling.shell.rooms import Rooms
from signaling.shell.store import Store
from signaling.shell.whip import DeviceDoor

CLEAN_UP_EVERY_S = 3600.0
KEPT_AFTER_END_S = 30 * 86_400  # rooms that ended, so that their seat keys still say so
FAREWELL_S = 5.0  # how long connections may take to end when we stop


class CallControl:
    """`start`, then serve `handler` and the routes of `devices`.

    `close` ends every task and leaves the seats on disk.
    """

    def __init__(
        self,
        plane: MediaPlane,
        gate: Gatekeeper,
        log: VisitLog,
        store: Store,
        settings: CallSettings,
        clock: Clock,
        ids: Ids,
        is_own_page: door.OwnPage,
    ) -> None:
        self._services = Services(plane, gate, log, store, clock)
        self._settings = settings
        self._is_own_page = is_own_page
        self._ids = ids
        self._hellos = HelloLimits(settings)
        self._rooms = Rooms(self._services, settings.room)
        relay = settings.room.relay
        self.devices = DeviceDoor(self._services, self._rooms, self._hellos, ids, relay)
        self._connections: set[Connection] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._counters: Counter[str] = Counter()
        self._closed = False

    @property
    def counters(self) -> dict[str, int]:
        """Counts since the start, and how many rooms and people there are now."""
        gauges = self._rooms.counters() | {"connections": len(self._connections)}
        return dict(self._counters) | gauges

    async def start(self) -> None:
        """Read the rooms from disk, reconcile them with the media plane, begin to listen."""
        await self._rooms.start()
        for room, notice in self._rooms.comings():  # a process that was killed may not have told it
            self._services.notices.put(room, notice)
        await self._services.notices.settle(self._rooms.participants())
        self._tasks = [
            asyncio.create_task(self._listen(), name="media-events"),
            asyncio.create_task(self._clean_up(), name="clean-up"),
        ]

    async def close(self) -> None:
        """Tell every client that we restart, then end all tasks. May be called again."""
        if self._closed:
            return
        self._closed = True
        self.devices.close()
        await self._say_farewell()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._rooms.close()
        await self._services.notices.close()
        await self._services.timeline.close()

    @property
    def is_empty(self) -> bool:
        """Whether nobody has a seat anywhere."""
        return not self._rooms.participants()

    def end(self, room: str) -> None:
        """The visit was ended outside the call: close it for everybody in it."""
        self._order(room, lambda core, now: core.receive_end(now))

    def withdraw(self, room: str, subject: str) -> None:
        """Put a person out of a call whose access is withdrawn; a new token lets them in again."""
        self._order(room, lambda core, now: core.receive_withdrawal(subject, now))

    def _order(self, room: str, apply: Input) -> None:
        actor = self._rooms.actor(room)  # where there is none, nobody has a seat
        if actor is not None:
            actor.post(apply)

    async def handler(self, request: web.Request) -> web.StreamResponse:
        """Serve one WebSocket from hello to its end."""
        if self._closed:
            raise web.HTTPServiceUnavailable
        if not door.is_welcome_origin(request, self._is_own_page):
            self._counters["origins_refused"] += 1
            raise web.HTTPForbidden
        socket = door.new_socket()
        await socket.prepare(request)
        connection = Connection(self._ids.connection(), socket, lambda: _abort(request))
        self._connections.add(connection)
        self._counters["connections_opened"] += 1
        writer = asyncio.create_task(
            connection.write(self._settings.room.heartbeat_s), name="socket-writer"
        )
        try:
            await self._serve(request, socket, connection)
        finally:
            try:
                await _let_finish(connection, writer)
            finally:
                self._connections.discard(connection)
                self._counters["connections_slow"] += connection.was_slow
                connection.finished.set()
        return socket

    async def _serve(
        self, request: web.Request, socket: web.WebSocketResponse, connection: Connection
    ) -> None:
        actor: RoomActor | None = None
        try:
            self._limit(request)
            timeout_s = self._settings.hello_timeout_s
            hello = await door.receive_hello(socket, timeout_s, self._counters)
            if hello is not None:
                actor = await self._introduce(connection, hello)
                await self._converse(socket, connection, actor)
        except door.Refusal as why:
            self._counters[f"refused_{why.closing.reason}"] += 1
            door.turn_away(connection, why)
        except ConnectionError:
            connection.drop()
        except Exception as problem:  # noqa: BLE001 this connection's edge: the person may come back
            lines.bug("connection failed", problem)
            connection.close(Closing.RESTARTING)
        finally:
            if actor is not None:
                actor.lose(connection)

    def _limit(self, request: web.Request) -> None:
        address = str(request.get("client") or request.remote or "")
        if not self._hellos.allows(address, self._services.clock()):
            raise door.refusal(Closing.RATE_LIMIT, "rate_limit")

    async def _introduce(self, connection: Connection, hello: m.Hello) -> RoomActor:
        if hello.seat is not None:
            return await self._resume(connection, hello.seat, hello.seen_chat)
        assert hello.token is not None
        try:
            entry = await self._services.gate.enter(hello.token)
        except Refused as why:
            error = m.Error(why.code, why.message)
            raise door.Refusal(refusals.closing_of(why.code), error) from None
        fresh = NewSeat(self._ids.participant(), self._ids.secret())
        self._counters["hellos"] += 1
        return await self._rooms.bring(
            connection,
            entry.room,
            lambda room, now: room.receive_hello(connection.id, entry, fresh, hello.seen_chat, now),
        )

    async def _resume(self, connection: Connection, key: str, seen: str | None) -> RoomActor:
        found = await self._services.store.seat_by_key(hash_of(key))
        if found is None:
            raise door.Refusal(Closing.SEAT_GONE)
        self._counters["resumes"] += 1
        return await self._rooms.bring(
            connection,
            found.room,
            lambda room, now: room.receive_resume(connection.id, found, key, seen, now),
        )

    async def _converse(
        self, socket: web.WebSocketResponse, connection: Connection, actor: RoomActor
    ) -> None:
        while not door.is_end(frame := await socket.receive()):
            match frame.type:
                case WSMsgType.PING:
                    await socket.pong(frame.data)
                case WSMsgType.PONG:
                    actor.post(lambda room, now: room.receive_alive(connection.id, now))
                case _:
                    self._counters["messages"] += 1
                    done = actor.post(self._input_of(frame, connection.id))
                    if done is None:
                        return
                    await done

    def _input_of(self, frame: WSMessage, connection: str) -> Input:
        try:
            message = door.parse(frame, self._counters)
        except wire.Malformed as problem:
            error = problem.error
            return lambda room, now: room.receive_malformed(connection, error, now)
        return lambda room, now: room.receive_message(connection, message, now)

    async def _listen(self) -> None:
        try:
            async for event in self._services.plane.events():
                self._counters["planes_lost"] += isinstance(event, PlaneLost)
                await self._rooms.route(event)
            lines.note("media events ended")
        except Exception as problem:  # noqa: BLE001 this task's supervisor: signalling goes on
            lines.bug("media events failed", problem)

    async def _clean_up(self) -> None:
        while True:
            try:
                await self._services.store.forget_ended(self._services.clock() - KEPT_AFTER_END_S)
            except Exception as problem:  # noqa: BLE001 this task's supervisor: next time, then
                lines.bug("clean-up failed", problem)
            await asyncio.sleep(CLEAN_UP_EVERY_S)

    async def _say_farewell(self) -> None:
        waiting = list(self._connections)
        for connection in waiting:
            connection.close(Closing.RESTARTING)
        try:
            async with asyncio.timeout(FAREWELL_S):
                for connection in waiting:
                    await connection.finished.wait()
        except TimeoutError:
            for connection in waiting:
                connection.drop()


def _abort(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


async def _let_finish(connection: Connection, writer: asyncio.Task[None]) -> None:
    """A connection that we close is told so; one that is gone needs no writer."""
    if not connection.is_closing:
        writer.cancel()
    try:
        await asyncio.wait({writer}, timeout=FAREWELL_S)
    finally:
        writer.cancel()
    await asyncio.wait({writer})
    if not writer.cancelled() and (problem := writer.exception()) is not None:
        lines.bug("socket writer failed", problem)
