"""A patient and a doctor see and hear each other through our own server, in real browsers."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.browsers.fakes import BLUE, GREEN, Camera
from tests.e2e.conftest import OpenPage
from tests.e2e.participant import STEP_WITHIN_S, Participant
from tests.e2e.poll import until
from tests.e2e.server import Server

ALICE = Camera(GREEN, tone_hz=440)
BOB = Camera(BLUE, tone_hz=660)


async def test_patient_and_doctor_see_and_hear_each_other_in_chromium(
    server: Server, open_chromium: OpenPage, artifacts: Path
) -> None:
    bob = Participant("Bob", await open_chromium(BOB))
    alice = Participant("Alice", await open_chromium(ALICE))
    await meet(server, bob, alice)
    await both_ways(bob, alice)
    await alice.page.screenshot(artifacts / "call-alice.png")
    await bob.page.screenshot(artifacts / "call-bob.png")


async def test_a_patient_in_firefox_and_a_doctor_in_chromium_meet(
    server: Server, open_chromium: OpenPage, open_firefox: OpenPage, artifacts: Path
) -> None:
    bob = Participant("Bob", await open_chromium(BOB))
    alice = Participant("Alice", await open_firefox(ALICE))
    await meet(server, bob, alice)
    await both_ways(bob, alice)
    await alice.page.screenshot(artifacts / "call-alice-firefox.png")


async def meet(server: Server, bob: Participant, alice: Participant) -> None:
    """Bob enters by the demo's doctor link, Alice by the patient's; he lets her in."""
    await bob.open(server.ready.links["doctor"])
    await bob.reaches("call")
    await alice.open(server.ready.links["patient"])
    await alice.reaches("waiting")
    assert not (await alice.flow()).inbound, "media before admission"
    await bob.press("admit")
    await alice.reaches("call")


async def both_ways(bob: Participant, alice: Participant) -> None:
    """Each sees the other's colour; frames, audio packets and audio energy grow."""
    await bob.sees(GREEN.name)
    await alice.sees(BLUE.name)
    for person in (bob, alice):
        await more_arrives(person)


async def more_arrives(person: Participant) -> None:
    before = await person.flow()

    async def more() -> bool:
        now = await person.flow()
        return (
            now.frames >= before.frames + 15
            and now.audio_packets >= before.audio_packets + 50
            and now.audio_energy > before.audio_energy
        )

    await until(more, STEP_WITHIN_S, f"{person.name}: more picture and sound")
