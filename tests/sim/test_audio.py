"""Sound over networks that lose a fifth of everything, for each kind of receiver there is."""

from __future__ import annotations

import pytest

from sfu.api import LayersWanted
from sfu.core.forwarder import downlink, repeating
from sfu.core.rtp import header, red
from tests.sim.network import Conditions
from tests.sim.talk import RED, REPORT_S, Talk

GOOD, LOSSY = Conditions(delay_s=0.02), Conditions(delay_s=0.02, loss=0.2)
FAR_LOSSY = Conditions(delay_s=0.1, loss=0.2)
MISSED_AT_MOST = 0.05  # design/quality: intelligible at 20 % loss
FAST_BPS = 10_000_000


def sent_to_alice(talk: Talk) -> list[int]:
    return [header.sequence_number(data) for data in talk.entered]


def test_to_a_receiver_that_cannot_ask_everything_is_sent_twice_as_the_same_bytes() -> None:
    talk = Talk(LOSSY, GOOD)
    talk.run(3)
    assert talk.missed(10) <= MISSED_AT_MOST
    talk.entered.clear()
    talk.run(2)
    numbers = sent_to_alice(talk)
    middle = set(numbers[10:-10])
    assert {numbers.count(number) for number in middle} == {2}
    assert len(set(talk.entered)) == len(set(numbers))


def test_without_the_second_copy_a_fifth_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeating, "BEGIN_LOSS", 2.0)
    talk = Talk(LOSSY, GOOD)
    talk.run(3)
    assert talk.missed(10) > 3 * MISSED_AT_MOST


def test_the_second_copy_comes_twenty_to_forty_milliseconds_later() -> None:
    talk = Talk(LOSSY, GOOD)
    talk.run(5)
    world, alice = talk.world, talk.alice
    at: dict[bytes, list[float]] = {}

    def note(datagrams: list[bytes]) -> int:
        for data in datagrams:
            at.setdefault(data, []).append(world.now)
        return len(datagrams)

    alice.transport.send = note
    talk.run(1)
    gaps = [later - first for first, *more in at.values() for later in more]
    assert len(gaps) > 40
    assert 0.02 <= min(gaps) <= max(gaps) <= 0.04


def test_copies_are_neither_counted_nor_taken_for_loss_or_delay() -> None:
    talk = Talk(LOSSY, GOOD)
    talk.run(3)
    stream = talk.subscriber.slots[0].audio
    assert stream is not None
    before, copies = stream.sent.packets, len(talk.entered)
    talk.run(10)
    sent, left = stream.sent.packets - before, len(talk.entered) - copies
    assert abs(sent - 500) <= 2
    assert abs(left - 1000) <= 10
    assert talk.subscriber.path_loss < 0.1  # of 0.2: what came at last has come
    assert talk.subscriber.estimator.overused is False


def test_copies_end_ten_seconds_after_the_loss() -> None:
    talk = Talk(LOSSY, GOOD)
    talk.run(5)
    talk.change(GOOD)
    talk.run(9)
    before = talk.world.counters.repeated
    talk.run(0.5)
    assert talk.world.counters.repeated > before
    talk.run(8)
    before = talk.world.counters.repeated
    talk.run(5)
    assert talk.world.counters.repeated == before


def test_room_is_set_aside_for_each_copy() -> None:
    for talk in (
        Talk(LOSSY, GOOD),
        Talk(FAR_LOSSY, GOOD, bob_red=True, alice_red=True, estimate_bps=FAST_BPS),
    ):
        talk.run(0.1)
        once = downlink._reserve(talk.subscriber)
        talk.run(5)
        assert downlink._reserve(talk.subscriber) >= 2 * once


def test_a_good_path_gets_everything_once() -> None:
    talk = Talk(GOOD)
    talk.run(10)
    assert talk.world.counters.repeated == 0


def test_a_link_without_room_gets_no_second_copy() -> None:
    talk = Talk(LOSSY, GOOD, estimate_bps=80_000)
    talk.run(5)
    assert talk.world.counters.repeated == 0


def test_a_receiver_that_asks_is_answered_instead() -> None:
    talk = Talk(LOSSY, GOOD, asks=True)
    talk.run(3)
    assert talk.missed(10) <= MISSED_AT_MOST
    assert talk.world.counters.resent > 100
    assert talk.world.counters.repeated == 0


def test_far_away_nobody_is_asked_and_nobody_answered_but_all_is_sent_twice() -> None:
    talk = Talk(FAR_LOSSY, asks=True)
    talk.subscriber.rtt_s = 0.2
    publisher = talk.world.forwarder.state.publisher("bob")
    assert publisher is not None
    publisher.rtt_s = 0.2
    talk.run(5)
    assert talk.world.counters.nacks_in > 0
    assert talk.world.counters.resent == 0
    assert talk.bob_asked == 0
    assert talk.world.counters.repeated > 100


def test_what_a_publishers_path_loses_is_asked_for_again() -> None:
    talk = Talk(GOOD, LOSSY)
    talk.run(2)
    assert talk.missed(10) <= MISSED_AT_MOST
    assert talk.bob_asked > 50


def test_redundant_sound_reaches_who_knows_it_with_the_packet_before_in_each() -> None:
    talk = Talk(LOSSY, GOOD, bob_red=True, alice_red=True, asks=True, estimate_bps=FAST_BPS)
    talk.run(3)
    talk.entered.clear()
    assert talk.missed(10) <= MISSED_AT_MOST
    fresh = {header.sequence_number(data): data for data in talk.entered}
    assert all(data[1] & 0x7F == RED.red_payload_type for data in fresh.values())
    blocks = [red.unpack(data[header.payload_offset(data) :]) for data in fresh.values()]
    assert all([block.offset for block in each][-2:] == [960, 0] for each in blocks)


def test_where_very_much_is_lost_each_packet_carries_the_two_before_it() -> None:
    talk = Talk(FAR_LOSSY, GOOD, bob_red=True, alice_red=True, estimate_bps=FAST_BPS)
    talk.run(3)
    talk.entered.clear()
    assert talk.missed(2) <= MISSED_AT_MOST / 2
    blocks = [red.unpack(data[header.payload_offset(data) :]) for data in talk.entered]
    assert all([block.offset for block in each] == [1920, 960, 0] for each in blocks)


def test_who_does_not_know_redundancy_gets_plain_sound() -> None:
    talk = Talk(GOOD, bob_red=True)
    assert talk.missed(5) == 0
    assert {data[1] & 0x7F for data in talk.entered} == {111}


def test_sound_that_its_publisher_sends_alone_leaves_alone() -> None:
    talk = Talk(GOOD, alice_red=True, estimate_bps=FAST_BPS)
    assert talk.missed(5) == 0
    assert {data[1] & 0x7F for data in talk.entered} == {111}


def test_below_120_kilobits_redundancy_is_left_out() -> None:
    talk = Talk(GOOD, bob_red=True, alice_red=True, estimate_bps=80_000)
    talk.run(0.3)
    talk.subscriber.estimator._rate.set(80_000)
    talk.entered.clear()
    talk.run(0.5)
    talk.subscriber.estimator._rate.set(FAST_BPS)
    assert {data[1] & 0x7F for data in talk.entered} == {111}
    talk.run(0.5)
    talk.entered.clear()
    talk.run(0.5)
    assert {data[1] & 0x7F for data in talk.entered} == {63}


def test_where_a_queue_told_that_the_link_is_narrow_no_sound_is_sent_twice() -> None:
    talk = Talk(FAR_LOSSY, GOOD, bob_red=True, alice_red=True, estimate_bps=FAST_BPS)
    talk.run(3)
    assert talk.entered[-1][1] & 0x7F == RED.red_payload_type
    rate = talk.subscriber.estimator._rate
    rate.overused(150_000, talk.world.now)
    talk.run(0.3)
    talk.entered.clear()
    talk.run(0.5)
    assert {data[1] & 0x7F for data in talk.entered} == {111}
    rate.set(FAST_BPS)
    talk.run(0.5)
    assert talk.entered[-1][1] & 0x7F == RED.red_payload_type


def test_on_a_narrow_link_nothing_is_repeated_and_no_loss_is_passed_on() -> None:
    talk = Talk(LOSSY, GOOD)
    talk.run(3)
    talk.subscriber.estimator._rate.overused(150_000, talk.world.now)
    talk.run(0.3)
    before, told = talk.world.counters.repeated, len(talk.reports)
    talk.run(3)
    assert talk.world.counters.repeated == before
    assert {block.fraction_lost for block in talk.reports[told + 1 :]} == {0}


def test_a_publisher_is_told_to_spend_few_bits_while_somebodys_link_is_narrow() -> None:
    talk = Talk(GOOD, estimate_bps=FAST_BPS)
    talk.run(1)
    rate = talk.subscriber.estimator._rate
    rate.overused(150_000, talk.world.now)
    talk.run(1)
    assert wanted_of_bob(talk) == [("low",)]
    talk.world.forwarder.announce_slots()
    talk.run(0.1)
    assert wanted_of_bob(talk) == [("low",)] * 2, "told again to a caller that has just come"
    rate.set(FAST_BPS)
    talk.run(9)
    assert wanted_of_bob(talk) == [("low",)] * 2
    talk.run(2)
    assert wanted_of_bob(talk)[-1] == ("full",)


def wanted_of_bob(talk: Talk) -> list[tuple[str, ...]]:
    events = talk.world.told(LayersWanted)
    return [
        event.rids
        for event in events
        if isinstance(event, LayersWanted) and event.source == "microphone"
    ]


def test_what_is_lost_on_the_way_in_comes_back_within_the_next_packet() -> None:
    talk = Talk(GOOD, FAR_LOSSY, bob_red=True)
    publisher = talk.world.forwarder.state.publisher("bob")
    assert publisher is not None
    publisher.rtt_s = 0.2  # nothing is asked for
    talk.run(2)
    assert talk.missed(20) <= MISSED_AT_MOST
    assert talk.world.counters.recovered_in > 100


def test_a_publisher_is_told_of_the_worst_loss_on_the_way_to_anybody() -> None:
    talk = Talk(LOSSY, GOOD)
    talk.run(10 * REPORT_S)
    sound = talk.bob.senders["audio"].ssrc
    told = [block.fraction_lost / 256 for block in talk.reports if block.ssrc == sound]
    assert max(told[-5:]) > 0.1
    assert {block.lost for block in talk.reports} == {0}, "its own path lost nothing"


def test_a_publisher_is_told_what_its_path_lost_though_it_came_back() -> None:
    talk = Talk(GOOD, FAR_LOSSY, bob_red=True)
    talk.run(10 * REPORT_S)
    told = [block.fraction_lost / 256 for block in talk.reports]
    assert sum(told) / len(told) > 0.1
