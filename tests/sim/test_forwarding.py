"""Forwarding, slots and layers in virtual time."""

from __future__ import annotations

from sfu.api import SlotAssigned, SlotSwitched, Speakers, TrackAdded
from sfu.core.rtp import header, rtcp
from tests.sim.world import Person, World, rtp, vp8_payload

AUDIO, VIDEO, RTX = 1000, 1001, 1002  # a watcher's slot 0


def test_a_subscriber_gets_video_from_the_first_keyframe_on() -> None:
    world = World()
    bob, alice = world.join("bob"), world.join("alice")
    camera = bob.senders[""]
    camera.key_next = False
    for key in (False, False, True, False):
        camera.send(key=key)
        world.run(0.033)
    assert len(alice.received[VIDEO]) == 2
    assert alice.picture_ids(VIDEO) == [102, 103]
    assert bob.received == {}


def test_the_publisher_is_asked_for_a_keyframe_when_somebody_comes() -> None:
    world = World()
    bob = world.join("bob")
    bob.senders[""].send()
    world.run(1)
    assert bob.asked(rtcp.PictureLoss) == []
    world.join("alice")
    world.run(0.05)
    assert len(bob.asked(rtcp.PictureLoss)) == 1


def test_keyframe_requests_of_many_become_one() -> None:
    world = World()
    bob = world.join("bob")
    bob.senders[""].send()
    for name in ("alice", "carol", "dora"):
        world.join(name)
    world.run(0.25)
    assert len(bob.asked(rtcp.PictureLoss)) == 1
    world.run(0.3)
    assert len(bob.asked(rtcp.PictureLoss)) == 1, "it is repeated while no keyframe comes"


def test_outgoing_packets_carry_their_own_numbers_and_the_subscribers_extensions() -> None:
    world = World()
    bob, alice = world.join("bob"), world.join("alice")
    bob.senders["audio"].send()
    bob.senders[""].send()
    (audio,), (video,) = alice.received[AUDIO], alice.received[VIDEO]
    assert header.extension(audio, 1) == b"3"
    assert header.extension(audio, 5) == b"\x14"
    assert header.extension(video, 1) == b"4"
    numbers = [int.from_bytes(header.extension(p, 4) or b"", "big") for p in (audio, video)]
    assert numbers == [1, 2], "one transport-wide number for each packet of the peer"


def test_a_newcomer_in_a_used_slot_is_not_sent_before_the_old_picture_is_hidden() -> None:
    world = World()
    bob, alice = world.join("bob"), world.join("alice")
    bob.senders[""].send()
    assert len(alice.received[VIDEO]) == 1
    world.leave(bob)
    carol = world.join("carol")
    carol.senders[""].send(key=True)
    carol.senders["audio"].send()
    assert len(alice.received[VIDEO]) == 1
    assert alice.received[AUDIO] == []
    epoch = _epoch(world, "alice", 0)
    world.ready(alice, 0, epoch - 1)
    carol.senders[""].send(key=True)
    assert len(alice.received[VIDEO]) == 1, "an old epoch opens nothing"
    world.ready(alice, 0, epoch)
    carol.senders[""].send(key=True)
    assert len(alice.received[VIDEO]) == 2


def test_numbers_go_on_when_another_person_takes_the_slot() -> None:
    world = World()
    bob, alice = world.join("bob"), world.join("alice")
    for _ in range(3):
        bob.senders[""].send()
        world.run(0.033)
    world.leave(bob)
    carol = world.join("carol")
    carol.senders[""].picture_id = 9
    world.ready(alice, 0, _epoch(world, "alice", 0))
    world.run(0.5)
    carol.senders[""].send(key=True)
    numbers = alice.numbers(VIDEO)
    assert numbers == list(range(numbers[0], numbers[0] + 4))
    assert alice.picture_ids(VIDEO) == [100, 101, 102, 103]
    before, after = (header.timestamp(p) for p in alice.received[VIDEO][2:])
    assert abs((after - before) % 2**32 - 0.533 * 90_000) < 2000


def test_slot_switched_names_the_first_timestamp_of_the_newcomer() -> None:
    world = World()
    bob, alice = world.join("bob"), world.join("alice")
    bob.senders[""].send()
    (event,) = [e for e in world.told(SlotSwitched) if isinstance(e, SlotSwitched)]
    assert (event.peer, event.slot, event.epoch) == ("alice", 0, _epoch(world, "alice", 0))
    assert event.rtp_timestamp == header.timestamp(alice.received[VIDEO][0])
    bob.senders[""].send(key=True)
    assert len(world.told(SlotSwitched)) == 1


def test_a_person_keeps_the_slot_while_others_come_and_go() -> None:
    world = World()
    alice = world.join("alice")
    others = [world.join(name) for name in ("bob", "carol", "dora")]
    world.leave(others[0])
    world.join("eve")
    subscriber = world.forwarder.state.subscriber("alice")
    assert subscriber is not None
    assert [slot.publisher for slot in subscriber.slots] == ["eve", "carol", "dora"]
    assert alice.received == {}


def test_the_layer_follows_the_size_that_is_shown() -> None:
    world = World()
    bob, alice = world.join("bob", layers=3), world.join("alice")
    world.view(alice, 0, 720)
    _film(world, bob, 10)
    assert _layer(alice) == "f"
    world.view(alice, 0, 180)
    _film(world, bob, 5)
    assert _layer(alice) == "f", "the old layer runs until a keyframe"
    bob.senders["q"].key_next = True
    _film(world, bob, 5)
    assert _layer(alice) == "q"
    numbers, pictures = alice.numbers(VIDEO), alice.picture_ids(VIDEO)
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert pictures == list(range(pictures[0], pictures[0] + len(pictures)))


def test_a_layer_that_never_comes_is_not_waited_for() -> None:
    world = World()
    bob, alice = world.join("bob", layers=3), world.join("alice")
    world.view(alice, 0, 720)
    for rid in ("q", "h"):
        bob.senders[rid].send(key=True)
    world.run(0.3)
    for rid in ("q", "h"):
        bob.senders[rid].send(key=True)
    assert _layer(alice) == "h"


def test_the_size_of_a_small_camera_is_read_from_its_keyframes() -> None:
    world = World()
    bob, alice = world.join("bob", layers=3), world.join("alice")
    world.view(alice, 0, 400)
    heights = {"q": 135, "h": 270, "f": 540}
    for _ in range(3):
        for rid, height in heights.items():
            size = b"\x00\x00\x9d\x01\x2a\xc0\x03" + height.to_bytes(2, "little")
            bob.deliver(bob.senders[rid].packet(vp8_payload(1, key=True, body=size)))
        world.run(0.6)
    assert _layer(alice) == "f", "270 rows would be too few, although it is the middle layer"


def test_a_hidden_tile_gets_no_video_but_audio() -> None:
    world = World()
    bob, alice = world.join("bob"), world.join("alice")
    bob.senders[""].send()
    world.view(alice, 0, 0)
    bob.senders[""].send(key=True)
    bob.senders["audio"].send()
    assert len(alice.received[VIDEO]) == 1
    assert len(alice.received[AUDIO]) == 1
    world.view(alice, 0, 360)
    bob.senders[""].send(key=True)
    assert len(alice.received[VIDEO]) == 2
    assert alice.numbers(VIDEO)[1] == alice.numbers(VIDEO)[0] + 1


def test_a_muted_source_is_forwarded_no_more_until_it_is_unmuted() -> None:
    world = World()
    bob, alice = world.join("bob"), world.join("alice")
    bob.senders["audio"].send()
    world.forwarder.set_muted("bob", "microphone", True, world.now)
    world.executor.drain()
    bob.senders["audio"].send()
    assert len(alice.received[AUDIO]) == 1
    world.forwarder.set_muted("bob", "microphone", False, world.now)
    world.executor.drain()
    bob.senders["audio"].send()
    assert len(alice.received[AUDIO]) == 2


def test_an_empty_packet_is_left_out_and_the_numbers_close_up() -> None:
    world = World()
    bob, alice = world.join("bob"), world.join("alice")
    camera = bob.senders[""]
    camera.send()
    bob.deliver(camera.packet(b""))
    camera.send()
    late = camera.send(lose=True)
    camera.send()
    bob.deliver(late)
    numbers = alice.numbers(VIDEO)
    assert [n - numbers[0] for n in numbers] == [0, 1, 3, 2]


def test_who_speaks_is_told_when_it_changes() -> None:
    world = World()
    bob, _alice = world.join("bob"), world.join("alice")
    for _ in range(60):
        bob.senders["audio"].send()
        world.run(0.02)
    world.run(1)
    told = [e.peers for e in world.told(Speakers) if isinstance(e, Speakers)]
    assert told == [("bob",), ()]


def test_the_first_packet_of_a_track_is_announced() -> None:
    world = World()
    bob = world.join("bob")
    bob.senders["audio"].send()
    bob.senders[""].send()
    told = [(e.source, e.codec) for e in world.told(TrackAdded) if isinstance(e, TrackAdded)]
    assert told == [("microphone", "opus"), ("camera", "VP8")]


def test_a_packet_of_an_unknown_ssrc_is_counted_and_dropped() -> None:
    world = World()
    bob, alice = world.join("bob"), world.join("alice")
    bob.deliver(rtp(77, 1, 1, b"x", payload_type=50))
    assert world.counters.dropped_unbound == 1
    assert alice.received == {}


def test_more_than_the_room_holds_is_refused() -> None:
    world = World()
    for number in range(8):
        world.join(f"p{number}", slots=1)
    refused = world.forwarder.describe_peer("room", "late", [], world.now)
    assert refused is not None
    assert refused.code == "room_full"


def _epoch(world: World, peer: str, slot: int) -> int:
    found = [e for e in world.told(SlotAssigned) if isinstance(e, SlotAssigned)]
    return [e.epoch for e in found if (e.peer, e.slot) == (peer, slot)][-1]


def _film(world: World, person: Person, frames: int) -> None:
    """All layers, one packet a frame, 30 frames a second."""
    for _ in range(frames):
        for rid in ("q", "h", "f"):
            person.senders[rid].send()
        world.run(0.033)


def _layer(watcher: Person) -> str:
    """The rid of the layer that flows in slot 0 now."""
    subscriber = watcher.world.forwarder.state.subscriber(watcher.name)
    assert subscriber is not None
    video = subscriber.slots[0].video
    assert video is not None
    assert video.source is not None
    return ("q", "h", "f")[video.source.layer]
