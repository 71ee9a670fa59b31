"""Bursts of datagrams over real sockets: nothing is lost, joined, cut or put out of order."""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sfu.shell.udp import UDP_SEGMENT, ArrivalClock, open_socket, send_burst

Sockets = tuple[socket.socket, socket.socket]


@pytest.fixture(params=["127.0.0.1", "::1"])
def sockets(request: pytest.FixtureRequest) -> Iterator[Sockets]:
    sending, receiving = open_socket(request.param, 0), open_socket(request.param, 0)
    yield sending, receiving
    sending.close()
    receiving.close()


def received(sock: socket.socket) -> list[bytes]:
    found = []
    try:
        while True:
            found.append(sock.recv(2048))
    except BlockingIOError:
        return found


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(sizes=st.lists(st.sampled_from([1, 80, 81, 1119, 1120, 1440]), max_size=90))
def test_every_datagram_arrives_as_it_was(sockets: Sockets, sizes: list[int]) -> None:
    sending, receiving = sockets
    datagrams = [bytes([number]) * size for number, size in enumerate(sizes)]
    assert send_burst(sending, receiving.getsockname(), datagrams) == len(datagrams)
    assert received(receiving) == datagrams


def test_a_frame_of_equal_packets_is_one_call(sockets: Sockets) -> None:
    sending, receiving = sockets
    calls = Recording(sending)
    send_burst(calls, receiving.getsockname(), [b"a" * 1100, b"b" * 1100, b"c" * 700])  # type: ignore[arg-type]
    assert calls.names == ["sendmsg"]
    assert [len(data) for data in received(receiving)] == [1100, 1100, 700]


@pytest.mark.parametrize("error", [errno.EIO, errno.EINVAL, errno.EMSGSIZE])
def test_a_way_that_takes_no_segments_gets_single_datagrams(sockets: Sockets, error: int) -> None:
    sending, receiving = sockets
    calls = Recording(sending, error)
    datagrams = [b"a" * 1100, b"b" * 1100, b"c" * 700]
    assert send_burst(calls, receiving.getsockname(), datagrams) == 3  # type: ignore[arg-type]
    assert received(receiving) == datagrams


def test_what_the_kernel_does_not_take_is_told() -> None:
    with open_socket("127.0.0.1", 0) as sending:
        nobody = ("203.0.113.1", 9)  # a loopback socket has no way there
        assert send_burst(sending, nobody, [b"a", b"b"]) == 0
        assert send_burst(sending, nobody, [b"a" * 9, b"b"]) == 0


def test_the_kernels_time_is_taken_where_it_can_be_right() -> None:
    now = time.monotonic()
    clock = ArrivalClock(now)
    assert clock.read([]) == now
    with open_socket("127.0.0.1", 0) as sock:
        sock.sendto(b"x", sock.getsockname())
        _, ancillary, _, _ = sock.recvmsg(16, 64)
    assert 0 <= clock.read(ancillary) - now < 0.5
    level, kind, data = ancillary[0]
    assert clock.read([(level, kind, bytes(len(data)))]) == now, "1970 is not when it came"


class Recording:
    """A socket that notes its calls, and may refuse segments as a kernel does."""

    def __init__(self, real: socket.socket, error: int = 0) -> None:
        self._real = real
        self._error = error
        self.names: list[str] = []

    def sendto(self, data: bytes, address: tuple[str, int]) -> int:
        self.names.append("sendto")
        return self._real.sendto(data, address)

    def sendmsg(
        self, buffers: list[bytes], ancillary: list[tuple[int, int, bytes]], flags: int, to: str
    ) -> int:
        self.names.append("sendmsg")
        assert ancillary[0][1] == UDP_SEGMENT
        if self._error:
            raise OSError(self._error, "refused")
        return self._real.sendmsg(buffers, ancillary, flags, to)
