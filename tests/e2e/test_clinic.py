"""The shortest real use of the clinic: set up, sign in, an instant visit, a call, what remains."""

from __future__ import annotations

import re
from pathlib import Path

from tests.e2e.browsers.fakes import BLUE, GREEN, Camera
from tests.e2e.clinic_pages import Reader
from tests.e2e.conftest import OpenPage, StartServer
from tests.e2e.meeting import hears_the_other, see_each_other
from tests.e2e.participant import Participant
from tests.e2e.poll import until
from web.portal.quality_words import WAYS
from web.portal.words import ACTIONS

ALICE = Camera(GREEN, tone_hz=440)
BOB = Camera(BLUE, tone_hz=660)
ENDED_WITHIN_S = 5.0
QUALITY_WITHIN_S = 30.0  # three times as long as it is gathered
ALICES_VISIT = "document.querySelector('[data-fresh=visits] a')"
NOTE_WHAT_IS_ASKED_FOR = """{
  const media = navigator.mediaDevices, get = media.getUserMedia.bind(media);
  window.asked = [];
  media.getUserMedia = (wanted) => (window.asked.push(wanted), get(wanted));
}"""
CAMERA_CONTROLS = """[
  ...[...document.querySelectorAll('[data-action=camera]')].filter((one) => one.checkVisibility()),
  ...[...document.querySelectorAll('.devices label')].filter((one) =>
    one.textContent.startsWith('Camera') && !one.hidden),
].length"""


async def test_from_the_set_up_link_to_an_ended_visit(
    start_server: StartServer, open_chromium: OpenPage, artifacts: Path
) -> None:
    server = await start_server(demo=False)
    bob = Participant("Bob", await open_chromium(BOB))
    alice = Participant("Alice", await open_chromium(ALICE))
    desk = Reader(bob.page, server.ready.url)

    printed = await server.set_up_link()
    assert printed.startswith(f"{server.ready.url}/set-up#")
    await desk.set_up(printed)
    link = await desk.begin_visit("Alice Example", phone="+48 600 100 200")
    await bob.page.screenshot(artifacts / "visit-link.png")
    await bob.page.evaluate("void setTimeout(() => location.reload())")
    await desk.reads(link)

    await desk.open("/visits")
    await bob.page.evaluate(f"{ALICES_VISIT}.focus()")
    await alice.open(link)
    await alice.reaches("waiting")
    assert not (await alice.flow()).inbound, "media before admission"

    await bob.page.evaluate("void document.dispatchEvent(new Event('visibilitychange'))")
    await desk.reads("waiting since")
    assert await bob.page.evaluate(f"{ALICES_VISIT} === document.activeElement")
    await desk.press("Alice Example")
    await desk.reads("What really happened")
    visit = await desk.path()
    await desk.press("Open the call")
    await desk.reaches(f"{visit}/call")
    await bob.reaches("prejoin")
    await bob.press("join")
    await bob.reaches("call")
    await desk.reads("Alice Example is waiting")
    await bob.press("admit")
    await alice.reaches("call")
    await see_each_other(bob, alice, BLUE.name, GREEN.name)
    await alice.says("My knee is better")
    await bob.reads("My knee is better")

    await bob.press("leave")
    await bob.press("leave-leave")
    await desk.reaches(visit)
    reader = Reader(alice.page, server.ready.url)
    await reader.reads("Dr. Bob Example has left the call")
    await reader.reads("If you need the clinic, call +48")
    await desk.reads("patient alone in the call")

    await desk.press("Open the call")
    await desk.reaches(f"{visit}/call")
    await bob.reaches("prejoin")
    await bob.press("join")
    await bob.reaches("call")
    await bob.press("leave")
    await bob.press("leave-end")
    await alice.reaches("left", ENDED_WITHIN_S)
    assert "ended" in await reader.text()
    await desk.reaches(visit)
    await desk.reads("My knee is better")
    said = await desk.text()
    happened = said.partition("What really happened")[2].partition("How the call went")[0]
    assert "–" not in happened, f"a time is missing:\n{said}"
    await bob.page.screenshot(artifacts / "visit-ended.png")

    await desk.press("Record")
    await desk.reads("Who looked at this record")
    await desk.reads("Dr. Bob Example")
    await bob.page.screenshot(artifacts / "record.png")
    for action in ("organisation.set_up", "account.enrol_factor", "visit.create", "visit.enter"):
        await desk.open(f"/audit?action={action}")
        rows = await bob.page.evaluate("document.querySelector('tbody').innerText")
        assert ACTIONS[action] in rows
    await desk.press("Check that nothing was changed")
    await desk.reads("whole")
    await bob.page.screenshot(artifacts / "audit.png")
    await the_visit_says_how_the_call_went(desk, visit)
    await a_visit_by_sound(desk, bob, alice)


async def the_visit_says_how_the_call_went(desk: Reader, visit: str) -> None:
    """For each of the two, and when they came and left."""

    async def known() -> bool:
        await desk.open(visit)
        said = (await desk.text()).partition("How the call went")[2]
        return len(re.findall(r"(Good|Fair|Poor|Bad) for \d+ s", said)) == 2

    await until(known, QUALITY_WITHIN_S, "how the call went for both is known")
    await desk.reads("Alice Example was there when the visit ended.")
    numbers = await desk.page.evaluate("document.querySelector('#quality .numbers').textContent")
    assert WAYS["udp"] in numbers
    assert "lines" in numbers


async def a_visit_by_sound(desk: Reader, bob: Participant, alice: Participant) -> None:
    """Nobody is asked for a camera or could choose one, and both hear each other."""
    for person in (bob, alice):
        await person.page.prepare(NOTE_WHAT_IS_ASKED_FOR)
    link = await desk.begin_visit("Alice Example", modality="audio")
    await alice.page.goto("about:blank")
    await alice.page.goto(link)
    await alice.reaches("prejoin")
    assert await alice.page.evaluate(CAMERA_CONTROLS) == 0
    await alice.press("join")
    await alice.reaches("waiting")
    assert await alice.page.evaluate(CAMERA_CONTROLS) == 0
    visit = (await desk.path()).removesuffix("/link")
    await desk.press("Open the call")
    await desk.reaches(f"{visit}/call")
    await bob.reaches("prejoin")
    await bob.press("join")
    await bob.reaches("call")
    await bob.press("admit")
    await alice.reaches("call")
    for person in (bob, alice):
        await hears_the_other(person)
        assert not (await person.flow()).video_in
        assert await person.page.evaluate(CAMERA_CONTROLS) == 0
        asked = await person.page.evaluate("window.asked")
        assert asked
        assert not [one for one in asked if one.get("video")]
