"""People come, go, crash and come twice, again and again; nobody is left over, and nothing is."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.e2e import mint
from tests.e2e.conftest import StartServer
from tests.e2e.poll import until
from tests.e2e.server import Server
from tests.e2e.test_fuzz import bugs_in
from tests.netns import insider
from tests.netns.guest import Guest
from tests.netns.insider import Holding
from tests.netns.namespace import FIRST_ADDRESS

GUESTS = 4  # of each room
SETTLED_WITHIN_S = 20.0
CONSENT_S = 2.0
TOKENS_HOLD_S = 1800.0
MEMORY_PER_JOIN_BYTES = 1024

Turn = Callable[[Guest], Awaitable[None]]


async def _lost_line(guest: Guest) -> None:
    guest.lose_line()
    await guest.come_back()


async def _closed_page(guest: Guest) -> None:
    await guest.close_line()
    await guest.come_back()


async def _killed(guest: Guest) -> None:
    await guest.be_killed()
    await guest.come_back()
    await guest.open_media()


async def _killed_and_forgetful(guest: Guest) -> None:
    await guest.be_killed()
    await guest.join()
    await guest.open_media()


async def _second_tab(guest: Guest) -> None:
    await guest.come_back()
    await guest.open_media()


async def _hung_up(guest: Guest) -> None:
    await guest.hang_up()
    await guest.come_back()
    await guest.open_media()


async def _knocked_and_went(guest: Guest) -> None:
    guest.lose_line()
    await guest.knock()
    await guest.come_back()


async def _lost_while_connecting(guest: Guest) -> None:
    opening = asyncio.create_task(guest.open_media())
    await asyncio.sleep(0)
    await guest.be_killed()
    opening.cancel()
    await asyncio.gather(opening, return_exceptions=True)
    await guest.come_back()
    await guest.open_media()


async def _left(guest: Guest) -> None:
    await guest.leave()
    await guest.join()
    await guest.open_media()


TURNS: tuple[Turn, ...] = (
    _lost_line,
    _closed_page,
    _killed,
    _killed_and_forgetful,
    _second_tab,
    _hung_up,
    _knocked_and_went,
    _lost_while_connecting,
    _left,
)


class Churn:
    """A crowd of guests at one server."""

    def __init__(self, server: Server, guests: list[Guest], seed: int) -> None:
        self.server = server
        self.guests = guests
        self._chance = random.Random(seed)

    @property
    def joins(self) -> int:
        return sum(guest.joins for guest in self.guests)

    async def run(self, joins: int) -> None:
        """Everybody comes, `joins` times all together, and is there in the end; then all leave."""
        target = self.joins + joins
        keeping = asyncio.create_task(self._keep_consent())
        try:
            async with asyncio.TaskGroup() as group:
                for guest in self.guests:
                    group.create_task(self._one(guest, target))
            await self._nobody_is_left_over_or_missing()
            for guest in self.guests:
                await guest.leave()
        finally:
            keeping.cancel()

    async def _one(self, guest: Guest, target: int) -> None:
        await guest.join()
        await guest.open_media()
        while self.joins < target:
            await self._chance.choice(TURNS)(guest)

    async def _keep_consent(self) -> None:
        while True:
            await asyncio.sleep(CONSENT_S)
            for guest in self.guests:
                guest.keep_consent()

    async def _nobody_is_left_over_or_missing(self) -> None:
        async def settled() -> bool:
            return all(_sees_all(guest, self.guests) for guest in self.guests)

        await until(settled, SETTLED_WITHIN_S, "everybody sees everybody once, with media")
        assert [guest.name for guest in self.guests if guest.lost_seats] == []


def _sees_all(guest: Guest, guests: list[Guest]) -> bool:
    here = {one.participant for one in guests if one.room == guest.room}
    up = all(one["connected"] and one["media"] for one in guest.people.values())
    return guest.people.keys() == here and up


@asynccontextmanager
async def _crowd(server: Server, rooms: int, joins: int, seed: int) -> AsyncIterator[Churn]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        guests = []
        for number in range(rooms * GUESTS):
            name, room = f"Guest {number}", f"room-{number % rooms}"
            seat = await mint.new_seat(server.data, room, name)
            tokens = await mint.tokens_for(server.data, seat, joins, ttl_s=TOKENS_HOLD_S)
            guests.append(Guest(server, http, room, name, tokens))
        try:
            yield Churn(server, guests, seed)
        finally:
            for guest in guests:
                await guest.be_killed()


async def _held(server: Server, folder: Path) -> dict[str, Holding]:
    return {name: await insider.holding(server, folder, name) for name in ("front", "worker")}


async def _at_rest(server: Server, folder: Path, fresh: dict[str, Holding]) -> dict[str, Holding]:
    """What the processes hold once nobody is there: no task more than when they were new."""
    found: dict[str, Holding] = {}

    async def rest() -> bool:
        found.update(await _held(server, folder))
        return all(_tasks(found[name]) == _tasks(fresh[name]) for name in fresh)

    await until(rest, SETTLED_WITHIN_S, f"no task is left; fresh {fresh}, found {found}")
    return found


def _tasks(one: Holding) -> dict[str, int]:
    """All but the one that writes down how calls were, and ends within its interval of 10 s."""
    return {name: count for name, count in one.tasks.items() if name != "quality-timeline"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rooms", "warm_up", "joins", "per_join_bytes"),
    [
        pytest.param(2, 10, 24, 200 * MEMORY_PER_JOIN_BYTES, id="short"),
        pytest.param(6, 450, 500, MEMORY_PER_JOIN_BYTES, id="950", marks=pytest.mark.prove),
    ],
)
async def test_nobody_and_nothing_is_left_over(
    start_server: StartServer, rooms: int, warm_up: int, joins: int, per_join_bytes: int
) -> None:
    seed = int(os.environ.get("CHURN_SEED", random.SystemRandom().randrange(1 << 32)))
    with tempfile.TemporaryDirectory(prefix="churn") as name:
        folder = Path(name)
        proxies = {"TELEMED_TRUSTED_PROXIES": FIRST_ADDRESS}
        server = await start_server(environment={**insider.environment(folder), **proxies})
        fresh = await _held(server, folder)
        async with _crowd(server, rooms, warm_up + joins, seed) as churn:
            await churn.run(warm_up)
            before = await _at_rest(server, folder, fresh)
            await churn.run(joins)
            after = await _at_rest(server, folder, fresh)
    for process, one in before.items():
        assert after[process].descriptors == one.descriptors, f"{process}; CHURN_SEED={seed}"
        grown = (after[process].memory_bytes - one.memory_bytes) / joins
        logging.info("%s: %.0f bytes a join", process, grown)
        assert grown <= per_join_bytes, f"{process}: {grown:.0f} bytes a join; CHURN_SEED={seed}"
    assert bugs_in(server) == [], f"CHURN_SEED={seed}"
