"""A real browser is reloaded, crashed, cut off, opened twice, and comes back to its one place."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Awaitable, Callable

import pytest

from tests.e2e.browsers.chromium import ChromiumPage
from tests.e2e.browsers.fakes import BLUE, GREEN, Camera
from tests.e2e.conftest import OpenChromium
from tests.e2e.participant import Participant
from tests.e2e.poll import until
from tests.e2e.server import Server
from tests.e2e.test_fuzz import bugs_in

TURNS = 50
SETTLED_WITHIN_S = 20.0
TURN_WITHIN_S = 60.0
_TRY_NOW = "document.querySelector('telemed-call').session.tryNow()"
_ROOM = "document.querySelector('telemed-call').session.room.participants"


class Visitor:
    """Alice at her browser; `page` changes when she opens another tab."""

    def __init__(self, page: ChromiumPage, link: str) -> None:
        self.alice = Participant("Alice", page)
        self.page = page
        self.link = link

    async def reload(self) -> None:
        await self.page.tab.reload()
        await self.alice.reaches("call")

    async def go_away_and_come_back(self) -> None:
        await self.page.goto("about:blank")
        await self.page.goto(self.link)
        await self.alice.reaches("call")

    async def lose_the_network(self) -> None:
        devtools = await self.page.tab.context.new_cdp_session(self.page.tab)
        for offline in (True, False):
            conditions = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
            await devtools.send(
                "Network.emulateNetworkConditions", conditions | {"offline": offline}
            )
            await self.page.evaluate(_TRY_NOW)
        await devtools.detach()
        await self.alice.reaches("call")

    async def open_a_second_tab(self) -> None:
        async with self.page.tab.context.expect_page() as opening:
            await self.page.evaluate("void window.open(location.href)")
        second = await opening.value
        await self.alice.reaches("left")  # replaced: the copy has the seat key of the first
        await second.close()
        await self.alice.press("rejoin")
        await self.alice.press("join")
        await self.alice.reaches("call")

    async def crash(self) -> None:
        tab = self.page.tab
        devtools = await tab.context.new_cdp_session(tab)
        async with tab.expect_event("crash"):
            crashing = asyncio.create_task(devtools.send("Page.crash"))
        crashing.cancel()  # a crashed page does not answer
        await asyncio.gather(crashing, return_exceptions=True)
        self.page = self.alice.page = await self.page.another()
        await self.alice.open(self.link)
        await self.alice.reaches("call")

    @property
    def turns(self) -> list[Callable[[], Awaitable[None]]]:
        return [
            self.reload,
            self.go_away_and_come_back,
            self.lose_the_network,
            self.open_a_second_tab,
            self.crash,
        ]


@pytest.mark.prove
async def test_a_browser_comes_back_to_its_one_place_fifty_times(
    server: Server, open_chromium: OpenChromium
) -> None:
    seed = int(os.environ.get("CHURN_SEED", random.SystemRandom().randrange(1 << 32)))
    chance = random.Random(seed)
    bob = Participant("Bob", await open_chromium(Camera(BLUE)))
    await bob.open(server.ready.links["doctor"])
    await bob.reaches("call")
    link = await server.link("Alice", "publish", "subscribe", "chat")
    visitor = Visitor(await open_chromium(Camera(GREEN)), link)
    await visitor.alice.open(link)
    await visitor.alice.reaches("call")

    async def both_are_there() -> bool:
        people = await bob.page.evaluate(_ROOM)
        names = sorted(person["name"] for person in people)
        here = all(person["connected"] and person["media"] for person in people)
        return here and len(names) == 2 and "Alice" in names

    for number in range(TURNS):
        turn = chance.choice(visitor.turns)
        async with asyncio.timeout(TURN_WITHIN_S):
            await turn()
        what = f"{turn.__name__}, turn {number}; CHURN_SEED={seed}"
        await until(both_are_there, SETTLED_WITHIN_S, what)
    await bob.sees(GREEN.name)
    await visitor.alice.sees(BLUE.name)
    assert bugs_in(server) == [], f"CHURN_SEED={seed}"
