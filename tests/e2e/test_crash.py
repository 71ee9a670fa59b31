"""Processes die; calls come back by themselves."""

from __future__ import annotations

import os
import signal

import pytest

from tests.e2e.browsers.fakes import BLUE, GREEN, Camera
from tests.e2e.conftest import OpenPage
from tests.e2e.meeting import meet, more_arrives, see_each_other
from tests.e2e.participant import STEP_WITHIN_S, Participant
from tests.e2e.poll import until
from tests.e2e.server import Server

PROMISED_S = 5.0
BACK_WITHIN_S = 3 * PROMISED_S  # on a busy machine


@pytest.mark.parametrize(
    "within_s",
    [
        pytest.param(BACK_WITHIN_S, id="busy"),
        pytest.param(PROMISED_S, id="promised", marks=pytest.mark.prove),
    ],
)
async def test_both_are_back_by_themselves_after_the_media_worker_was_killed(
    server: Server, open_chromium: OpenPage, open_firefox: OpenPage, within_s: float
) -> None:
    bob = Participant("Bob", await open_chromium(Camera(BLUE)))
    alice = Participant("Alice", await open_firefox(Camera(GREEN)))
    await meet(server, bob, alice)
    await see_each_other(bob, alice, BLUE.name, GREEN.name)
    await _mark_connection(bob, alice)
    os.kill(server.ready.pids["worker"], signal.SIGKILL)
    await until(lambda: _pictures_on_new_connections(bob, alice), within_s, "both are back")
    await see_each_other(bob, alice, BLUE.name, GREEN.name)


async def test_media_goes_on_and_signalling_resumes_after_front_and_edge_were_killed(
    server: Server, open_chromium: OpenPage
) -> None:
    bob = Participant("Bob", await open_chromium(Camera(BLUE)))
    alice = Participant("Alice", await open_chromium(Camera(GREEN)))
    await meet(server, bob, alice)
    await see_each_other(bob, alice, BLUE.name, GREEN.name)
    await _mark_connection(bob, alice)
    for process in ("edge", "front"):
        os.kill(server.ready.pids[process], signal.SIGKILL)
    for person in (bob, alice):
        await more_arrives(person)
    for person in (bob, alice):
        await person.reaches("call", BACK_WITHIN_S)
        assert await _is_marked(person), f"{person.name} had to connect anew"
    await see_each_other(bob, alice, BLUE.name, GREEN.name)


async def test_a_removed_person_stays_out_and_a_lock_stays_after_the_front_was_killed(
    server: Server, open_chromium: OpenPage
) -> None:
    bob = Participant("Bob", await open_chromium(Camera(BLUE)))
    alice = Participant("Alice", await open_chromium(Camera(GREEN)))
    await meet(server, bob, alice)
    await bob.press("people")
    await bob.press("remove")
    await bob.press("remove-confirm")
    await alice.reaches("left")
    await bob.press("lock")
    await until(lambda: _is_locked(bob), STEP_WITHIN_S, "locked")
    os.kill(server.ready.pids["front"], signal.SIGKILL)
    await bob.reaches("reconnecting")
    await bob.reaches("call", BACK_WITHIN_S)
    assert await _is_locked(bob)
    await alice.page.goto("about:blank")
    await alice.open(server.ready.links["patient"])
    await alice.reaches("left")
    assert not await bob.others()


async def _is_locked(person: Participant) -> bool:
    return bool(
        await person.page.evaluate("document.querySelector('telemed-call').session.room.locked")
    )


async def _mark_connection(*people: Participant) -> None:
    """Leave a mark that stays exactly as long as the media connection of now."""
    for person in people:
        await person.page.evaluate(
            "document.querySelector('telemed-call').session.pc.marked = true"
        )


async def _is_marked(person: Participant) -> bool:
    return bool(
        await person.page.evaluate("document.querySelector('telemed-call').session.pc?.marked")
    )


async def _pictures_on_new_connections(*people: Participant) -> bool:
    for person in people:
        if await _is_marked(person) or not (await person.flow()).frames:
            return False
    return True
