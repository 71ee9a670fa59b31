"""What Alice gets of Bob over links of different width: sound always, pictures as they fit."""

from __future__ import annotations

from itertools import pairwise

import pytest

from sfu.api import LayersWanted, Quality
from sfu.core.forwarder.allocation import PAUSED, Demand, decide
from sfu.core.forwarder.hysteresis import Hysteresis
from sfu.core.forwarder.layers import Option
from sfu.core.overload import NO_CAP
from sfu.core.rtp import header, vp8
from sfu.core.rtp.serial import Unwrapper
from tests.sim.network import Conditions
from tests.sim.slow_link import AUDIO, RTX, VIDEO, Call
from tests.sim.world import World

FAST = Conditions()
SLOWEST = Conditions(rate_bps=80_000)
SLOW = Conditions(rate_bps=150_000, delay_s=0.05)
NARROW = Conditions(rate_bps=600_000, delay_s=0.05)


def told(call: Call) -> list[Quality]:
    events = call.world.told(Quality)
    return [e for e in events if isinstance(e, Quality) and e.peer == "alice"]


def test_a_fast_link_gets_the_full_picture_within_a_second() -> None:
    call = Call([(0, FAST)])
    call.run(1.0)
    assert call.layer() == ("f", 2)
    call.run(4.0)
    assert call.frames(2, 5) >= 88
    assert told(call)[-1].video == "full"
    assert told(call)[-1].estimate_bps > 1_500_000
    assert call.world.counters.dropped_paced == 0


def test_at_80_kbit_s_sound_flows_and_the_picture_pauses_with_a_word() -> None:
    call = Call([(0, FAST), (5, SLOWEST)])
    call.run(20.0)
    assert call.layer() is None
    assert told(call)[-1].video == "off"
    assert [one.video for one in told(call)[-1].pictures] == ["off"]
    assert len(call.packets(AUDIO, 8, 19)) >= 545, "50 a second"
    assert max(call.waits(AUDIO, 8, 19)) < 0.3
    assert call.packets(VIDEO, 8, 19) == []


def test_where_a_receiver_reports_no_sound_its_link_is_not_charged_twice_for_it() -> None:
    call = Call([(0, FAST), (4, SLOW)], reports_sound=False)
    call.run(30.0)
    assert call.frames(10, 30) >= 200, "10 a second"
    assert len(call.packets(AUDIO, 8, 30)) >= 1090


def test_where_a_receiver_reports_no_sound_it_still_comes_before_pictures() -> None:
    call = Call([(0, FAST), (4, SLOWEST)], reports_sound=False)
    call.run(25.0)
    assert call.frames(10, 25) <= 30
    assert len(call.packets(AUDIO, 8, 25)) >= 840


def test_a_paused_picture_does_not_come_back_where_it_would_delay_sound() -> None:
    call = Call([(0, FAST)])
    call.run(2.0)
    publisher = call.world.forwarder.state.publisher("bob")
    assert publisher is not None
    lowest = publisher.tracks["1"].sources[0]
    options = [Option(lowest, 0, 20_000), Option(lowest, 3, 60_000)]
    paused = Demand(options, (0,), PAUSED)
    for room_bps, granted in ((40_000, PAUSED), (60_000, 0)):
        assert decide(Hysteresis(), room_bps, [paused], 0.0, limited=True) == [granted]


def test_a_layer_that_its_publisher_gave_up_is_still_looked_for() -> None:
    call = Call([(0, FAST)])
    call.run(3.0)
    subscriber = call.world.forwarder.state.subscriber("alice")
    assert subscriber is not None
    call.paused = {"h", "f"}
    call.run(3.0)
    publisher = call.world.forwarder.state.publisher("bob")
    assert publisher is not None
    for layer in publisher.tracks["1"].sources[1:]:
        layer.rate.steady_bps = (3_000.0,) * 4  # what came in its last moments
    subscriber.estimator._rate.set(60_000)
    call.run(4.0)
    assert subscriber.estimator.bitrate_bps > 1_200_000


def test_at_150_kbit_s_the_smallest_picture_moves() -> None:
    call = Call([(0, SLOW)])
    call.run(30.0)
    assert call.layer() is not None
    assert call.frames(10, 30) >= 200, "10 a second"
    assert len(call.packets(AUDIO, 5, 30)) >= 1240
    assert told(call)[-1].video == "reduced"


@pytest.mark.parametrize("before", [SLOWEST, SLOW, NARROW])
def test_a_restored_link_gets_the_full_picture_within_ten_seconds(before: Conditions) -> None:
    call = Call([(0, FAST), (4, before), (16, FAST)])
    call.run(26.0)
    assert call.layer() == ("f", 2)
    assert told(call)[-1].video == "full"


def test_a_narrow_link_gets_a_smaller_picture_without_lost_sound() -> None:
    call = Call([(0, FAST), (3, NARROW)])
    call.run(15.0)
    layer = call.layer()
    assert layer is not None and layer[0] in "qh"
    assert len(call.packets(AUDIO, 6, 15)) >= 445
    assert call.frames(6, 15) >= 130


def test_what_is_left_out_leaves_no_gap_in_numbers_or_pictures() -> None:
    call = Call([(0, NARROW), (4, Conditions(rate_bps=170_000, delay_s=0.02)), (14, FAST)])
    call.run(20.0)
    tids = set()
    numbers, pictures, times = Unwrapper(), Unwrapper(15), Unwrapper(32)
    sent = []
    for packet in call.sent(VIDEO):
        start = header.payload_offset(packet)
        descriptor = vp8.parse(packet, start)
        assert descriptor.picture_id is not None
        tids.add(descriptor.tid)
        sent.append(
            (
                numbers.unwrap(header.sequence_number(packet)),
                pictures.unwrap(descriptor.picture_id),
                times.unwrap(header.timestamp(packet)),
            )
        )
    assert tids == {0, 1, 2}
    assert call.thinned(), "frames were left out"
    for (number, picture, time), (following, next_picture, later) in pairwise(sent):
        assert following == number + 1
        assert next_picture - picture in (0, 1)
        assert (next_picture > picture) == (later > time)


def test_a_keyframe_is_spread_over_a_slow_link_and_sound_does_not_wait_for_it() -> None:
    call = Call([(0, Conditions(rate_bps=300_000, delay_s=0.02))])
    call.run(10.0)
    before = call.now
    for camera in call.cameras.values():
        camera.sender.key_next = True
    call.run(1.0)
    assert call.frames(before, before + 1) >= 20
    assert max(call.waits(AUDIO, before, before + 1)) < 0.12


def test_what_waits_for_a_slow_link_is_forgotten_when_another_layer_takes_over() -> None:
    world = World()
    bob, alice = world.join("bob", layers=2), world.join("alice", publish=False)
    world.view(alice, 0, 180)
    for rid in "qh":
        bob.senders[rid].send()
    subscriber = world.forwarder.state.subscriber("alice")
    assert subscriber is not None
    world.view(alice, 0, 360)
    subscriber.pacer.rate_bps = 100_000
    for _ in range(5):
        bob.senders["q"].send(size=1000)
    assert subscriber.pacer.is_holding
    bob.senders["h"].send(key=True)
    bob.senders["h"].send()
    subscriber.pacer.rate_bps = 0
    world.run(0.1)
    numbers, pictures = alice.numbers(VIDEO), alice.picture_ids(VIDEO)
    assert len(numbers) < 9
    assert all(b - a == 1 for a, b in pairwise(numbers))
    assert all(b - a == 1 for a, b in pairwise(pictures))


def test_probes_stop_when_nothing_more_is_wanted() -> None:
    call = Call([(0, FAST)], height=180)
    call.run(6.0)
    assert call.layer() == ("q", 2)
    assert call.packets(RTX, 2, 6) == []


def test_layers_that_nobody_has_a_use_for_are_given_up_and_asked_for_again_at_once() -> None:
    call = Call([(0, FAST)], height=180)
    call.run(2.5)
    assert wanted(call) == [("q", "h", "f")]
    call.run(2.0)
    assert wanted(call)[1:] == [("q",)]
    call.paused = {"h", "f"}
    call.run(3.0)
    call.world.view(call.alice, 0, 720)
    call.run(0.3)
    assert wanted(call)[-1] == ("q", "h", "f")
    call.paused = set()
    call.run(2.5)
    assert call.layer() == ("f", 2)


def test_what_a_slow_link_will_not_carry_soon_need_not_be_sent_by_the_publisher() -> None:
    call = Call([(0, FAST), (2, SLOW)])
    call.run(14.0)
    assert "f" not in wanted(call)[-1]


def test_an_overloaded_worker_sends_smaller_pictures_and_all_sound() -> None:
    call = Call([(0, FAST)])
    call.run(2.0)
    assert call.layer() == ("f", 2)
    call.world.forwarder.cap_height(180, call.world.now)
    call.run(4.0)
    assert call.layer() == ("q", 2)
    assert wanted(call)[-1] == ("q",)
    assert len(call.packets(AUDIO, 2, 6)) >= 198
    call.world.forwarder.cap_height(NO_CAP, call.world.now)
    call.run(1.0)
    assert call.layer() == ("f", 2)


def wanted(call: Call) -> list[tuple[str, ...]]:
    return [e.rids for e in call.world.told(LayersWanted) if isinstance(e, LayersWanted)]
