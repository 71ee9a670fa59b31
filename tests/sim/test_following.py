"""A viewer that follows the speaker gets one stream without a seam."""

from __future__ import annotations

import itertools

from sfu.api import Follow
from sfu.core.rtp import header, rtcp
from tests.sim.world import Person, World

AUDIO, VIDEO = 1000, 1001  # the viewer's slot 0
BOB, CAROL = 20, 30  # bytes of a picture: tells whose it is


def talk(world: World, seconds: float, speaker: Person, bob: Person, carol: Person) -> None:
    """Both film; only the speaker's microphone is on."""
    for _ in range(round(seconds / 0.02)):
        for person, size in ((bob, BOB), (carol, CAROL)):
            asked = bool(person.asked(rtcp.PictureLoss))
            person.senders[""].send(key=asked, size=size)
        speaker.senders["audio"].send()
        world.run(0.02)


def sizes(packets: list[bytes]) -> list[int]:
    return [len(packet) - header.payload_offset(packet) - 5 for packet in packets]


def test_the_picture_moves_to_the_speaker_and_numbers_stay_continuous() -> None:
    world = World()
    bob, carol = world.join("bob", slots=0), world.join("carol", slots=0)
    wall = world.join("wall", publish=False, slots=1, follow=Follow())
    talk(world, 2.0, bob, bob, carol)
    first = len(wall.received[VIDEO])
    talk(world, 3.0, carol, bob, carol)
    shown = sizes(wall.received[VIDEO])
    assert set(shown[:first]) == {BOB}
    assert shown[-1] == CAROL
    assert shown == sorted(shown), "no way back"
    assert len(shown) >= 240, "no gap at the switch"
    numbers, ids = wall.numbers(VIDEO), wall.picture_ids(VIDEO)
    assert {(b - a) & 0xFFFF for a, b in itertools.pairwise(numbers)} == {1}
    assert {(b - a) & 0x7FFF for a, b in itertools.pairwise(ids)} == {1}
    times = [header.timestamp(packet) for packet in wall.received[VIDEO]]
    steps = [(b - a) & 0xFFFFFFFF for a, b in itertools.pairwise(times)]
    assert all(0 < step < 90_000 for step in steps)
    assert wall.numbers(AUDIO)
