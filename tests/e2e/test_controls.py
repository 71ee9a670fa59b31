"""What the buttons of a call do for the other side: chat, screen, mute, lock."""

from __future__ import annotations

from tests.e2e.browsers.fakes import BLUE, GREEN, RED, Camera
from tests.e2e.conftest import OpenPage
from tests.e2e.meeting import meet, see_each_other
from tests.e2e.participant import STEP_WITHIN_S, Participant
from tests.e2e.poll import holds, until
from tests.e2e.server import Server


async def test_what_one_writes_the_other_reads(
    server: Server, open_chromium: OpenPage, open_firefox: OpenPage
) -> None:
    bob = Participant("Bob", await open_chromium(Camera(BLUE)))
    alice = Participant("Alice", await open_firefox(Camera(GREEN)))
    await meet(server, bob, alice)
    for person in (bob, alice):
        await person.press("chat")
    await alice.says("Is this <b>safe</b>?")
    await bob.reads("Is this <b>safe</b>?")
    await bob.says("Yes.")
    await alice.reads("Yes.")


async def test_a_shared_screen_stands_beside_its_owners_picture(
    server: Server, open_chromium: OpenPage
) -> None:
    bob = Participant("Bob", await open_chromium(Camera(BLUE)))
    alice = Participant("Alice", await open_chromium(Camera(GREEN)))
    await meet(server, bob, alice)
    await see_each_other(bob, alice, BLUE.name, GREEN.name)
    await bob.press("screen")
    await until(lambda: _live_tiles(alice, 2), STEP_WITHIN_S, "camera and screen")
    await bob.press("screen")
    await until(lambda: _live_tiles(alice, 1), STEP_WITHIN_S, "the camera alone")
    await until(lambda: _tiles(alice, 1), STEP_WITHIN_S, "no place kept for the screen")
    await bob.press("screen")
    await until(lambda: _live_tiles(alice, 2), STEP_WITHIN_S, "the screen again")


async def test_a_muted_patient_is_heard_no_more_until_she_speaks_again(
    server: Server, open_chromium: OpenPage
) -> None:
    bob = Participant("Bob", await open_chromium(Camera(BLUE)))
    alice = Participant("Alice", await open_chromium(Camera(GREEN)))
    await meet(server, bob, alice)
    await see_each_other(bob, alice, BLUE.name, GREEN.name)
    await bob.press("people")
    await bob.press("mute")
    await until(lambda: _is_silent(bob), STEP_WITHIN_S, "silence")
    await holds(lambda: _is_silent(bob), 1.0)
    await alice.press("microphone")
    await until(lambda: _is_heard(bob), STEP_WITHIN_S, "sound")


async def test_nobody_gets_into_a_locked_room(server: Server, open_chromium: OpenPage) -> None:
    bob = Participant("Bob", await open_chromium(Camera(BLUE)))
    alice = Participant("Alice", await open_chromium(Camera(GREEN)))
    await meet(server, bob, alice)
    await bob.press("people")
    await bob.press("lock")
    carol = Participant("Carol", await open_chromium(Camera(RED)))
    await carol.open(await server.link("Carol", "subscribe"))
    await carol.reaches("error")
    assert len(await bob.others()) == 1


async def _live_tiles(person: Participant, count: int) -> bool:
    return len([tile for tile in await person.others() if tile.live]) == count


async def _tiles(person: Participant, count: int) -> bool:
    """How many places the screen gives to others, live or not."""
    return len([tile for tile in await person.others() if tile.shown[0] > 0]) == count


async def _is_silent(person: Participant) -> bool:
    return not await _energy_grows(person)


async def _is_heard(person: Participant) -> bool:
    return await _energy_grows(person)


async def _energy_grows(person: Participant) -> bool:
    """Over the next half second. The page's own clock waits, as the counters are the page's."""
    before = await person.flow()
    await person.page.evaluate("new Promise((done) => setTimeout(done, 500))")
    return (await person.flow()).audio_energy > before.audio_energy
