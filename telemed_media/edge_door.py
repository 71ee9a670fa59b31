"""The public door: accepts TCP connections, within limits, as fast as the front takes them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from sfu.core.stream.counters import EdgeCounters
from telemed_media.admission import Admission
from telemed_media.handover import Passage

ACCEPTED_AT_ONCE = 64  # then other events have their turn
BREATHER_S = 0.5  # when the kernel has no descriptor or memory, or the front does not follow
MAX_WAITING = 512  # for the front; as many again wait in the listening socket


class EdgeDoor:
    """One listening socket, served from `open` to `close`; existing connections outlive it."""

    def __init__(
        self,
        listening: socket.socket,
        greet: Callable[[socket.socket, Callable[[], None]], None],
        admission: Admission,
        passage: Passage,
        counters: EdgeCounters,
    ) -> None:
        self._listening = listening
        self._greet = greet
        self._admission = admission
        self._passage = passage
        self._counters = counters
        self._loop = asyncio.get_running_loop()
        self._resting: asyncio.TimerHandle | None = None

    def open(self) -> None:
        self._resting = None
        self._loop.add_reader(self._listening, self._accept)

    def close(self) -> None:
        """Stop accepting. Idempotent."""
        if self._resting is not None:
            self._resting.cancel()
        if self._listening.fileno() >= 0:
            self._loop.remove_reader(self._listening)
            self._listening.close()

    def _accept(self) -> None:
        for _ in range(ACCEPTED_AT_ONCE):
            if self._passage.waiting >= MAX_WAITING:
                self._rest()
                return
            try:
                accepted, address = self._listening.accept()
            except (BlockingIOError, InterruptedError):
                return
            except ConnectionAbortedError:
                continue
            except OSError:
                self._rest()
                return
            self._let_in(accepted, str(address[0]))

    def _rest(self) -> None:
        self._loop.remove_reader(self._listening)
        self._resting = self._loop.call_later(BREATHER_S, self.open)

    def _let_in(self, accepted: socket.socket, host: str) -> None:
        if not self._admission.enter(host):
            self._counters.edge_refused += 1
            accepted.close()
            return
        self._counters.edge_accepted += 1
        accepted.setblocking(False)
        self._greet(accepted, lambda: self._admission.leave(host))
