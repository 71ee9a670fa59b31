"""One room, one task: feeds the core one input at a time and does what it says, in order.

Inputs come as small functions of the core and the time. A record is written before the sends that
follow it. If anything unforeseen happens (a bug, a full disk) the memory can no longer be trusted:
everybody is hung up on with `restarting` and the room is read back from disk; media is not touched.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from signaling.core import outputs as o
from signaling.core.closing import Closing
from signaling.core.messages import ChatMessage, ServerMessage
from signaling.core.room import Room
from signaling.ports import Gatekeeper, MediaPlane, QualityNote, VisitLog
from signaling.shell import log
from signaling.shell.clock import Clock
from signaling.shell.lanes import MediaLanes
from signaling.shell.notices import Notices
from signaling.shell.store import Store
from signaling.shell.timeline import Timeline

Input = Callable[[Room, float], None]


class Line(Protocol):
    """The way to one client: a WebSocket, or a request that waits for its answer."""

    @property
    def id(self) -> str: ...
    def tell(self, message: ServerMessage) -> None: ...
    def close(self, closing: Closing) -> None: ...


class Services:
    """What every room needs from outside."""

    def __init__(
        self, plane: MediaPlane, gate: Gatekeeper, log: VisitLog, store: Store, clock: Clock
    ) -> None:
        self.plane = plane
        self.gate = gate
        self.log = log
        self.store = store
        self.clock = clock
        self.notices = Notices(gate)
        self.timeline = Timeline(log, clock)


class RoomActor:
    """Owns a core room. `post` feeds it; it retires by itself when nobody has a seat."""

    def __init__(
        self,
        name: str,
        services: Services,
        max_peers: int,
        load: Callable[[], Awaitable[Room]],
        retired: Callable[[], object],
    ) -> None:
        self.name = name
        self.resets = 0
        self._services = services
        self._load = load
        self._on_retired = retired
        self._retired = False
        self._connections: dict[str, Line] = {}
        self._inbox: asyncio.Queue[tuple[Input, asyncio.Future[None]]] = asyncio.Queue()
        self._timer: asyncio.TimerHandle | None = None
        self.lanes = MediaLanes(services.plane, name, max_peers, self._answered, self._failed)

    async def start(self) -> None:
        """Read the room from disk and run."""
        self._room = await self._load()
        self._arm()
        self._task = asyncio.create_task(self._run(), name=f"room-{self.name}")

    def post(self, apply: Input) -> asyncio.Future[None] | None:
        """Queue an input; the future is done when its outputs are. None: the room has retired."""
        if self._retired:
            return None
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._inbox.put_nowait((apply, done))
        return done

    def know(self, connection: Line) -> None:
        """Let the core's sends reach this connection."""
        self._connections[connection.id] = connection

    def lose(self, connection: Line) -> None:
        """The connection is gone; the core learns of it after what is already queued."""
        self._connections.pop(connection.id, None)
        self.post(lambda room, now: room.receive_disconnect(connection.id, now))

    def count(self) -> tuple[int, int]:
        """(admitted, waiting) seats."""
        return self._room.count()

    def participants(self) -> frozenset[str]:
        """Everybody who has a seat here."""
        return self._room.participants()

    def comings(self) -> tuple[o.GateNotice, ...]:
        """What the clinic has to know of those who have a seat here."""
        return self._room.comings()

    def has_admitted(self, participant: str) -> bool:
        """Whether this person may have media here."""
        return self._room.has_admitted(participant)

    async def close(self) -> None:
        """Stop the room's tasks; its seats stay on disk and its media goes on."""
        self._retire()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self.lanes.close()

    async def _run(self) -> None:
        while not self._retired:
            apply, done = await self._inbox.get()
            try:
                apply(self._room, self._services.clock())
                await self._do_outputs()
            except Exception as problem:  # noqa: BLE001 the room's supervisor: start over from disk
                await self._reset(problem)
            finally:
                _finish(done)
            self._arm()
            if self._room.is_vacant and self._inbox.empty():
                self._retire()

    def _retire(self) -> None:
        if self._retired:
            return
        self._retired = True
        if self._timer is not None:
            self._timer.cancel()
        while not self._inbox.empty():
            _finish(self._inbox.get_nowait()[1])
        self._on_retired()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = self._room.next_timeout()
        if due is not None:
            delay_s = max(0.0, due - self._services.clock())
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._time_is_up)

    def _time_is_up(self) -> None:
        self.post(lambda room, now: room.handle_timeout(now))

    async def _do_outputs(self) -> None:
        while outputs := self._room.drain():
            for output in outputs:
                await self._do(output)

    async def _do(self, output: o.Output) -> None:
        match output:
            case o.Send():
                self._send(output.connection, output.message)
            case o.Close():
                self._close(output)
            case o.SaveSeat():
                await self._services.store.save_seat(output.record)
            case o.SaveRoom():
                await self._services.store.save_room(output.record)
            case o.AppendChat():
                await self._append(output)
            case o.SendHistory():
                await self._send_history(output)
            case o.CloseMediaRoom():
                await self.lanes.close_room()
            case o.NoteJoined() | o.NoteAdmitted() | o.NoteLeft() | o.NoteMedia() | o.NoteEnded():
                self._services.notices.put(self.name, output)
            case o.NoteQuality():
                self._services.timeline.put(QualityNote(self.name, output.subject, output.said))
            case _:
                self.lanes.put(output)

    def _send(self, connection: str, message: ServerMessage) -> None:
        known = self._connections.get(connection)
        if known is not None:
            known.tell(message)

    def _close(self, output: o.Close) -> None:
        known = self._connections.pop(output.connection, None)
        if known is not None:
            known.close(output.closing)

    async def _append(self, command: o.AppendChat) -> None:
        try:
            entry = await self._services.log.append_chat(
                self.name,
                command.participant,
                command.name,
                command.key,
                command.text,
                command.at,
            )
        except Exception as problem:  # noqa: BLE001 the person is told; the call goes on
            log.bug("chat not stored", problem, room=self.name)
            self._room.receive_chat_failed(command)
        else:
            self._room.receive_chat_stored(command, entry)

    async def _send_history(self, output: o.SendHistory) -> None:
        for entry in await self._services.log.history(self.name, output.since):
            if entry.at >= output.not_before:
                message = ChatMessage(entry.id, entry.participant, entry.name, entry.text, entry.at)
                self._send(output.connection, message)

    def _answered(self, command: o.ConnectMedia, sdp: str) -> None:
        self.post(
            lambda room, now: room.receive_answer(
                command.participant, command.connection, command.offer_id, sdp, now
            )
        )

    def _failed(self, command: o.ConnectMedia, code: str, text: str) -> None:
        self.post(
            lambda room, now: room.receive_offer_failed(
                command.participant, command.connection, command.offer_id, code, text, now
            )
        )

    async def _reset(self, problem: Exception) -> None:
        self.resets += 1
        log.bug("room starts over", problem, room=self.name)
        for connection in self._connections.values():
            connection.close(Closing.RESTARTING)
        self._connections.clear()
        self._room = await self._load()


def _finish(done: asyncio.Future[None]) -> None:
    if not done.done():
        done.set_result(None)
