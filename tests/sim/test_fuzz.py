"""Authentic but broken packets: nothing that one participant sends raises or stops others."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from sfu.core.rtp import header, rtcp
from tests.sim.world import Person, World

VIDEO, RTX = 1001, 1002


def samples(bob: Person) -> list[bytes]:
    """One good packet of each kind that Bob's client sends."""
    found = [sender.send(key=True) for sender in bob.senders.values()]
    quarter = bob.senders["q"]
    found.append(quarter.repair(header.sequence_number(found[1])))
    found.append(quarter.packet(b""))
    block = rtcp.ReportBlock(VIDEO, 10, 1, 1, 1, 1, 1)
    found.append(
        rtcp.build(
            [
                rtcp.SenderReport(quarter.ssrc, 1 << 60, 5, 1, 1, (block,)),
                rtcp.SourceDescription(((quarter.ssrc, "name"),)),
                rtcp.Nack(1, VIDEO, (1, 2, 3)),
                rtcp.PictureLoss(1, VIDEO),
                rtcp.FullIntraRequest(1, ((VIDEO, 1),)),
            ]
        )
    )
    return found


CHANGES = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 255)), max_size=6)
BROKEN = st.lists(st.tuples(st.integers(0, 6), CHANGES, st.integers(0, 60)), max_size=25)


@settings(max_examples=60, deadline=None)
@given(BROKEN)
def test_broken_packets_raise_nothing_and_others_talk_on(
    broken: list[tuple[int, list[tuple[int, int]], int]],
) -> None:
    world = World()
    bob, carol, alice = world.join("bob", layers=3), world.join("carol"), world.join("alice")
    for number, (kind, changes, cut) in enumerate(broken):
        packet = bytearray(samples(bob)[kind])
        for at, value in changes:
            packet[at % len(packet)] = value
        del packet[len(packet) - cut % 20 :]
        if len(packet) > 1:
            bob.deliver(bytes(packet))
        if number % 5 == 0:
            world.view(alice, 0, 180 << number % 3)
            world.run(0.21)
    before = len(alice.received[2001])
    for _ in range(3):
        carol.senders[""].send(key=True)
        world.run(0.03)
    assert len(alice.received[2001]) == before + 3
    world.leave(bob)
    world.run(1.3)
