"""The rooms in memory: read from disk when somebody comes, forgotten when nobody has a seat.

At start they are matched with what the media plane still carries: who has no admitted seat loses
the media, everybody else keeps it and has the full time to come back, so that a restart of this
process ends no call.
"""

from __future__ import annotations

import asyncio

from signaling.core.outputs import GateNotice
from signaling.core.records import SeatRecord
from signaling.core.room import Room
from signaling.core.seat_states import LIVE
from signaling.core.settings import RoomSettings
from signaling.ports import MediaEvent, PeerConnected, PlaneLost, Refused
from signaling.shell.actor import Input, Line, RoomActor, Services

PLANE_SPARE = 1  # a device's new connection begins before its old one ends


class Rooms:
    """Owns the room actors."""

    def __init__(self, services: Services, settings: RoomSettings) -> None:
        self._services = services
        self._settings = settings
        self._actors: dict[str, RoomActor] = {}
        self._loading = asyncio.Lock()

    async def start(self) -> None:
        """Read the rooms in which somebody has a seat; close media that nobody's seat covers."""
        for name in await self._services.store.rooms_with_seats():
            await self._start_actor(name)
        for peer, name in (await self._services.plane.peers()).items():
            actor = self._actors.get(name)
            if actor is None or not actor.has_admitted(peer):
                await self._services.plane.close_peer(peer)

    async def close(self) -> None:
        """Stop every room; seats stay on disk, media goes on."""
        for actor in list(self._actors.values()):
            await actor.close()

    def counters(self) -> dict[str, int]:
        """How many rooms and people there are now."""
        people = [actor.count() for actor in self._actors.values()]
        return {
            "rooms": len(people),
            "participants": sum(admitted for admitted, _ in people),
            "waiting": sum(waiting for _, waiting in people),
        }

    async def bring(self, connection: Line, name: str, apply: Input) -> RoomActor:
        """Feed a room its hello; a room that retired meanwhile is read anew."""
        while True:
            actor = await self._actor(name)
            done = actor.post(apply)
            if done is not None:
                actor.know(connection)
                try:
                    await done
                except asyncio.CancelledError:
                    actor.lose(connection)  # or its seat would look connected for 30 s
                    raise
                return actor

    def actor(self, name: str) -> RoomActor | None:
        """The room of this name, if it is in memory."""
        return self._actors.get(name)

    def participants(self) -> frozenset[str]:
        """Everybody who has a seat."""
        return frozenset[str]().union(*(actor.participants() for actor in self._actors.values()))

    def comings(self) -> list[tuple[str, GateNotice]]:
        """What the clinic has to know of everybody who has a seat, by room."""
        return [
            (name, notice) for name, actor in self._actors.items() for notice in actor.comings()
        ]

    async def route(self, event: MediaEvent) -> None:
        """Tell the rooms what happened in the media plane."""
        if isinstance(event, PlaneLost):
            for name in event.rooms:
                self._lose_plane(name, event)
        elif event.room in self._actors:
            self._actors[event.room].post(lambda room, now: room.receive_media_event(event, now))
        elif isinstance(event, PeerConnected):
            await self._services.plane.close_peer(event.peer)

    def _lose_plane(self, name: str, event: PlaneLost) -> None:
        actor = self._actors.get(name)
        if actor is not None:
            actor.lanes.forget_room()
            actor.post(lambda room, now: room.receive_media_event(event, now))

    async def _actor(self, name: str) -> RoomActor:
        async with self._loading:
            if name not in self._actors:
                await self._services.store.open_room(name, self._services.clock())
                await self._start_actor(name)
            return self._actors[name]

    async def _start_actor(self, name: str) -> None:
        actor = RoomActor(
            name,
            self._services,
            self._settings.max_admitted + PLANE_SPARE,
            load=lambda: self._load(name),
            retired=lambda: self._actors.pop(name, None),
        )
        await actor.start()
        self._actors[name] = actor

    async def _load(self, name: str) -> Room:
        """The room as the disk and the media plane know it."""
        services = self._services
        record = await services.store.room(name)
        assert record is not None, "a room is written before it is used"
        room = Room(record, self._settings)
        seats = await services.store.seats(name)
        room.restore(seats, await self._connected(seats), services.clock())
        return room

    async def _connected(self, seats: list[SeatRecord]) -> frozenset[str]:
        if not any(seat.state in LIVE for seat in seats):
            return frozenset()
        try:
            return frozenset(await self._services.plane.peers())
        except Refused:
            return frozenset()
