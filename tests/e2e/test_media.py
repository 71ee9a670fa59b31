"""Simulcast, loss and addresses: what the media server promises, seen by browsers."""

from __future__ import annotations

import msgspec
import pytest

from tests.e2e.browsers.fakes import BLUE, GREEN, Camera
from tests.e2e.conftest import OpenChromium, StartServer
from tests.e2e.meeting import meet, more_arrives, see_each_other
from tests.e2e.participant import Participant
from tests.e2e.poll import until
from tests.e2e.server import Server
from tests.netns.loss import udp_loss, unreachable
from tests.netns.namespace import FIRST_ADDRESS, FIRST_ADDRESS_V6, SECOND_ADDRESS

ALICE = Camera(GREEN)
LARGE = Camera(BLUE, width=1280, height=720, noise=6)
LAYERS_WITHIN_S = 45.0  # a second or two on an idle machine; the estimate has to grow first
LOSS_S = 20.0
IN_FLIGHT = 2  # frames sent and not decoded yet at the end, more than at the beginning
FRAMES_AT_LEAST = 0.995
FREEZE_AT_MOST_S = 0.5
BUSY_FRAMES_MISSING = 0.1  # at three times as many runnable processes as cores: 5 to 7 %


async def test_a_large_camera_sends_three_layers_and_a_small_tile_gets_the_small_one(
    server: Server, open_chromium: OpenChromium
) -> None:
    bob = Participant("Bob", await open_chromium(LARGE))
    alice_page = await open_chromium(ALICE)
    alice = Participant("Alice", alice_page)
    await meet(server, bob, alice)
    await see_each_other(bob, alice, BLUE.name, GREEN.name)
    await until(lambda: _layer_sizes(bob, 3), LAYERS_WITHIN_S, "three layers")
    await until(lambda: _picture_width(alice, 1280, 1280), LAYERS_WITHIN_S, "large picture")
    await alice_page.tab.set_viewport_size({"width": 320, "height": 480})
    await until(lambda: _picture_width(alice, 1, 640), LAYERS_WITHIN_S, "small picture")
    await more_arrives(alice)


class Received(msgspec.Struct, frozen=True):
    """What reached Alice of what Bob sent while packets were lost."""

    frames_missing: float  # share
    packets_unrepaired: float  # share
    freeze_s: float  # mean


async def test_lost_packets_are_repaired_in_spite_of_three_percent_loss_up_and_five_down(
    server: Server, open_chromium: OpenChromium
) -> None:
    """A busy machine makes frames late; what was lost on the way comes all the same."""
    received = await _call_over_loss(server, open_chromium)
    assert received.packets_unrepaired <= 1 - FRAMES_AT_LEAST
    assert received.frames_missing <= BUSY_FRAMES_MISSING
    assert received.freeze_s <= 3 * FREEZE_AT_MOST_S


@pytest.mark.prove
async def test_frames_arrive_in_spite_of_three_percent_loss_up_and_five_down(
    server: Server, open_chromium: OpenChromium
) -> None:
    received = await _call_over_loss(server, open_chromium)
    assert received.frames_missing <= 1 - FRAMES_AT_LEAST
    assert received.freeze_s <= FREEZE_AT_MOST_S


async def _call_over_loss(server: Server, open_chromium: OpenChromium) -> Received:
    bob = Participant("Bob", await open_chromium(Camera(BLUE, width=640, height=360, noise=6)))
    alice = Participant("Alice", await open_chromium(ALICE))
    await meet(server, bob, alice)
    await see_each_other(bob, alice, BLUE.name, GREEN.name)
    with udp_loss(server.ready.port, up=0.03, down=0.05):
        await until(lambda: _is_patient(alice), 15, "the loss is noticed")
        before = (await alice.flow()).video_in[0]
        sent_before = await _frames_sent(bob)
        await until(lambda: _frames_after(bob, sent_before + 15 * LOSS_S), 3 * LOSS_S)
        after = (await alice.flow()).video_in[0]
        sent = await _frames_sent(bob) - sent_before
    arrived = after.frames_received - before.frames_received
    unrepaired = after.packets_lost - after.retransmitted_packets_received
    freezes = after.freeze_count - before.freeze_count
    frozen_s = after.total_freezes_duration - before.total_freezes_duration
    return Received(
        frames_missing=(sent - IN_FLIGHT - arrived) / sent,
        packets_unrepaired=(unrepaired - IN_FLIGHT) / after.packets_received,
        freeze_s=frozen_s / max(1, freezes),
    )


@pytest.mark.parametrize("closed", (FIRST_ADDRESS, SECOND_ADDRESS))
async def test_a_host_with_two_interfaces_answers_from_the_address_that_was_asked(
    start_server: StartServer, open_chromium: OpenChromium, closed: str
) -> None:
    server = await start_server(host="0.0.0.0")
    bob = Participant("Bob", await open_chromium(Camera(BLUE)))
    alice = Participant("Alice", await open_chromium(ALICE))
    with unreachable(closed, server.ready.port):
        await meet(server, bob, alice)
        await see_each_other(bob, alice, BLUE.name, GREEN.name)


async def _layer_sizes(person: Participant, count: int) -> dict[str, tuple[int, int]]:
    layers = (await person.flow()).layers()
    sizes = {rid: (layer.frame_width, layer.frame_height) for rid, layer in layers.items()}
    return sizes if len(sizes) == count else {}


async def _picture_width(person: Participant, least: int, most: int) -> bool:
    (tile,) = await person.others()
    return least <= tile.picture[0] <= most


async def _frames_sent(person: Participant) -> int:
    """Frames of the layer that was encoded most."""
    streams = (await person.flow()).outbound
    return max(stream.frames_encoded for stream in streams)


async def _frames_after(person: Participant, count: float) -> bool:
    return await _frames_sent(person) >= count


async def _is_patient(person: Participant) -> bool:
    """The receiver waits longer for repair, because the server has measured loss."""
    target = await person.page.evaluate(
        """document.querySelector('telemed-call').session.pc.getReceivers()
          .some((receiver) => receiver.jitterBufferTarget > 0)"""
    )
    return target is True


async def test_a_call_over_ipv6(start_server: StartServer, open_chromium: OpenChromium) -> None:
    server = await start_server(host=FIRST_ADDRESS_V6)
    bob = Participant("Bob", await open_chromium(Camera(BLUE)))
    alice = Participant("Alice", await open_chromium(ALICE))
    await meet(server, bob, alice)
    await see_each_other(bob, alice, BLUE.name, GREEN.name)
