"""What is read at once is what Python's own socket would have read, one by one."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from sfu.shell import inbox
from sfu.shell.inbox import MESSAGES, Inbox
from sfu.shell.udp import open_socket

Sockets = tuple[socket.socket, socket.socket]


@pytest.fixture(params=["127.0.0.1", "::1"])
def sockets(request: pytest.FixtureRequest) -> Iterator[Sockets]:
    sending, receiving = open_socket(request.param, 0), open_socket(request.param, 0)
    yield sending, receiving
    sending.close()
    receiving.close()


def test_datagrams_come_whole_in_order_with_sender_and_time(sockets: Sockets) -> None:
    sending, receiving = sockets
    before = time.monotonic()
    datagrams = [bytes([size % 251]) * size for size in (1, 1200, 0, 7, 2048, 2049)]
    for data in datagrams:
        sending.sendto(data, receiving.getsockname())
    now = time.monotonic()
    came = Inbox(receiving).read(now)
    assert [data for data, _, _ in came] == [*datagrams[:-1], datagrams[-1][:2048]]
    assert {sender for _, sender, _ in came} == {sending.getsockname()}
    times = [at for _, _, at in came]
    assert times == sorted(times)
    assert before - 0.05 < times[0] <= times[-1] < now + 0.05


def test_an_empty_socket_gives_nothing_and_a_full_one_so_many_at_once(sockets: Sockets) -> None:
    sending, receiving = sockets
    reading = Inbox(receiving)
    assert reading.read(0.0) == []
    for number in range(MESSAGES + 1):
        sending.sendto(bytes([number]), receiving.getsockname())
    assert [data[0] for data, _, _ in reading.read(0.0)] == list(range(MESSAGES))
    assert [data[0] for data, _, _ in reading.read(0.0)] == [MESSAGES]
    assert reading.read(0.0) == []


def test_many_senders_are_told_apart_and_not_all_remembered(
    sockets: Sockets, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, receiving = sockets
    monkeypatch.setattr(inbox, "MAX_KNOWN", 3)
    reading = Inbox(receiving)
    host = receiving.getsockname()[0]
    others = [open_socket(host, 0) for _ in range(8)]
    for _ in range(2):
        for other in others:
            other.sendto(b"x", receiving.getsockname())
        assert [sender for _, sender, _ in reading.read(0.0)] == [o.getsockname() for o in others]
    for other in others:
        other.close()


def test_a_time_that_the_kernel_did_not_tell_is_now() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
        plain.bind(("127.0.0.1", 0))
        plain.sendto(b"x", plain.getsockname())
        assert [at for _, _, at in Inbox(plain).read(5.0)] == [5.0]
