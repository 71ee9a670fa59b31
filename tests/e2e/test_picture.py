"""The picture of the README, taken from a real call.

pytest -m prove tests/e2e/test_picture.py && cp tests/artifacts/picture.png docs/call.png
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.browsers.fakes import Camera, Colour, Person
from tests.e2e.conftest import OpenChromium
from tests.e2e.meeting import meet, more_arrives
from tests.e2e.participant import Participant
from tests.e2e.server import Server

_ALICE = Person(skin=Colour("", 176, 124, 92), clothes=Colour("", 196, 92, 84))
_BOB = Person(skin=Colour("", 226, 186, 152), clothes=Colour("", 236, 240, 242))


@pytest.mark.prove
async def test_the_picture_of_the_readme_is_a_real_call(
    server: Server, open_chromium: OpenChromium, artifacts: Path
) -> None:
    wall, curtain = Colour("", 120, 150, 170), Colour("", 150, 180, 150)
    page = await open_chromium(Camera(wall, 1280, 720, person=_BOB))
    bob = Participant("Bob", page)
    alice = Participant("Alice", await open_chromium(Camera(curtain, 1280, 720, person=_ALICE)))
    await page.tab.set_viewport_size({"width": 1120, "height": 680})
    await meet(server, bob, alice)
    await more_arrives(bob)
    await bob.press("chat")
    await bob.says("Good morning! Can you hear me well?")
    await alice.says("Yes, loud and clear.")
    await bob.reads("Yes, loud and clear.")
    await page.screenshot(artifacts / "picture.png")
    assert (Path(__file__).parents[2] / "docs" / "call.png").exists()
