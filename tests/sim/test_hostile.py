"""What one participant may not do to the others, however odd the packets it sends."""

from __future__ import annotations

from sfu.core.rtp import header, rtcp
from tests.sim.world import World, rtp, vp8_payload

AUDIO, VIDEO, RTX = 1000, 1001, 1002


def test_a_vp8_packet_cut_inside_its_descriptor_harms_nobody() -> None:
    world = World()
    bob, alice = world.join("bob"), world.join("alice")
    camera = bob.senders[""]
    camera.send()
    for payload in (b"\x80", b"\x90\x80", b"\x90\x80\x80", b"\x90\xf0\x80\x01\x02"):
        bob.deliver(camera.packet(payload))
    world.run(0.3)
    world.view(alice, 0, 0)
    world.run(0.3)
    world.view(alice, 0, 360)
    camera.send(key=True)
    assert len(alice.received[VIDEO]) == 2
    assert world.counters.dropped_malformed == 4


def test_empty_packets_that_come_late_or_before_a_late_keyframe_are_never_sent() -> None:
    world = World()
    bob, alice = world.join("bob"), world.join("alice")
    camera = bob.senders[""]
    camera.key_next = False
    camera.send()
    keyframe = camera.packet(vp8_payload(500, key=True))
    late = camera.packet(b"")
    bob.deliver(camera.packet(b""))
    bob.deliver(late)
    camera.send()
    bob.deliver(keyframe)
    camera.send()
    world.run(0.1)
    assert len(alice.received[VIDEO]) == 3
    numbers = alice.numbers(VIDEO)
    wanted = tuple(range(min(numbers) - 5, max(numbers) + 5))
    alice.tell(rtcp.Nack(1, VIDEO, wanted))
    assert len(alice.received[RTX]) == 3


def test_a_stream_whose_ssrc_changes_with_every_packet_makes_few_sources() -> None:
    world = World()
    bob, _alice = world.join("bob"), world.join("alice")
    camera = bob.senders[""]
    for number in range(200):
        camera.ssrc = 20_000 + number % 2
        camera.send(key=True)
        world.run(0.005)
    assert world.forwarder.state.last_id < 40
    assert world.counters.dropped_unbound > 50


def test_a_payload_type_of_another_codec_is_not_forwarded_as_this_one() -> None:
    world = World()
    bob, alice = world.join("bob"), world.join("alice")
    camera = bob.senders[""]
    camera.send()
    odd = bytearray(camera.packet(vp8_payload(7, key=False)))
    odd[1] = 111
    bob.deliver(bytes(odd))
    assert len(alice.received[VIDEO]) == 1
    assert world.counters.dropped_unbound == 1


def test_repair_works_for_a_stream_whose_rtx_ssrc_was_first_seen_in_a_probe() -> None:
    """Chromium probes on the rtx ssrc before the layer has sent anything."""
    world = World()
    bob, alice = world.join("bob", layers=3), world.join("alice")
    world.view(alice, 0, 180)
    quarter = bob.senders["q"]
    probe = rtp(quarter.ssrc + 500, 5, 1, b"", 97, [(1, b"1"), (3, b"q")])
    nameless = rtp(bob.senders["h"].ssrc + 500, 5, 1, b"", 97, [(1, b"1")])
    bob.deliver(probe)
    bob.deliver(nameless)
    quarter.send()
    lost = quarter.send(lose=True)
    quarter.send()
    bob.deliver(quarter.repair(header.sequence_number(lost)))
    assert len(alice.received[VIDEO]) == 3
    half = bob.senders["h"]
    half.send()
    lost = half.send(lose=True)
    half.send()
    bob.deliver(half.repair(header.sequence_number(lost)))
    assert world.counters.repaired_in == 2


def test_one_layers_keyframe_does_not_end_the_wait_for_anothers() -> None:
    world = World()
    bob, alice = world.join("bob", layers=3), world.join("alice")
    world.view(alice, 0, 720)
    bob.senders["f"].key_next = False
    for rid in ("q", "h", "f"):
        bob.senders[rid].send()
    world.run(0.4)
    bob.asked(rtcp.PictureLoss)
    for _ in range(40):
        bob.senders["q"].send(key=True)
        bob.senders["f"].send()
        world.run(0.025)
    assert bob.asked(rtcp.PictureLoss) != []


def test_a_flood_of_nacks_is_answered_within_a_budget() -> None:
    world = World()
    bob, alice = world.join("bob"), world.join("alice")
    for _ in range(100):
        bob.senders[""].send()
    for _ in range(50):
        alice.tell(*(rtcp.Nack(1, VIDEO, tuple(range(n * 100, n * 100 + 100))) for n in range(10)))
        world.run(0.005)
    assert world.counters.nacks_in <= 2048
    assert len(alice.received[RTX]) <= 300


def test_a_flood_of_keyframe_requests_makes_two_a_second_at_most() -> None:
    world = World()
    bob, alice = world.join("bob"), world.join("alice")
    for _ in range(200):
        alice.tell(rtcp.PictureLoss(1, VIDEO), rtcp.PictureLoss(1, AUDIO))
        bob.senders[""].send(key=True)
        bob.senders["audio"].send()
        world.run(0.01)
    assert len(bob.asked(rtcp.PictureLoss)) <= 5


def test_unsent_numbers_of_one_participant_do_not_break_the_slot_for_the_next() -> None:
    """Empty packets far apart would move a receiver's roll-over count without its knowing."""
    world = World()
    bob, alice = world.join("bob"), world.join("alice")
    camera = bob.senders[""]
    camera.send()
    for _ in range(5):
        camera.seq += 30_000
        bob.deliver(camera.packet(b""))
    before = alice.numbers(VIDEO)[-1]
    world.leave(bob)
    carol = world.join("carol")
    subscriber = world.forwarder.state.subscriber("alice")
    assert subscriber is not None
    world.ready(alice, 0, subscriber.slots[0].epoch)
    carol.senders[""].send(key=True)
    assert alice.numbers(VIDEO)[-1] == before + 1


def test_leaps_in_numbers_are_not_passed_on() -> None:
    world = World()
    bob, alice = world.join("bob"), world.join("alice")
    camera = bob.senders[""]
    for leap in (1, 30_000, 600, 1, 30_000, 1):
        camera.seq += leap - 1
        camera.send()
    first = alice.numbers(VIDEO)[0]
    assert [number - first for number in alice.numbers(VIDEO)] == [0, 2, 4, 5, 7, 8]
    assert alice.picture_ids(VIDEO) == list(range(100, 106))
    world.run(0.25)
    assert len(bob.asked(rtcp.PictureLoss)) == 1, "too much is missing for anything else"


def test_one_ssrc_in_two_m_lines_leaves_nothing_behind() -> None:
    world = World()
    bob, alice = world.join("bob"), world.join("alice")
    bob.senders[""].ssrc = bob.senders["audio"].ssrc
    for _ in range(3):
        bob.senders["audio"].send()
        bob.senders[""].send(key=True)
        world.run(1)
    world.leave(bob)
    assert world.forwarder.state.sources == {}
    assert alice.numbers(AUDIO) == sorted(set(alice.numbers(AUDIO)))


def test_nothing_is_left_of_people_who_came_and_went() -> None:
    world = World()
    alice = world.join("alice")
    for number in range(300):
        bob = world.join(f"bob{number}", layers=3)
        for sender in bob.senders.values():
            sender.send()
        world.run(0.01)
        world.leave(bob)
    world.run(2)
    state, executor = world.forwarder.state, world.executor
    assert state.sources == {}
    assert len(state.streams) == 6
    assert list(state.rooms["room"].peers) == ["alice"]
    assert list(state.room_of) == ["alice"]
    sizes = [len(v) for v in vars(executor).values() if isinstance(v, dict)]
    assert sum(sizes) < 30
    assert len(alice.transport.kept) <= 3
