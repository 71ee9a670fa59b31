"""A visit from far away over a lossy link: what is lost cannot be asked for in time."""

from __future__ import annotations

import time

import pytest

from tests.e2e.browsers.fakes import BLUE, GREEN, Camera
from tests.e2e.conftest import OpenPage
from tests.e2e.meeting import meet, see_each_other
from tests.e2e.participant import Participant
from tests.e2e.poll import until
from tests.e2e.server import Server
from tests.e2e.stats import CONNECTION
from tests.netns.conftest import Figure, MakeLink, OpenChromiumAt
from tests.netns.impairment import Impairment
from tests.netns.visits import SPEECH, sound

ALICE = Camera(GREEN, width=640, height=360, speech=SPEECH)
BOB = Camera(BLUE, width=640, height=360, speech=SPEECH)
FAR = 0.1  # seconds each way
REDUNDANT_WITHIN_S = 15.0  # a report in 5 s, a look in 2 s, an offer; three times
MEASURED_S = 20.0
CONCEALED_AT_MOST = 0.05

_PREFERRED = f"""{CONNECTION}.remoteDescription.sdp.match(/^m=audio.*SAVPF ([0-9]+)/m)[1]"""
_RED = "63"  # Chromium's payload type


@pytest.mark.prove
async def test_far_away_sound_goes_redundantly_while_a_fifth_is_lost(
    server: Server,
    open_chromium: OpenPage,
    open_chromium_at: OpenChromiumAt,
    make_link: MakeLink,
    figure: Figure,
) -> None:
    link = make_link(delay_s=FAR)
    alice = Participant("Alice", await open_chromium_at(link.client, ALICE))
    bob = Participant("Bob", await open_chromium(BOB))
    await meet(server, bob, alice)
    await see_each_other(bob, alice, BLUE.name, GREEN.name)
    link.change(Impairment(delay_s=FAR, loss=0.2))

    async def both_send_redundantly() -> bool:
        sent = [str(await person.page.evaluate(_PREFERRED)) for person in (alice, bob)]
        return sent == [_RED, _RED]

    await until(both_send_redundantly, REDUNDANT_WITHIN_S, "redundant sound")
    before = [await sound(person) for person in (alice, bob)]
    begun = time.monotonic()

    async def is_over() -> bool:
        return time.monotonic() >= begun + MEASURED_S

    await until(is_over, MEASURED_S + 1)
    after = [await sound(person) for person in (alice, bob)]
    shares = [round(a.share_since(b), 4) for a, b in zip(after, before, strict=True)]
    figure("concealed; Alice, Bob", shares)
    assert max(shares) <= CONCEALED_AT_MOST
