"""What the executor sends is what the rule says, byte for byte: its short cuts change nothing."""

from __future__ import annotations

import random

from sfu.core.rtp import header
from tests.sfu.core.forwarder.packets import render
from tests.sim.world import Person, World, vp8_payload


def test_every_forwarded_packet_is_the_rule_applied() -> None:
    world = World(seed=7)
    bob, alice = world.join("bob"), world.join("alice")
    for number in range(200):
        say(world.random, bob, key=number % 50 == 0)
        if number == 60:
            world.join("carol")  # her picture ids go on from elsewhere
        world.run(0.02)
    for watcher in ("alice", "carol"):
        check(world, bob, watcher)
    assert len(alice.received[1001]) == 200


def say(chance: random.Random, bob: Person, *, key: bool) -> None:
    """One packet of each kind; some with the marker, some padded."""
    bob.senders["audio"].send()
    camera = bob.senders[""]
    body = vp8_payload(camera.picture_id, key=key, body=b"v" * chance.randrange(1, 1000))
    packet = camera.packet(body)
    camera.picture_id += 1
    if chance.random() < 0.3:
        packet = packet[:1] + bytes([packet[1] | 0x80]) + packet[2:]
    if chance.random() < 0.3:
        packet = bytes([packet[0] | 0x20]) + packet[1:] + b"\0\0\3"
    camera.sent[header.sequence_number(packet)] = packet
    bob.deliver(packet)


def check(world: World, bob: Person, watcher: str) -> None:
    state = world.forwarder.state
    subscriber = state.subscriber(watcher)
    assert subscriber is not None
    person = next(p for p in world.people if p.name == watcher)
    for stream in subscriber.slots[0].streams:
        rule = stream.segments[-1].rule
        sender = bob.senders["" if stream.kind == "video" else "audio"]
        got = {header.sequence_number(packet): packet for packet in person.received[stream.ssrc]}
        assert len(got) >= 100
        for number, packet in got.items():
            original = sender.sent[number - rule.seq_offset & 0xFFFF]
            twcc = int.from_bytes(header.extension(packet, stream.extensions.transport_cc) or b"")
            incoming = number - rule.seq_offset
            assert packet == render(rule, original, incoming, twcc)
