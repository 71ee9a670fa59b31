"""Who cannot hear or see whom is said at both ends, in real browsers, and only then."""

from __future__ import annotations

import time

import pytest

from tests.e2e.browsers.fakes import BLUE, GREEN, Camera
from tests.e2e.conftest import OpenPage
from tests.e2e.meeting import meet, see_each_other
from tests.e2e.participant import Participant
from tests.e2e.poll import holds, until
from tests.e2e.server import Server

ALICE = Camera(GREEN, tone_hz=440)
BOB = Camera(BLUE, tone_hz=660)
NAMED_WITHIN_S = 5.0  # promised
CALM_S = 60.0  # promised: no false alarm
SETTLED_S = 15.0

_CALL = "document.querySelector('telemed-call')"
_NOTICE = f"{_CALL}.querySelector('[data-findings]:not([hidden])')?.textContent ?? ''"
_SWAP = (
    "(async () => {{ const {{local}} = " + _CALL + ".session; {make}; "
    "window.kept = local.tracks.{source}; local.tracks.{source} = made.getTracks()[0]; "
    "local.emit('change', '{source}'); }})()"
)
_PUT_BACK = (
    "(() => {{ const {{local}} = " + _CALL + ".session; local.tracks.{source} = window.kept; "
    "local.emit('change', '{source}'); }})()"
)
SILENCE = _SWAP.format(
    make="const made = new AudioContext().createMediaStreamDestination().stream",
    source="microphone",
)
BLACK = _SWAP.format(
    make="const canvas = Object.assign(document.createElement('canvas'), "
    "{width: 320, height: 240}); const pen = canvas.getContext('2d'); "
    "setInterval(() => pen.fillRect(0, 0, 320, 240), 60); const made = canvas.captureStream(15)",
    source="camera",
)
SOUND = _PUT_BACK.format(source="microphone")
PICTURE = _PUT_BACK.format(source="camera")
BLOCKED = f"{_CALL}.querySelectorAll('.tile audio').forEach((one) => one.pause())"
CUT = (
    f"(async () => {{ const {{pc, local}} = {_CALL}.session; window.cut = pc.getSenders()"
    ".find(({track}) => track === local.tracks.microphone); "
    "await window.cut.replaceTrack(null); })()"
)
MENDED = f"window.cut.replaceTrack({_CALL}.session.local.tracks.microphone)"


async def notice(person: Participant) -> str:
    return str(await person.page.evaluate(_NOTICE))


async def reads(person: Participant, text: str, within_s: float) -> None:
    async def there() -> bool:
        return text in await notice(person)

    await until(there, within_s, f"{person.name} reads {text!r}")


async def is_calm(*people: Participant) -> bool:
    return not any([await notice(person) for person in people])


async def each_fault_is_named(faulty: Participant, other: Participant, within_s: float) -> None:
    """Silent microphone, black camera, blocked sound, sound lost on the way; each mended."""
    name = await _name_of(faulty)
    for fault, own, others, mend in (
        (SILENCE, "Your microphone gives no sound", f"{name} cannot be heard", SOUND),
        (BLACK, "Your camera shows only black", f"{name} cannot be seen", PICTURE),
        (BLOCKED, "holds the sound back", f"{name} cannot hear you", ""),
        (CUT, "cannot hear you", f"You cannot hear {name}", MENDED),
    ):
        await faulty.page.evaluate(fault)
        began = time.monotonic()
        await reads(faulty, own, within_s)
        await reads(other, others, within_s - (time.monotonic() - began))
        if mend:
            await faulty.page.evaluate(mend)
        else:
            await faulty.press("mend")
        await until(lambda: is_calm(faulty, other), SETTLED_S, f"{fault} is mended")


async def _name_of(person: Participant) -> str:
    session = f"{_CALL}.session"
    found = f"{session}.room.participants.find(({{id}}) => id === {session}.me).name"
    return str(await person.page.evaluate(found))


async def _meeting(server: Server, bob: Participant, alice: Participant) -> None:
    await meet(server, bob, alice)
    await see_each_other(bob, alice, BLUE.name, GREEN.name)


async def test_each_fault_is_named_at_both_ends_with_what_mends_it(
    server: Server, open_chromium: OpenPage
) -> None:
    bob = Participant("Bob", await open_chromium(BOB))
    alice = Participant("Alice", await open_chromium(ALICE))
    await _meeting(server, bob, alice)
    assert await is_calm(bob, alice)
    await each_fault_is_named(alice, bob, 3 * NAMED_WITHIN_S)


@pytest.mark.prove
async def test_faults_in_both_directions_are_named_in_time_and_a_calm_minute_is_calm(
    server: Server, open_chromium: OpenPage, open_firefox: OpenPage
) -> None:
    bob = Participant("Bob", await open_chromium(BOB))
    alice = Participant("Alice", await open_firefox(ALICE))
    await _meeting(server, bob, alice)
    await holds(lambda: is_calm(bob, alice), CALM_S, "nothing is wrong")
    await each_fault_is_named(bob, alice, NAMED_WITHIN_S)
    await each_fault_is_named(alice, bob, NAMED_WITHIN_S)
