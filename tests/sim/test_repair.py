"""Loss and its repair, reports and the downlink guard in virtual time."""

from __future__ import annotations

import pytest

from sfu.core.forwarder.clocks import NTP_EPOCH_S
from sfu.core.rtp import header, rtcp, twcc
from tests.sim.world import WALL_OFFSET_S, Person, World

AUDIO, VIDEO, RTX = 1000, 1001, 1002


def test_a_lost_packet_is_requested_repaired_and_forwarded_with_its_own_number() -> None:
    world = World()
    bob, alice = world.join("bob"), world.join("alice")
    camera = bob.senders[""]
    camera.send()
    lost = camera.send(lose=True)
    camera.send()
    world.run(0.025)
    (nack,) = bob.asked(rtcp.Nack)
    assert isinstance(nack, rtcp.Nack)
    assert nack.sequence_numbers == (header.sequence_number(lost),)
    bob.deliver(camera.repair(header.sequence_number(lost)))
    numbers = alice.numbers(VIDEO)
    assert [n - numbers[0] for n in numbers] == [0, 2, 1]
    world.run(1)
    assert bob.asked(rtcp.Nack) == []


def test_over_a_full_uplink_only_sound_is_asked_for_again() -> None:
    world = World()
    bob, _alice = world.join("bob"), world.join("alice")
    publisher = world.forwarder.state.publisher("bob")
    assert publisher is not None
    publisher.uplink.is_full = True
    sound, camera = bob.senders["audio"], bob.senders[""]
    for sender in (sound, camera):
        sender.send()
        sender.send(lose=True)
        sender.send()
    world.run(0.1)
    asked = {nack.media for nack in bob.asked(rtcp.Nack) if isinstance(nack, rtcp.Nack)}
    assert asked == {sound.ssrc}


def test_reordered_packets_are_not_requested() -> None:
    world = World()
    bob, _alice = world.join("bob"), world.join("alice")
    camera = bob.senders[""]
    camera.send()
    late = camera.send(lose=True)
    camera.send()
    world.run(0.005)
    bob.deliver(late)
    world.run(0.2)
    assert bob.asked(rtcp.Nack) == []


def test_a_hole_too_large_to_repair_asks_for_a_keyframe() -> None:
    world = World()
    bob, _alice = world.join("bob"), world.join("alice")
    camera = bob.senders[""]
    camera.send()
    for _ in range(150):
        camera.send(lose=True)
    camera.send()
    world.run(0.6)
    assert bob.asked(rtcp.PictureLoss) != []


def test_a_subscriber_gets_a_lost_packet_again_by_rtx_as_often_as_browsers_ask() -> None:
    world = World()
    bob, alice = world.join("bob"), world.join("alice")
    bob.senders[""].send()
    bob.senders[""].send(size=33)
    wanted = alice.numbers(VIDEO)[1]
    for _ in range(12):
        alice.tell(rtcp.Nack(1, VIDEO, (wanted,)))
        alice.tell(rtcp.Nack(1, VIDEO, (wanted,)))
        world.run(0.07)
    assert len(alice.received[RTX]) == 10
    packet = alice.received[RTX][0]
    start = header.payload_offset(packet)
    assert int.from_bytes(packet[start : start + 2], "big") == wanted
    original = alice.received[VIDEO][1]
    assert packet[start + 2 :] == original[header.payload_offset(original) :]
    assert len(set(alice.numbers(RTX))) == 10, "each with a number of its own"


def test_lost_audio_is_sent_again_as_the_same_ciphertext() -> None:
    world = World()
    bob, alice = world.join("bob"), world.join("alice")
    bob.senders["audio"].send()
    bob.senders["audio"].send()
    first = alice.received[AUDIO][0]
    alice.tell(rtcp.Nack(1, AUDIO, (header.sequence_number(first),)))
    assert alice.received[AUDIO][2] == first


def test_packets_from_before_a_layer_switch_can_still_be_repaired() -> None:
    world = World()
    bob, alice = world.join("bob", layers=3), world.join("alice")
    world.view(alice, 0, 180)
    _film(world, bob, 10)
    world.view(alice, 0, 720)
    before = alice.numbers(VIDEO)[-1]
    bob.senders["f"].key_next = True
    _film(world, bob, 2)
    alice.tell(rtcp.Nack(1, VIDEO, (before,)))
    (packet,) = alice.received[RTX]
    start = header.payload_offset(packet)
    assert int.from_bytes(packet[start : start + 2], "big") == before


@pytest.mark.parametrize("seed", range(8))
def test_every_packet_arrives_over_a_bad_network(seed: int) -> None:
    """3 % lost up, 5 % down, both repaired by RTX; nothing is sent twice under one number."""
    world = World(seed)
    bob, alice = world.join("bob"), world.join("alice")
    alice.downlink_loss = 0.05
    camera = bob.senders[""]
    camera.send()
    for _ in range(600):
        camera.send(lose=world.random.random() < 0.03)
        world.run(0.01)
        _repair_up(world, bob)
        _repair_down(alice)
    alice.downlink_loss = 0
    for _ in range(60):
        camera.send()
        world.run(0.02)
        _repair_up(world, bob)
        _repair_down(alice)
    numbers = alice.numbers(VIDEO)
    assert len(numbers) == len(set(numbers))
    arrived = set(numbers) | _repaired(alice)
    assert len(arrived) == 661


def test_a_publisher_is_told_of_its_losses_and_of_every_arrival() -> None:
    world = World()
    bob, _alice = world.join("bob"), world.join("alice")
    camera = bob.senders[""]
    camera.send()
    world.run(0.06)
    for number in range(99):
        camera.send(lose=number % 10 == 5)
        world.run(0.01)
    world.run(1)
    reports = [p for p in bob.asked(rtcp.ReceiverReport) if isinstance(p, rtcp.ReceiverReport)]
    assert sum(b.fraction_lost for r in reports for b in r.blocks) > 0
    assert reports[-1].blocks[0].lost == 10
    feedback = [
        p for p in bob.asked(rtcp.TransportFeedback) if isinstance(p, rtcp.TransportFeedback)
    ]
    came = [seq for f in feedback for seq, at in twcc.arrival_times_us(f) if at is not None]
    assert len(came) == len(set(came)) == 90


def test_subscribers_get_the_servers_clock_and_one_offset_for_sound_and_picture() -> None:
    world = World()
    bob, alice = world.join("bob"), world.join("alice")
    sound, camera = bob.senders["audio"], bob.senders[""]
    for _ in range(10):
        sound.send()
        camera.send()
        world.run(0.02)
    theirs = 5_000_000.0  # the publisher's clock is far off
    for sender, rate in ((sound, 48_000), (camera, 90_000)):
        ntp = round(theirs * 2**32)
        bob.tell(rtcp.SenderReport(sender.ssrc, ntp, sender.timestamp + rate // 10, 1, 1))
    alice.feedback.clear()
    world.run(1.2)
    reports = {
        p.ssrc: p for p in alice.asked(rtcp.SenderReport) if isinstance(p, rtcp.SenderReport)
    }
    for ssrc, sender, rate in ((AUDIO, sound, 48_000), (VIDEO, camera, 90_000)):
        report = reports[ssrc]
        seconds = report.ntp / 2**32 - NTP_EPOCH_S - WALL_OFFSET_S
        assert abs(seconds - world.now) < 1.3
        newest = alice.received[ssrc][-1]
        offset = header.timestamp(newest) - sender.timestamp
        since = (report.rtp_timestamp - offset - sender.timestamp - rate // 10) / rate
        reported_at = world.now - 1.2
        assert abs((since % (2**32 / rate)) - (seconds - reported_at)) < 0.01


def _repair_up(world: World, bob: Person) -> None:
    for nack in bob.asked(rtcp.Nack):
        assert isinstance(nack, rtcp.Nack)
        for seq in nack.sequence_numbers:
            if world.random.random() >= 0.03:
                bob.deliver(bob.senders[""].repair(seq))


def _repair_down(alice: Person) -> None:
    """What a browser does: asks for every number missing between those it has."""
    have = set(alice.numbers(VIDEO)) | _repaired(alice)
    if have:
        missing = [seq for seq in range(min(have), max(have)) if seq not in have][:50]
        if missing:
            alice.tell(rtcp.Nack(1, VIDEO, tuple(seq & 0xFFFF for seq in missing)))


def _repaired(alice: Person) -> set[int]:
    starts = ((p, header.payload_offset(p)) for p in alice.received[RTX])
    return {int.from_bytes(p[start : start + 2], "big") for p, start in starts}


def _film(world: World, bob: Person, frames: int) -> None:
    """All layers and sound at 30 a second, a keyframe a second."""
    for number in range(frames):
        for name, sender in bob.senders.items():
            if name != "audio":
                sender.send(key=number % 30 == 0)
        bob.senders["audio"].send()
        world.run(1 / 30)


def test_what_goes_over_tcp_is_not_repaired_in_either_direction() -> None:
    world = World()
    bob, alice = world.join("bob"), world.join("alice")
    for person in ("bob", "alice"):
        world.forwarder.receive_path(person, is_stream=True)
    camera = bob.senders[""]
    for lose in (False, True, False):
        camera.send(lose=lose)
    world.run(0.2)
    assert bob.asked(rtcp.Nack) == []
    number = alice.numbers(VIDEO)[0]
    before = world.counters.resent
    alice.tell(rtcp.Nack(1, VIDEO, (number,)))
    world.run(0.2)
    assert world.counters.resent == before
    world.forwarder.receive_path("alice", is_stream=False)
    alice.tell(rtcp.Nack(1, VIDEO, (number,)))
    world.run(0.2)
    assert world.counters.resent == before + 1
