"""A server with its clients: rooms are filled, loads are run, newcomers join beside them."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from pathlib import Path

from bench.client import Client, Common, JoinFailed
from bench.load import Driver, prepare
from bench.meter import Meter, cores_of_their_own
from bench.mmsg import open_bulk_socket
from bench.receiver import Receiver
from bench.server import Server, serve
from bench.stretch import Shape, Stretch
from bench.upkeep import TICK_S, Upkeep
from sfu.shell.dtls import Certificate

JOINING_AT_ONCE = 4
JOIN_EACH_S = 1.0
CONSENT_S = 2.5
FIRST_MEDIA_WITHIN_S = 5.0
_HURRY_RATE = 60.0  # packets/s of a publisher while its subscribers come in
_HURRY_S = 0.3


class World:
    """Made by `open_world`."""

    def __init__(self, server: Server, bulk: socket.socket, shape: Shape) -> None:
        self.server = server
        self.shape = shape
        self.receiver = Receiver(bulk)
        self.publishers: list[Client] = []
        self.clients: list[Client] = []
        self.rooms = 0
        self.tick_s = TICK_S  # to which the moments of sending are rounded
        self.beside: Callable[[], AbstractAsyncContextManager[None]] = nullcontext
        self._opened: list[Client] = []
        self._common = Common(server.url, bulk, Certificate())
        self._addresses = _addresses()
        self._driver = Driver(bulk, server.media, self.receiver, Upkeep(self.clients))

    def meter(self) -> Meter:
        return Meter(self.server.worker, (self.server.front, self.server.supervisor))

    async def add_rooms(self, count: int, *, media: bool = True) -> None:
        """Fill rooms of the world's shape; with `media`, every stream of theirs has begun."""
        keeping = asyncio.create_task(self._keep_consent())
        try:
            await self._fill(count, media=media)
        finally:
            keeping.cancel()

    async def _keep_consent(self) -> None:
        """Others joining takes a while, and a server forgets clients that are silent for 10 s."""
        while True:
            await asyncio.sleep(CONSENT_S)
            for client in self._opened:
                if client.srtp is not None:
                    client.check()

    async def _fill(self, count: int, *, media: bool) -> None:
        fresh = [f"room-{self.rooms + n}" for n in range(count)]
        self.rooms += count
        gate = asyncio.Semaphore(JOINING_AT_ONCE)
        senders = [
            self._enter(gate, room, self.shape.sends, receives=self.shape.mutual)
            for room in fresh
            for _ in range(self.shape.publishers)
        ]
        publishers = await _all(senders)
        watchers = [
            self._enter(gate, room, (), receives=True)
            for room in fresh
            for _ in range(self.shape.subscribers)
        ]
        subscribers = await _all(watchers)
        self._pair(publishers, subscribers)
        self.publishers += publishers
        if media:
            await self._begin(publishers, [*publishers, *subscribers])
        for client in (*publishers, *subscribers):
            client.hand_over()
            self.receiver.add(client)
            self.clients.append(client)

    def _pair(self, publishers: list[Client], subscribers: list[Client]) -> None:
        """Note whose media each stream carries."""
        per_room = self.shape.publishers
        for n, client in enumerate(publishers):
            other = publishers[n ^ 1] if self.shape.mutual else None
            for stream in client.streams:
                stream.publisher = other
        for n, client in enumerate(subscribers):
            for stream in client.streams:
                stream.publisher = publishers[n // self.shape.subscribers * per_room]

    async def _enter(
        self, gate: asyncio.Semaphore, room: str, sends: tuple[str, ...], *, receives: bool
    ) -> Client:
        async with gate:
            can = "publish,subscribe" if sends else "subscribe"
            client = Client(self._common, next(self._addresses), sends, receives=receives)
            self._opened.append(client)
            await client.join(await self.server.token(room, can))
            return client

    async def _begin(self, publishers: list[Client], clients: list[Client]) -> None:
        """Let media flow until every receiving client has got some. Raises JoinFailed."""
        waiting = [client.first_media for client in clients if client.streams]
        deadline = time.monotonic() + FIRST_MEDIA_WITHIN_S
        while not all(future.done() for future in waiting):
            if time.monotonic() > deadline:
                raise JoinFailed("no media came to a client that had joined")
            hurry = prepare(publishers, _HURRY_RATE, _HURRY_S, time.monotonic())
            await self._driver.send(hurry)

    async def measured(self, video_per_s: float, seconds: float) -> Stretch:
        """`run` with one newcomer a second, within the context `beside`."""
        async with self.beside():
            return await self.run(video_per_s, seconds, joins=True)

    async def run(self, video_per_s: float, seconds: float, *, joins: bool) -> Stretch:
        """Offer a load to all rooms and measure; with `joins` newcomers come beside it."""
        count = max(1, int(seconds / JOIN_EACH_S - 1)) if joins else 0  # media ends with the load
        tokens = await self.newcomer_tokens(count)
        plan = prepare(self.publishers, video_per_s, seconds, time.monotonic(), self.tick_s)
        before = self.receiver.delivered()
        beside = asyncio.create_task(self._newcomers(tokens))
        meter = self.meter()
        sent = await self._driver.send(plan)
        spent = meter.spent()
        joins_ms = await beside
        return Stretch(
            seconds=seconds,
            packets=sent.packets,
            offered=sent.packets * self.shape.fanout,
            delivered=self.receiver.delivered() - before,
            refused=sent.refused,
            late_ms=sent.late_ms,
            spent=spent,
            joins_ms=joins_ms,
            failed_joins=count - len(joins_ms),
        )

    async def newcomer_tokens(self, count: int) -> list[str]:
        """Tokens to watch in the first room."""
        return [await self.server.token("room-0", "subscribe") for _ in range(count)]

    async def _newcomers(self, tokens: list[str]) -> tuple[float, ...]:
        """One newcomer a second to the first room: the times of those who got media."""
        start = time.monotonic()
        took_ms = []
        for n, token in enumerate(tokens):
            wait_s = start + (n + 0.2) * JOIN_EACH_S - time.monotonic()
            await asyncio.sleep(max(0.0, wait_s))
            took_ms.append(await self.join_once(token))
        return tuple(took for took in took_ms if took is not None)

    async def join_once(self, token: str) -> float | None:
        """Join the first room and leave: ms from hello to the first media; None if it failed."""
        client = Client(self._common, next(self._addresses), (), receives=True)
        self._opened.append(client)
        try:
            await client.join(token)
            async with asyncio.timeout(FIRST_MEDIA_WITHIN_S):
                first = await client.first_media
        except (JoinFailed, TimeoutError):
            return None
        finally:
            await client.leave()
            self._opened.remove(client)
        return (first - client.started_at) * 1000

    async def close(self) -> None:
        """Everybody leaves."""
        for client in self._opened:
            await client.leave()


@asynccontextmanager
async def open_world(
    shape: Shape, kept_log: Path, *, gro: bool = True, database_url: str = ""
) -> AsyncIterator[World]:
    """A fresh server and nobody in it. Raises ServerFailed or OSError."""
    bulk = open_bulk_socket(gro=gro)
    try:
        async with serve(kept_log, shape.room_size, database_url) as server:
            world = World(server, bulk, shape)
            try:
                with cores_of_their_own(server.worker):
                    yield world
            finally:
                await world.close()
    finally:
        bulk.close()


async def _all(joining: Sequence[Coroutine[None, None, Client]]) -> list[Client]:
    """Everybody in; the first failure ends the others. Raises JoinFailed."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(each) for each in joining]
    except* JoinFailed as failures:
        raise JoinFailed(str(failures.exceptions[0])) from failures
    return [task.result() for task in tasks]


def _addresses() -> Iterator[str]:
    """Loopback addresses, each its own client to the server."""
    for n in range(256, 65_536 * 100):
        if n % 256 not in (0, 255):
            yield f"127.{1 + (n >> 16)}.{n >> 8 & 255}.{n & 255}"
