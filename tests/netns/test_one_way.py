"""Media that pass in one direction only are named at both ends, and the mend is seen, too."""

from __future__ import annotations

import time

import pytest

from tests.e2e.browsers.fakes import BLUE, GREEN, Camera
from tests.e2e.conftest import OpenPage
from tests.e2e.meeting import meet, see_each_other
from tests.e2e.participant import Participant
from tests.e2e.poll import until
from tests.e2e.server import Server
from tests.e2e.test_findings import NAMED_WITHIN_S, SETTLED_S, is_calm, reads
from tests.netns.conftest import Figure, MakeLink, OpenChromiumAt, OpenPageAt
from tests.netns.one_way import Direction, media_lost

ALICE = Camera(GREEN, tone_hz=440)
BOB = Camera(BLUE, tone_hz=660)
# Who reads what, by the direction in which Alice's media are lost.
SAID: dict[Direction, tuple[str, str]] = {
    "up": ("cannot hear you", "You cannot hear Alice"),
    "down": ("You cannot hear Bob", "Alice cannot hear you"),
}


@pytest.mark.prove
@pytest.mark.parametrize("browser", ("chromium", "firefox"))
async def test_media_that_are_lost_in_one_direction_are_named_at_both_ends_in_time(
    browser: str,
    server: Server,
    open_chromium: OpenPage,
    open_chromium_at: OpenChromiumAt,
    open_firefox_at: OpenPageAt,
    make_link: MakeLink,
    figure: Figure,
) -> None:
    link = make_link(delay_s=0.01)
    open_page_at = open_firefox_at if browser == "firefox" else open_chromium_at
    alice = Participant("Alice", await open_page_at(link.client, ALICE))
    bob = Participant("Bob", await open_chromium(BOB))
    await meet(server, bob, alice)
    await see_each_other(bob, alice, BLUE.name, GREEN.name)
    for direction, (alices, bobs) in SAID.items():
        await until(lambda: is_calm(alice, bob), SETTLED_S, "nothing is wrong before")
        with media_lost(link.client, direction):
            began = time.monotonic()
            await reads(alice, alices, NAMED_WITHIN_S)
            await reads(bob, bobs, NAMED_WITHIN_S - (time.monotonic() - began))
            figure(f"{direction}: named after s", round(time.monotonic() - began, 1))
        await until(lambda: is_calm(alice, bob), SETTLED_S, f"{direction} is mended")
