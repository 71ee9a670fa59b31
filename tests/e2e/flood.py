"""Many datagrams a second, from sockets of our own or with anybody's address as their source.

`sendmmsg` by ctypes leaves Python's lock while the kernel sends, so a flood in a thread leaves time
for the call beside it. Spoofed datagrams go through a raw socket with their own IP header.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import socket
import struct
import threading
import time
from collections.abc import Sequence
from types import TracebackType

from tests.netns.namespace import FIRST_ADDRESS

BATCH = 64
_TICK_S = 0.002

Address = tuple[str, int]


class _Vector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_char_p), ("length", ctypes.c_size_t)]


class _Header(ctypes.Structure):  # struct msghdr, sendmsg(2)
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("name_length", ctypes.c_uint32),
        ("vectors", ctypes.POINTER(_Vector)),
        ("vector_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    ]


class _Message(ctypes.Structure):  # struct mmsghdr, sendmmsg(2)
    _fields_ = [("header", _Header), ("sent", ctypes.c_uint32)]


class Flood:
    """`per_s` datagrams a second to a port of FIRST_ADDRESS while the context is open.

    `source` is an address to forge; None sends from a socket of our own.
    """

    def __init__(
        self, port: int, datagrams: Sequence[bytes], per_s: int, source: Address | None = None
    ) -> None:
        self.sent = 0
        self._per_s = per_s
        self._socket = _open(port, source)
        if source is not None:
            datagrams = [with_headers(data, source, (FIRST_ADDRESS, port)) for data in datagrams]
        endless = itertools.islice(itertools.cycle(datagrams), max(BATCH, len(datagrams)))
        self._batches = _batches(list(endless))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._send = ctypes.CDLL(None, use_errno=True).sendmmsg

    def __enter__(self) -> Flood:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        started = time.monotonic()
        for batch, count in itertools.cycle(self._batches):
            while self.sent > (time.monotonic() - started) * self._per_s:
                if self._stop.wait(_TICK_S):
                    return
            if self._stop.is_set():
                return
            done = self._send(self._socket.fileno(), batch, count, 0)
            if done < 0 and ctypes.get_errno() not in (11, 105, 111):  # full, refused
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
            self.sent += max(done, 0)


def _open(port: int, source: Address | None) -> socket.socket:
    if source is None:
        own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        own.bind((FIRST_ADDRESS, 0))
        own.connect((FIRST_ADDRESS, port))
        return own
    return raw_socket()


def raw_socket() -> socket.socket:
    """Takes datagrams with headers of their own; only root of the network has one."""
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    raw.connect((FIRST_ADDRESS, 0))
    return raw


def with_headers(data: bytes, source: Address, target: Address) -> bytes:
    """IPv4 (RFC 791) and UDP (RFC 768) headers; the kernel fills in the IP checksum."""
    udp = struct.pack("!HHHH", source[1], target[1], 8 + len(data), 0)  # 0: no checksum
    addresses = socket.inet_aton(source[0]) + socket.inet_aton(target[0])
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 28 + len(data), 0, 0, 64, socket.IPPROTO_UDP, 0)
    return ip + addresses + udp + data


def _batches(datagrams: list[bytes]) -> list[tuple[ctypes.Array[_Message], int]]:
    made = []
    for start in range(0, len(datagrams), BATCH):
        part = datagrams[start : start + BATCH]
        messages = (_Message * len(part))()
        for message, data in zip(messages, part, strict=True):
            message.header.vectors = ctypes.pointer(_Vector(data, len(data)))
            message.header.vector_count = 1
        made.append((messages, len(part)))
    return made
