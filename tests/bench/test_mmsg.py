"""Many datagrams go out and come in with one system call, and segments are told apart."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from struct import Struct

import pytest

from bench.mmsg import Datagram, Inbox, Volley, open_bulk_socket, send_from
from sfu.core.rtp import header

UDP_SEGMENT = 103  # linux/udp.h
_RTP = Struct("!BBHII")


@pytest.fixture(params=[True, False], ids=["gro", "no gro"])
def bulk(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    with open_bulk_socket(gro=request.param) as opened:
        yield opened


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.bind(("127.0.0.1", 0))
        opened.settimeout(2)
        yield opened


def packet(number: int, size: int = 40) -> bytes:
    head = _RTP.pack(0x90, 96, number, 1000 + number, 7)
    extension = header.one_byte_extensions([(3, (500 + number).to_bytes(2))])
    return (head + extension).ljust(size, b"x")


def test_each_datagram_leaves_from_its_clients_address(
    bulk: socket.socket, server: socket.socket
) -> None:
    sent = [Datagram(packet(n, 40 + n), f"127.0.1.{1 + n % 2}") for n in range(5)]
    volley = Volley(sent, server.getsockname())
    assert volley.send(bulk, 0, 2) + volley.send(bulk, 2, 5) == 5
    came = [server.recvfrom(100) for _ in sent]
    port = bulk.getsockname()[1]
    assert came == [(each.data, (each.source, port)) for each in sent]


def test_a_single_datagram_leaves_from_its_clients_address(
    bulk: socket.socket, server: socket.socket
) -> None:
    send_from(bulk, b"hello", "127.0.1.9", server.getsockname())
    assert server.recvfrom(100) == (b"hello", ("127.0.1.9", bulk.getsockname()[1]))


def test_what_comes_to_any_client_is_read_with_its_time(
    bulk: socket.socket, server: socket.socket
) -> None:
    inbox, port = Inbox(bulk), bulk.getsockname()[1]
    before = time.time_ns()
    for n in range(70):
        server.sendto(packet(n), (f"127.0.1.{1 + n}", port))
    assert [inbox.read(), len(inbox.heads())] == [64, 64]
    assert inbox.heads()[:2] == [(96, 0, 1000, 7, 0x31, 500), (96, 1, 1001, 7, 0x31, 501)]
    message, start, size = inbox.places()[3]
    assert inbox.datagram(start, size) == packet(3)
    assert before <= inbox.arrival_ns(message) <= time.time_ns()
    assert [inbox.read(), len(inbox.heads())] == [6, 6]
    assert inbox.read() == 0
    assert inbox.heads() == []


def test_segments_of_one_send_are_told_apart(bulk: socket.socket, server: socket.socket) -> None:
    inbox = Inbox(bulk)
    size = [(socket.IPPROTO_UDP, UDP_SEGMENT, Struct("=H").pack(40))]
    to = ("127.0.1.1", bulk.getsockname()[1])
    server.sendmsg([packet(0), packet(1), packet(2, 20)], size, 0, to)
    assert inbox.read() in (1, 3)  # with and without UDP_GRO
    assert [head[1] for head in inbox.heads()] == [0, 1, 2]
    assert [inbox.datagram(*place[1:]) for place in inbox.places()] == [
        packet(0),
        packet(1),
        packet(2, 20),
    ]
