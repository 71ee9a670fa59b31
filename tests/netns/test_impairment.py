"""The decisions of the test link, in virtual time and from a seed."""

from __future__ import annotations

import itertools
import socket
import struct

import pytest

from tests.netns.firewall import Firewall, Passes
from tests.netns.impairment import Direction, Impairment

CLIENT_HELLO = bytes.fromhex("160301020001")
STUN_FRAME = bytes.fromhex("00140001000021")  # RFC 4571 length, then a binding request


def test_losses_have_the_share_and_the_length_that_were_asked_for() -> None:
    lost = _lost(Impairment(loss=0.2, burst=4))
    runs = [len(list(run)) for is_lost, run in itertools.groupby(lost) if is_lost]
    assert sum(lost) / len(lost) == pytest.approx(0.2, abs=0.02)
    assert sum(runs) / len(runs) == pytest.approx(4, rel=0.1)
    assert sum(_lost(Impairment(loss=0.2))) / len(lost) == pytest.approx(0.2, abs=0.01)


def test_the_same_seed_loses_the_same_packets() -> None:
    assert _lost(Impairment(loss=0.3)) == _lost(Impairment(loss=0.3))


def test_a_direction_delays_reorders_and_doubles() -> None:
    direction = Direction(seed=1)
    direction.impairment = Impairment(delay_s=0.1, reorder=0.1, duplicate=0.1)
    for number in range(1000):
        direction.take(number.to_bytes(2, "big"), number / 100)
    assert direction.due(0.0999) == []
    arrived = [int.from_bytes(packet, "big") for packet in direction.due(60)]
    overtaken = sum(later < earlier for earlier, later in itertools.pairwise(arrived))
    assert len(arrived) == pytest.approx(1100, abs=40)
    assert overtaken == pytest.approx(100, abs=40)


def test_a_full_queue_drops_what_comes_last() -> None:
    direction = Direction(seed=1)
    direction.impairment = Impairment(rate_bps=80_000, queue_s=0.2)
    for number in range(10):
        direction.take(bytes([number]) * 1000, 0)
    assert [packet[0] for packet in direction.due(60)] == [0, 1, 2]
    assert direction.counts.overflowed == 7


@pytest.mark.parametrize(
    ("passes", "packets"),
    (
        ("everything", {"udp", "http", "stun", "tls", "other"}),
        ("no udp", {"http", "stun", "tls", "other"}),
        ("port 443", {"stun", "tls"}),
        ("tls", {"tls"}),
        ("nothing", set()),
    ),
)
def test_a_firewall_lets_through_what_its_rule_says(passes: Passes, packets: set[str]) -> None:
    offered = {
        "udp": _packet(17, 443, b"12345678"),
        "http": _packet(6, 80, CLIENT_HELLO),
        "stun": _packet(6, 443, STUN_FRAME),
        "tls": _packet(6, 443, CLIENT_HELLO),
        "other": _packet(1, 0, b""),
    }
    let = {name for name, packet in offered.items() if Firewall().lets(passes, packet, up=True)}
    assert let == packets


def test_a_flow_that_began_otherwise_never_becomes_tls() -> None:
    firewall = Firewall()
    assert firewall.lets("tls", _packet(6, 443, b""), up=True), "the handshake of TCP"
    assert not firewall.lets("tls", _packet(6, 443, STUN_FRAME), up=True)
    assert not firewall.lets("tls", _packet(6, 443, CLIENT_HELLO), up=True)
    assert not firewall.lets("tls", _packet(6, 443, b"x", up=False), up=False)


def test_what_a_server_says_passes_once_its_client_spoke_tls() -> None:
    firewall = Firewall()
    assert firewall.lets("tls", _packet(6, 443, CLIENT_HELLO), up=True)
    assert firewall.lets("tls", _packet(6, 443, b"x", up=False), up=False)


def _lost(impairment: Impairment) -> list[bool]:
    direction = Direction(seed=7)
    direction.impairment = impairment
    lost = []
    for number in range(20_000):
        before = direction.counts.lost
        direction.take(b"x", float(number))
        lost.append(direction.counts.lost > before)
    return lost


def _packet(protocol: int, port: int, payload: bytes, *, up: bool = True) -> bytes:
    ports = struct.pack("!HH", 5000, port) if up else struct.pack("!HH", port, 5000)
    ends = (socket.inet_aton("10.100.0.2"), socket.inet_aton("10.98.0.1"))
    source, destination = ends if up else ends[::-1]
    header = struct.pack("!BxHxxHBBxx4s4s", 0x45, 0, 0, 64, protocol, source, destination)
    tcp = ports + struct.pack("!8xBBxxxxxx", 5 << 4, 0x10) if protocol == 6 else ports
    return header + tcp + payload
