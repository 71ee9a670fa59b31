"""`sendmmsg(2)` and `recvmmsg(2)` by ctypes: many datagrams for one system call (Linux, 64 bits).

One socket, bound to every loopback address, stands for all clients of a run: 127/8 is local as a
whole, so each client is an address of its own. A `Volley` holds the datagrams of a run in the order
in which they leave, laid out for the kernel beforehand. An `Inbox` gives the first twelve bytes of
each datagram that came as numbers; segments that the kernel left together (UDP_GRO) are told apart
by their size in the control message.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
from collections.abc import Sequence
from struct import Struct

import msgspec

SO_TIMESTAMPNS = 35  # Linux asm-generic/socket.h
IP_PKTINFO = 8  # linux/in.h; not in the socket module
UDP_GRO = 104  # linux/udp.h
BUFFER_BYTES = 64 * 1024 * 1024  # what arrives between two looks, for all clients
MESSAGES = 64  # for one recvmmsg
STRIDE_BYTES = 65536  # a coalesced datagram is at most that long
MAX_SEND = 1024  # UIO_MAXIOV

_HEADER = Struct("=QI4xQQQQI4xI4x")  # struct mmsghdr: name, iov, control, flags; length
_IOVEC = Struct("=QQ")
_CONTROL_BYTES = 64
_TIME_ONLY_BYTES = 32  # CMSG_SPACE(struct timespec): no UDP_GRO message follows
_CONTROL = Struct("=16xqq16xi12x")  # timespec, segment size
_LENGTHS = Struct("=40xQ8xI4x")  # of the control messages, of the datagram
_RTP_ALONE = Struct("!xBHII4xBH")  # header, head of the extensions, the first of them
_RTP = Struct(f"{_RTP_ALONE.format}{STRIDE_BYTES - _RTP_ALONE.size}x")
_PKTINFO = Struct("=QiiI4s4x4x")  # struct cmsghdr and struct in_pktinfo, CMSG_SPACE

_libc = ctypes.CDLL(None, use_errno=True)
_libc.sendmmsg.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int)
_libc.recvmmsg.argtypes = (*_libc.sendmmsg.argtypes, ctypes.c_void_p)

# second byte, sequence number, timestamp, ssrc, head of the first extension, two bytes of it
Head = tuple[int, int, int, int, int, int]


def open_bulk_socket(*, gro: bool) -> socket.socket:
    """The clients' common socket. Raises OSError."""
    bulk = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    bulk.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bulk.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    if gro:
        bulk.setsockopt(socket.IPPROTO_UDP, UDP_GRO, 1)
    _make_roomy(bulk)
    bulk.setblocking(False)
    bulk.bind(("0.0.0.0", 0))
    return bulk


def _make_roomy(bulk: socket.socket) -> None:
    """As root past net.core.rmem_max, else up to it."""
    so_rcvbufforce = 33
    try:
        bulk.setsockopt(socket.SOL_SOCKET, so_rcvbufforce, BUFFER_BYTES)
    except PermissionError:
        bulk.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
    bulk.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)


def send_from(bulk: socket.socket, data: bytes, source: str, server: tuple[str, int]) -> None:
    """One datagram from a client's own address; lost where the kernel does not take it."""
    info = Struct("=I4s4s").pack(0, socket.inet_aton(source), bytes(4))
    try:
        bulk.sendmsg([data], [(socket.IPPROTO_IP, IP_PKTINFO, info)], 0, server)
    except BlockingIOError:
        return


class Datagram(msgspec.Struct, frozen=True, gc=False):
    """A datagram to send, and from which client's address."""

    data: bytes
    source: str


class Volley:
    """Datagrams in order; `send` may be called for one range after another."""

    def __init__(self, datagrams: Sequence[Datagram], server: tuple[str, int]) -> None:
        self._data = bytearray(b"".join(each.data for each in datagrams))
        self._name = bytearray(
            Struct("=H").pack(socket.AF_INET)
            + server[1].to_bytes(2, "big")
            + socket.inet_aton(server[0])
            + bytes(8)
        )
        sources = list(dict.fromkeys(each.source for each in datagrams))
        self._infos = bytearray(b"".join(map(_pktinfo, sources)))
        self._iovecs = bytearray(_IOVEC.size * len(datagrams))
        self._headers = bytearray(_HEADER.size * len(datagrams))
        self._at = _address(self._headers) if datagrams else 0
        self._lay_out(datagrams, {source: n for n, source in enumerate(sources)})

    def _lay_out(self, datagrams: Sequence[Datagram], numbers: dict[str, int]) -> None:
        if not datagrams:
            return
        data, iovec = _address(self._data), _address(self._iovecs)
        name, infos = _address(self._name), _address(self._infos)
        for n, each in enumerate(datagrams):
            size = len(each.data)
            _IOVEC.pack_into(self._iovecs, n * _IOVEC.size, data, size)
            control = infos + numbers[each.source] * _PKTINFO.size
            _HEADER.pack_into(
                self._headers,
                n * _HEADER.size,
                *(name, len(self._name), iovec, 1, control, _PKTINFO.size, 0, 0),
            )
            data += size
            iovec += _IOVEC.size

    def send(self, bulk: socket.socket, first: int, end: int) -> int:
        """Send the datagrams first..end-1; how many the kernel took. Raises OSError."""
        sent = first
        while sent < end:
            at = self._at + sent * _HEADER.size
            count = _libc.sendmmsg(bulk.fileno(), at, min(end - sent, MAX_SEND), 0)
            if count < 0:
                code = ctypes.get_errno()
                if code in (errno.EAGAIN, errno.ENOBUFS):
                    break
                if code in (errno.EINTR, errno.ECONNREFUSED):
                    continue
                raise OSError(code, os.strerror(code))
            sent += count
        return sent - first


class Inbox:
    """What has come to the common socket, up to MESSAGES messages at a time."""

    def __init__(self, bulk: socket.socket) -> None:
        self._socket = bulk
        self._data = bytearray(STRIDE_BYTES * MESSAGES)
        self._control = bytearray(_CONTROL_BYTES * MESSAGES)
        iovecs = b"".join(
            _IOVEC.pack(_address(self._data) + n * STRIDE_BYTES, STRIDE_BYTES)
            for n in range(MESSAGES)
        )
        self._iovecs = bytearray(iovecs)
        self._fresh = b"".join(self._fresh_header(n) for n in range(MESSAGES))
        self._headers = bytearray(self._fresh)
        self._at = _address(self._headers)
        self._view = memoryview(self._data)
        self._lengths: list[tuple[int, int]] = []  # of the messages of the last `read`

    def _fresh_header(self, n: int) -> bytes:
        iovec = _address(self._iovecs) + n * _IOVEC.size
        control = _address(self._control) + n * _CONTROL_BYTES
        return _HEADER.pack(0, 0, iovec, 1, control, _CONTROL_BYTES, 0, 0)

    def read(self) -> int:
        """How many messages came; 0 if none is there."""
        self._headers[:] = self._fresh
        count: int = _libc.recvmmsg(self._socket.fileno(), self._at, MESSAGES, 0, None)
        count = max(count, 0)
        headers = memoryview(self._headers)[: count * _HEADER.size]
        self._lengths = list(_LENGTHS.iter_unpack(headers))
        return count

    def heads(self) -> list[Head]:
        """The first bytes of each datagram of the last `read`; short ones read as stale."""
        if all(control == _TIME_ONLY_BYTES for control, _ in self._lengths):
            return list(_RTP.iter_unpack(self._view[: len(self._lengths) * STRIDE_BYTES]))
        return [_RTP_ALONE.unpack_from(self._data, start) for _, start, _ in self.places()]

    def places(self) -> list[tuple[int, int, int]]:
        """(message, start, size) of each datagram of the last `read`, as `datagram` takes it."""
        found = []
        for message, (control, length) in enumerate(self._lengths):
            base = message * STRIDE_BYTES
            size = length
            if control > _TIME_ONLY_BYTES:
                size = _CONTROL.unpack_from(self._control, message * _CONTROL_BYTES)[2]
            for start in range(0, length, size or 1):
                found.append((message, base + start, min(size, length - start)))
        return found

    def datagram(self, start: int, size: int) -> bytes:
        """A copy of one datagram of the last `read`."""
        return bytes(self._view[start : start + size])

    def arrival_ns(self, message: int) -> int:
        """Wall clock time at which the kernel received a message of the last `read`."""
        seconds, nanoseconds, _ = _CONTROL.unpack_from(self._control, message * _CONTROL_BYTES)
        return int(seconds * 1_000_000_000 + nanoseconds)


def _pktinfo(source: str) -> bytes:
    kind = socket.IPPROTO_IP, IP_PKTINFO
    return _PKTINFO.pack(28, *kind, 0, socket.inet_aton(source))


def _address(buffer: bytearray) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(buffer))
