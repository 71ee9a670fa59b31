"""Commands to the media plane: in order per person, side by side between persons.

A worker that restarts keeps an offer waiting for seconds; the removal of somebody else must not
wait with it. So each participant has a lane, a task that lives while it has commands.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from signaling.core import outputs as o
from signaling.core import refusals
from signaling.ports import MediaPlane, Refused
from signaling.shell import log

COMMAND_TIMEOUT_S = 10.0  # a worker's restart takes about two seconds; the client tries again later

Answered = Callable[[o.ConnectMedia, str], None]
Failed = Callable[[o.ConnectMedia, str, str], None]


class MediaLanes:
    """The media side of one room. `answered` and `failed` are told how offers went."""

    def __init__(
        self, plane: MediaPlane, room: str, max_peers: int, answered: Answered, failed: Failed
    ) -> None:
        self._plane = plane
        self._room = room
        self._max_peers = max_peers
        self._answered = answered
        self._failed = failed
        self._waiting: dict[str, deque[o.PlaneCommand]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._opening = asyncio.Lock()
        self._is_open = False

    def put(self, command: o.PlaneCommand) -> None:
        """Do this after what is already waiting for the same participant."""
        lane = self._waiting.setdefault(command.participant, deque())
        lane.append(command)
        if command.participant not in self._tasks:
            task = asyncio.create_task(self._run(command.participant), name="media-lane")
            self._tasks[command.participant] = task

    def forget_room(self) -> None:
        """The worker that had the room is gone; the next offer opens it anew."""
        self._is_open = False

    async def close_room(self) -> None:
        """Finish what is waiting, then have the media plane forget the room."""
        await asyncio.gather(*self._tasks.values())
        self._is_open = False
        await self._guarded(self._plane.close_room(self._room))

    async def close(self) -> None:
        """Stop every lane; media itself goes on."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, participant: str) -> None:
        lane = self._waiting[participant]
        try:
            while lane:
                await self._do(lane.popleft())
        finally:
            del self._waiting[participant]
            del self._tasks[participant]

    async def _do(self, command: o.PlaneCommand) -> None:
        match command:
            case o.ConnectMedia():
                await self._connect(command)
            case o.SetView():
                await self._guarded(self._plane.set_view(command.participant, command.slots))
            case o.MarkSlotReady():
                ready = self._plane.slot_ready(command.participant, command.slot, command.epoch)
                await self._guarded(ready)
            case o.SetMuted():
                muted = self._plane.set_muted(command.participant, command.source, command.muted)
                await self._guarded(muted)
            case o.ClosePeer():
                await self._guarded(self._plane.close_peer(command.participant))

    async def _connect(self, command: o.ConnectMedia) -> None:
        try:
            async with asyncio.timeout(COMMAND_TIMEOUT_S):
                await self._open_room()
                sdp = await self._plane.connect(
                    self._room,
                    command.participant,
                    command.owner,
                    command.offer,
                    command.rights,
                )
        except Refused as refusal:
            self._is_open = False  # opening twice is harmless, a forgotten room is not
            log.note("offer refused", room=self._room, code=refusal.code)
            self._failed(command, refusal.code, refusal.message)
        except Exception as problem:  # noqa: BLE001 the lane's supervisor: one offer, not the room
            log.bug("offer failed", problem, room=self._room)
            code = "media_unavailable"
            self._failed(command, code, refusals.MEDIA[code])
        else:
            self._answered(command, sdp)

    async def _open_room(self) -> None:
        async with self._opening:
            if not self._is_open:
                await self._plane.open_room(self._room, self._max_peers)
                self._is_open = True

    async def _guarded(self, doing: Awaitable[None]) -> None:
        try:
            async with asyncio.timeout(COMMAND_TIMEOUT_S):
                await doing
        except Refused as refusal:
            log.note("media command refused", room=self._room, code=refusal.code)
        except Exception as problem:  # noqa: BLE001 the lane's supervisor: one command, not the room
            log.bug("media command failed", problem, room=self._room)
