"""The shortest real use of the clinic: set up, sign in, an instant visit, a call, what remains."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.browsers.fakes import BLUE, GREEN, Camera
from tests.e2e.clinic_pages import Reader
from tests.e2e.conftest import OpenPage, StartServer
from tests.e2e.meeting import see_each_other
from tests.e2e.participant import Participant
from web.portal.words import ACTIONS

ALICE = Camera(GREEN, tone_hz=440)
BOB = Camera(BLUE, tone_hz=660)
ENDED_WITHIN_S = 5.0


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

    await alice.open(link)
    await alice.reaches("waiting")
    assert not (await alice.flow()).inbound, "media before admission"

    await desk.open("/visits")
    await desk.reads("waiting since")
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
    assert "–" not in said.partition("What really happened")[2], f"a time is missing:\n{said}"
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
