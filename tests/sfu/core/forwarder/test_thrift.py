"""For how long a publisher is told to spend few bits, in virtual time."""

from __future__ import annotations

from sfu.core.forwarder import thrift
from sfu.core.forwarder.model import Track
from tests.sim.world import World


def _bob() -> tuple[World, Track]:
    world = World()
    bob, _alice = world.join("bob"), world.join("alice")
    bob.senders["audio"].send()
    world.run(0.1)
    publisher = world.forwarder.state.publisher("bob")
    assert publisher is not None
    return world, publisher.tracks["0"]


def _low_for_s(world: World, track: Track, start: float) -> float:
    """His uplink is narrow at `start` only; how long he then spends few bits."""
    room = world.forwarder.state.rooms["room"]
    now = start
    track.publisher.uplink.is_narrow = True
    thrift.watch(world.forwarder.state, room, now)
    track.publisher.uplink.is_narrow = False
    while track.low:
        now += 0.2
        thrift.watch(world.forwarder.state, room, now)
    return now - start


def test_a_link_that_is_narrow_again_as_soon_as_more_is_spent_is_spared_for_longer() -> None:
    world, track = _bob()
    now = world.now
    lasted = []
    for _ in range(5):
        lasted.append(round(_low_for_s(world, track, now)))
        now += lasted[-1] + 2
    assert lasted == [10, 20, 40, 60, 60]


def test_a_link_that_was_wide_for_a_while_is_given_the_shortest_time() -> None:
    world, track = _bob()
    now = world.now
    for _ in range(3):
        assert round(_low_for_s(world, track, now)) == thrift.CALM_S
        now += thrift.CALM_S + thrift.SOON_S + 1
