"""UDP sockets of the media plane: one per local address, never the wildcard.

A wildcard socket of a host with several addresses would answer from the wrong one. Arrival times
are the kernel's (SO_TIMESTAMPNS), so that a busy loop does not look like network delay. Plain
sockets drained by `add_reader` cost 3.5–4.8 µs a datagram against asyncio's 22–27 (measured).
"""

from __future__ import annotations

import socket
import struct
import time
from functools import cache
from typing import TypeAlias

BUFFER_BYTES = 4 * 1024 * 1024
DATAGRAM_BYTES = 2048
MAX_QUEUED_S = 5.0  # in the socket's buffer: it holds less than that
MAX_WAKE_UP_S = 0.5  # what came while we drained
SO_SNDBUFFORCE, SO_RCVBUFFORCE = 32, 33  # Linux asm-generic/socket.h
UDP_SEGMENT = 103  # Linux linux/udp.h
MAX_SEGMENTS = 64  # UDP_MAX_SEGMENTS of linux/udp.h before 6.9
MAX_SEGMENTED_BYTES = 65_000  # of one call: an IP packet's length is 16 bit
SO_TIMESTAMPNS = 35  # Linux asm-generic/socket.h; the control message has the same number
_TIMESPEC = struct.Struct("@qq")
_U16 = struct.Struct("@H")
ANCILLARY_BYTES = socket.CMSG_SPACE(_TIMESPEC.size)

Address: TypeAlias = tuple[str, int] | tuple[str, int, int, int]
AncillaryData: TypeAlias = list[tuple[int, int, bytes]]


def open_socket(address: str, port: int) -> socket.socket:
    """A non-blocking socket bound to one literal address. Raises OSError."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        _enlarge(sock, socket.SO_RCVBUF, SO_RCVBUFFORCE)
        _enlarge(sock, socket.SO_SNDBUF, SO_SNDBUFFORCE)
        sock.setblocking(False)
        sock.bind((address, port))
    except OSError:
        sock.close()
        raise
    return sock


def _enlarge(sock: socket.socket, option: int, beyond_the_limit: int) -> None:
    """Root may pass net.core.rmem_max and wmem_max (208 KiB on Debian), others get up to that."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, beyond_the_limit, BUFFER_BYTES)
    except PermissionError:
        sock.setsockopt(socket.SOL_SOCKET, option, BUFFER_BYTES)


class ArrivalClock:
    """Turns the kernel's timestamps of a batch that is read at `now` into loop time."""

    __slots__ = ("_now", "_offset_s")

    def __init__(self, now: float) -> None:
        self._now = now
        self._offset_s = now - time.time()

    def read(self, ancillary: AncillaryData) -> float:
        """Monotonic seconds at which the kernel received a datagram; now, where it did not say.

        A time that cannot be right (the wall clock was set in between) is now as well.
        """
        for level, kind, data in ancillary:
            if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
                return self.at(*_TIMESPEC.unpack_from(data))
        return self._now

    def at(self, seconds: int, nanoseconds: int) -> float:
        """The same of a time of the wall clock."""
        now, at = self._now, seconds + nanoseconds * 1e-9 + self._offset_s
        return at if now - MAX_QUEUED_S <= at <= now + MAX_WAKE_UP_S else now


def send_burst(sock: socket.socket, address: Address, datagrams: list[bytes]) -> int:
    """Send to one address; how many datagrams, from the first on, the kernel took.

    Datagrams of one size that follow each other, as a frame's packets do, go in one call
    (UDP_SEGMENT, udp(7)). measured (1140 bytes, loopback, µs a datagram): one by one 3.3, by two
    2.5, by four 1.4, by sixteen 0.7.
    """
    sent = 0
    while sent < len(datagrams):
        run = _run(datagrams, sent)
        try:
            if len(run) == 1:
                sock.sendto(run[0], address)
            else:
                sock.sendmsg(run, _segmented(len(run[0])), 0, address)
        except BlockingIOError:
            return sent
        except OSError:
            if len(run) == 1 or not _send_singly(sock, address, run):
                return sent
        sent += len(run)
    return sent


def _run(datagrams: list[bytes], start: int) -> list[bytes]:
    """From `start` on, those of one size; the last one may be shorter."""
    size = len(datagrams[start])
    end = min(len(datagrams), start + min(MAX_SEGMENTS, MAX_SEGMENTED_BYTES // max(size, 1)))
    for at in range(start + 1, end):
        if len(datagrams[at]) != size:
            end = at + (len(datagrams[at]) < size)
            break
    return datagrams[start:end]


def _send_singly(sock: socket.socket, address: Address, run: list[bytes]) -> bool:
    """For a way that takes no segments: a device without checksums, a path with a smaller MTU."""
    try:
        for datagram in run:
            sock.sendto(datagram, address)
    except OSError:
        return False
    return True


@cache
def _segmented(size: int) -> AncillaryData:
    return [(socket.IPPROTO_UDP, UDP_SEGMENT, _U16.pack(size))]
