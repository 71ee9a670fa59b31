"""The worker's clock: when the forwarder's duties run, and how late this process is.

A wake-up from idle costs 60 to 100 µs whatever is done in it (measured: cold caches), so duties run
at the end of the wake-ups that media causes. A timer stands behind them, at the time that the
forwarder names; while media comes it never fires.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from sfu.core.forwarder.cycle import IDLE_S
from sfu.core.histogram import HistogramCounts
from sfu.core.pace import Pace
from sfu.shell.executor import Executor

WATCH_S = 0.1
MEDIA_S = 0.025  # between runs that media causes: with 30 frames a second the timer never fires
BUSY_S = IDLE_S  # where much comes: a look at each ring costs 3 µs, 13 in a cold cache (measured)


class Pulse:
    """`watch` is called every `WATCH_S` with the monotonic time; `survive` gets every bug; `pace`
    tells how busy the sockets are.
    """

    def __init__(
        self,
        executor: Executor,
        watch: Callable[[float], None],
        survive: Callable[[Exception], None],
        pace: Pace,
    ) -> None:
        self.lag = HistogramCounts()
        self._loop = asyncio.get_running_loop()
        self._executor = executor
        self._watch = watch
        self._survive = survive
        self._pace = pace
        self._ran_at = self._watched_at = time.monotonic()
        self._set(self._ran_at + IDLE_S)

    def close(self) -> None:
        self._timer.cancel()

    def finish(self) -> None:
        """The end of a wake-up by datagrams: send what waits and, if media came, do what is due."""
        try:
            if self._executor.flush():
                now = time.monotonic()
                since_s = now - self._ran_at
                enough_s = BUSY_S if self._pace.is_busy else MEDIA_S
                if since_s >= enough_s or now >= self._executor.next_timeout(self._ran_at):
                    self._run(now)
        except Exception as bug:  # noqa: BLE001 - the edge: one bug must not stop the rest
            self._survive(bug)

    def adjust(self) -> None:
        """After a command: what it asks for may be due sooner."""
        at = self._executor.next_timeout(time.monotonic())
        if at < self._fires_at:
            self._timer.cancel()
            self._set(at)

    def _run(self, now: float) -> None:
        self._ran_at = now
        if now - self._watched_at >= WATCH_S:
            self._watched_at = now
            self._watch(now)
        self._executor.handle_timeout(now)
        self._timer.cancel()
        self._set(self._executor.next_timeout(now))

    def _set(self, at: float) -> None:
        self._fires_at = at
        self._timer = self._loop.call_later(max(0.0, at - time.monotonic()), self._fire)

    def _fire(self) -> None:
        now = time.monotonic()
        self.lag.observe(max(0.0, now - self._fires_at))
        self._set(now + IDLE_S)
        try:
            self._run(now)
        except Exception as bug:  # noqa: BLE001 - the edge: the clock of all calls
            self._survive(bug)
