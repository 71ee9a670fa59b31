"""How the edge hands accepted connections to the front: descriptors over a socket pair.

The supervisor makes the pair and keeps both ends for as long as it lives. So what the edge passes
on while a front restarts waits in the pair, as it would in a listening socket, and nobody else can
put anything in. A message is one byte of kind, and for decrypted HTTP the client's address behind
it; the front sees everything else on the client's own socket.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections import deque

PAIR = (socket.AF_UNIX, socket.SOCK_SEQPACKET)  # whole messages, in order
_TLS, _PLAIN = b"T", b"P"
_MESSAGE_BYTES = 64  # an address literal has 45


def handover_pair() -> tuple[socket.socket, socket.socket]:
    """(the edge's end, the front's end)."""
    ours, theirs = socket.socketpair(*PAIR)
    for each in (ours, theirs):
        each.setblocking(False)
    return ours, theirs


class Passage:
    """The edge's end. What the pair cannot take yet waits; `admission` bounds how much there is."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[tuple[bytes, int]] = deque()  # message, descriptor

    @property
    def waiting(self) -> int:
        """How many connections the front has not been given yet."""
        return len(self._waiting)

    def take_tls(self, sock: socket.socket) -> None:
        """A client's connection, nothing read of it."""
        self._pass(_TLS, sock)

    def take_plain(self, sock: socket.socket, client: str) -> None:
        """Decrypted HTTP of a client with this address."""
        self._pass(_PLAIN + client.encode(), sock)

    def close(self) -> None:
        """Idempotent."""
        self._loop.remove_writer(self._end)
        while self._waiting:
            os.close(self._waiting.popleft()[1])

    def _pass(self, message: bytes, sock: socket.socket) -> None:
        self._waiting.append((message, sock.detach()))
        self._flush()

    def _flush(self) -> None:
        while self._waiting:
            message, descriptor = self._waiting[0]
            try:
                socket.send_fds(self._end, [message], [descriptor])
            except OSError:  # full: the front is busy or being restarted
                self._loop.add_writer(self._end, self._flush)
                return
            self._waiting.popleft()
            os.close(descriptor)
        self._loop.remove_writer(self._end)


class Arrivals:
    """The front's end, as a listening socket would be used."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    def fileno(self) -> int:
        return self._end.fileno()

    def close(self) -> None:
        """Idempotent; what the edge passes on from now on waits for the next front."""
        self._end.close()

    def accept(self) -> tuple[socket.socket, str, bool]:
        """(connection, the client's address, whether it comes out of TLS already).

        Raises BlockingIOError where none waits, OSError where the descriptor could not be taken.
        """
        message, descriptors, _, _ = socket.recv_fds(self._end, _MESSAGE_BYTES, 1)
        if not descriptors:
            raise OSError("a connection without its descriptor: there are too many open files")
        accepted = socket.socket(fileno=descriptors[0])
        if message[:1] == _PLAIN:
            return accepted, message[1:].decode(), True
        try:
            return accepted, str(accepted.getpeername()[0]), False
        except OSError:  # gone meanwhile
            accepted.close()
            raise ConnectionAbortedError from None
