"""People come and go; no picture ever stands under another's name, no call is disturbed."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress

import pytest
from playwright.async_api import Error as PlaywrightError

from clinic_api.visits.model import Right
from tests.e2e.browsers.fakes import BLUE, GREEN, RED, YELLOW, Camera
from tests.e2e.browsers.page import PageError
from tests.e2e.conftest import OpenPage
from tests.e2e.meeting import meet, more_arrives, see_each_other
from tests.e2e.participant import Participant, Tile
from tests.e2e.server import Server

_SPOKEN: tuple[Right, ...] = ("publish", "subscribe", "chat")


async def test_a_third_comes_and_goes_without_renegotiation_for_the_others(
    server: Server, open_chromium: OpenPage
) -> None:
    bob = Participant("Bob", await open_chromium(Camera(BLUE)))
    alice = Participant("Alice", await open_chromium(Camera(GREEN)))
    await meet(server, bob, alice)
    await see_each_other(bob, alice, BLUE.name, GREEN.name)
    before = [await _negotiated(person) for person in (bob, alice)]
    carol = Participant("Carol", await open_chromium(Camera(RED)))
    await carol.open(await server.link("Carol", *_SPOKEN))
    await carol.sees(BLUE.name, GREEN.name)
    await bob.sees(GREEN.name, RED.name)
    await alice.sees(BLUE.name, RED.name)
    await more_arrives(carol)
    await carol.press("leave")
    await carol.reaches("left")
    await bob.sees(GREEN.name)
    await alice.sees(BLUE.name)
    assert before == [await _negotiated(person) for person in (bob, alice)]


async def test_five_people_see_each_other_on_more_slots_than_the_first_offer_had(
    server: Server, open_chromium: OpenPage
) -> None:
    bob = Participant("Bob", await open_chromium(Camera(BLUE)))
    await bob.open(server.ready.links["doctor"])
    await bob.reaches("call")
    colours = {"Alice": GREEN, "Carol": RED, "Dora": YELLOW, "Eve": GREEN}
    for name, colour in colours.items():
        guest = Participant(name, await open_chromium(Camera(colour)))
        await guest.open(await server.link(name, *_SPOKEN))
        await guest.reaches("call")
    await bob.sees(*(colour.name for colour in colours.values()))
    assert len({tile.slot for tile in await bob.others()}) == len(colours)


async def test_a_removed_person_is_out_and_cannot_come_back_by_a_reload(
    server: Server, open_chromium: OpenPage
) -> None:
    bob = Participant("Bob", await open_chromium(Camera(BLUE)))
    alice = Participant("Alice", await open_chromium(Camera(GREEN)))
    await meet(server, bob, alice)
    await bob.press("people")
    await bob.press("remove")
    await bob.press("remove-confirm")
    await alice.reaches("left")
    await bob.sees()


@pytest.mark.parametrize(
    "steps",
    [pytest.param(24, id="some"), pytest.param(200, id="many", marks=pytest.mark.prove)],
)
async def test_the_colour_under_each_name_is_its_owners_or_blank(
    server: Server, open_chromium: OpenPage, steps: int
) -> None:
    chance = random.Random(7)
    bob = Participant("Bob", await open_chromium(Camera(BLUE)))
    await bob.open(server.ready.links["doctor"])
    guests = {}
    for name, colour in (("Alice", GREEN), ("Carol", RED)):
        guests[name] = Participant(name, await open_chromium(Camera(colour)))
    links = {name: await server.link(name, *_SPOKEN) for name in guests}
    owners = {"Bob": BLUE.name, "Alice": GREEN.name, "Carol": RED.name}
    watch = asyncio.create_task(_watch_colours([bob, *guests.values()], owners))
    inside: set[str] = set()
    try:
        for _ in range(steps):
            name = chance.choice(sorted(guests))
            await _step(guests[name], links[name], inside, chance)
            if watch.done():
                watch.result()
        await bob.sees(*(owners[name] for name in inside))
    finally:
        watch.cancel()
        with suppress(asyncio.CancelledError):
            await watch


async def _step(person: Participant, link: str, inside: set[str], chance: random.Random) -> None:
    """Enter, leave, or switch the camera off and on."""
    if person.name not in inside:
        await person.page.goto("about:blank")
        await person.open(link)
        await person.reaches("call")
        inside.add(person.name)
    elif chance.random() < 0.5:
        await person.press("camera")
    else:
        await person.press("leave")
        await person.reaches("left")
        inside.discard(person.name)


async def _watch_colours(people: list[Participant], owners: dict[str, str]) -> None:
    """Look at every screen all the time. Raises AssertionError on a foreign colour."""
    while True:
        for person in people:
            for tile in await _tiles_if_any(person):
                (owner,) = [colour for name, colour in owners.items() if name in tile.text] or [""]
                assert tile.colour in (owner, "blank"), f"{person.name} sees {tile}"
        await asyncio.sleep(0.02)


async def _tiles_if_any(person: Participant) -> list[Tile]:
    """Between two pages there is nothing to look at."""
    try:
        return await person.others()
    except (PageError, PlaywrightError, TimeoutError):
        return []


async def _negotiated(person: Participant) -> str:
    """The descriptions that the connection has now: another offer would change them."""
    return str(
        await person.page.evaluate(
            """(() => {
              const {localDescription, remoteDescription} =
                document.querySelector('telemed-call').session.pc;
              return localDescription.sdp + remoteDescription.sdp;
            })()"""
        )
    )
