"""The test's own network does to packets what it was asked to, and little else."""

from __future__ import annotations

import socket
import statistics
from contextlib import closing

import pytest

from tests.netns.conftest import MakeLink
from tests.netns.hosts import new_host
from tests.netns.impairment import Impairment
from tests.netns.namespace import FIRST_ADDRESS, FIRST_ADDRESS_V6, SECOND_ADDRESS
from tests.netns.probe import Probe
from tests.netns.routers import Nat, Published

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

LATE_S = 0.03  # what a loaded machine adds; an idle one adds less than 2 ms
PUBLIC = "203.0.113.10"  # RFC 5737


def test_delay_and_jitter_are_as_asked_and_keep_the_order(make_link: MakeLink) -> None:
    link = make_link(delay_s=0.05, jitter_s=0.02)
    with closing(Probe(link.client, FIRST_ADDRESS)) as probe:
        arrived = probe.send(FIRST_ADDRESS, 300)
    assert [arrival.number for arrival in arrived] == list(range(300))
    took = sorted(arrival.took_s for arrival in arrived)
    assert took[0] >= 0.03
    assert 0.05 <= statistics.median(took) <= 0.07 + LATE_S


def test_loss_and_rate_are_as_asked(make_link: MakeLink) -> None:
    link = make_link(loss=0.2)
    with closing(Probe(link.client, FIRST_ADDRESS)) as probe:
        arrived = probe.send(FIRST_ADDRESS, 1000, a_second=2000)
        assert len(arrived) == pytest.approx(800, abs=40)
        link.change(Impairment(rate_bps=400_000, queue_s=0.2))
        arrived = probe.send(FIRST_ADDRESS, 150, a_second=100, size_bytes=972)
        assert link.report().up.overflowed > 0
    taken_s = arrived[-1].at_s - arrived[0].at_s
    assert (len(arrived) - 1) * 1000 * 8 / taken_s == pytest.approx(400_000, rel=0.1)
    assert statistics.median(arrival.took_s for arrival in arrived[50:]) <= 0.22 + LATE_S


def test_the_link_carries_three_thousand_packets_a_second_for_little(make_link: MakeLink) -> None:
    link = make_link(delay_s=0.03)
    before = link.processor_s()
    with closing(Probe(link.client, FIRST_ADDRESS)) as probe:
        arrived = probe.send(FIRST_ADDRESS, 3000, a_second=3000)
    assert len(arrived) == 3000
    assert link.processor_s() - before <= 0.2 * 3  # three times the promise, on a shared machine


def test_a_symmetric_nat_shows_another_port_to_each_destination(make_link: MakeLink) -> None:
    link = make_link(routers=[Nat("symmetric")])
    with closing(Probe(link.client, FIRST_ADDRESS)) as first:
        before = first.seen_port(FIRST_ADDRESS)
        assert first.seen_port(FIRST_ADDRESS) == before
        with closing(Probe(link.client, SECOND_ADDRESS)) as second:
            first.hears, second.hears = second.hears, first.hears
            first.port = second.port
            assert first.seen_port(SECOND_ADDRESS) != before


def test_a_plain_nat_behind_another_one_lets_answers_back(make_link: MakeLink) -> None:
    link = make_link(routers=[Nat("plain"), Nat("symmetric")])
    with (
        closing(link.client.socket(socket.AF_INET, socket.SOCK_DGRAM)) as alice,
        closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as server,
    ):
        alice.settimeout(2)
        server.settimeout(2)
        server.bind((FIRST_ADDRESS, 0))
        alice.sendto(b"hello", server.getsockname())
        heard, seen = server.recvfrom(100)
        assert not seen[0].startswith("10.100."), "the client's own address is hidden"
        server.sendto(heard, seen)
        assert alice.recv(100) == b"hello"


def test_a_published_server_answers_from_its_public_address(make_link: MakeLink) -> None:
    link = make_link(routers=[Published(PUBLIC, FIRST_ADDRESS)])
    with (
        closing(link.client.socket(socket.AF_INET, socket.SOCK_DGRAM)) as alice,
        closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as server,
    ):
        alice.settimeout(2)
        server.settimeout(2)
        server.bind((FIRST_ADDRESS, 0))
        public = (PUBLIC, server.getsockname()[1])
        alice.sendto(b"hello", public)
        heard, seen = server.recvfrom(100)
        server.sendto(heard, seen)
        assert alice.recvfrom(100) == (b"hello", public)


def test_a_machine_moves_from_one_network_to_another(make_link: MakeLink) -> None:
    alice = new_host()
    wifi = make_link(alice, families=(6,))
    mobile = make_link(alice, attached=False)
    with closing(Probe(alice, FIRST_ADDRESS_V6)) as probe:
        assert len(probe.send(FIRST_ADDRESS_V6, 3)) == 3
        mobile.replace(wifi)
        assert len(probe.send(FIRST_ADDRESS_V6, 3)) == 3
        assert mobile.report().up.delivered == 3
    alice.close()
