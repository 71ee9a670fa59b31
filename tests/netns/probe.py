"""Numbered datagrams from a client to a server's machine, with the kernel's times of arrival."""

from __future__ import annotations

import socket
import time

import msgspec

from sfu.shell.udp import ANCILLARY_BYTES, DATAGRAM_BYTES, ArrivalClock, open_socket
from tests.netns.hosts import Host


class Arrival(msgspec.Struct, frozen=True):
    """A datagram at its destination."""

    number: int
    took_s: float
    at_s: float  # monotonic


class Probe:
    """Sends from a client's machine; listens on one of this machine's addresses."""

    def __init__(self, client: Host, listen: str) -> None:
        self.hears = open_socket(listen, 0)
        self._sends = client.socket(self.hears.family, socket.SOCK_DGRAM)
        self.port = self.hears.getsockname()[1]

    def send(
        self, to: str, count: int, *, a_second: float = 500.0, size_bytes: int = 200
    ) -> list[Arrival]:
        """Send at this rate, then give what arrived within half a second after the last."""
        begun = time.monotonic()
        for number in range(count):
            time.sleep(max(0.0, begun + number / a_second - time.monotonic()))
            text = f"{number} {time.monotonic()} ".encode()
            self._sends.sendto(text.ljust(size_bytes, b"."), (to, self.port))
        time.sleep(0.5)
        return self._arrived()

    def seen_port(self, to: str) -> int:
        """Which port of ours the other side sees when we send to this address."""
        self._sends.sendto(b"0 0 ", (to, self.port))
        self.hears.settimeout(2.0)
        return int(self.hears.recvfrom(DATAGRAM_BYTES)[1][1])

    def _arrived(self) -> list[Arrival]:
        clock = ArrivalClock(time.monotonic())
        arrivals: list[Arrival] = []
        while True:
            try:
                text, times, _, _ = self.hears.recvmsg(DATAGRAM_BYTES, ANCILLARY_BYTES)
            except BlockingIOError:
                return arrivals
            number, sent, _ = text.split(b" ", 2)
            at = clock.read(times)
            arrivals.append(Arrival(int(number), at - float(sent), at))

    def close(self) -> None:
        self._sends.close()
        self.hears.close()
