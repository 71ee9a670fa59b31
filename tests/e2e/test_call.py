"""A patient and a doctor see and hear each other through our own server, in real browsers."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.browsers.fakes import BLUE, GREEN, Camera
from tests.e2e.conftest import OpenPage
from tests.e2e.meeting import meet, see_each_other
from tests.e2e.participant import Participant
from tests.e2e.server import Server

ALICE = Camera(GREEN, tone_hz=440)
BOB = Camera(BLUE, tone_hz=660)


async def test_patient_and_doctor_see_and_hear_each_other_in_chromium(
    server: Server, open_chromium: OpenPage, artifacts: Path
) -> None:
    bob = Participant("Bob", await open_chromium(BOB))
    alice = Participant("Alice", await open_chromium(ALICE))
    await meet(server, bob, alice)
    await see_each_other(bob, alice, BLUE.name, GREEN.name)
    await alice.page.screenshot(artifacts / "call-alice.png")
    await bob.page.screenshot(artifacts / "call-bob.png")


async def test_a_patient_in_firefox_and_a_doctor_in_chromium_meet(
    server: Server, open_chromium: OpenPage, open_firefox: OpenPage, artifacts: Path
) -> None:
    bob = Participant("Bob", await open_chromium(BOB))
    alice = Participant("Alice", await open_firefox(ALICE))
    await meet(server, bob, alice)
    await see_each_other(bob, alice, BLUE.name, GREEN.name)
    await alice.page.screenshot(artifacts / "call-alice-firefox.png")
