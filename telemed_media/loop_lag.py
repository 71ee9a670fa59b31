"""How late the front's event loop runs what is due: the first sign of a blocked loop."""

from __future__ import annotations

import asyncio
from bisect import bisect_left

from sfu.api import Histogram

PERIOD_S = 0.25
BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class LoopLag:
    """Measures by sleeping; `histogram` has the counts so far."""

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS_S) + 1)
        self._sum_s = 0.0

    async def measure(self) -> None:
        """Measure until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due_at = loop.time() + PERIOD_S
            await asyncio.sleep(PERIOD_S)
            self.record(max(0.0, loop.time() - due_at))

    def record(self, lag_s: float) -> None:
        """Count one delay in seconds."""
        self._counts[bisect_left(BOUNDS_S, lag_s)] += 1
        self._sum_s += lag_s

    def histogram(self) -> Histogram:
        """Cumulative counts, Prometheus style."""
        cumulative = [sum(self._counts[: n + 1]) for n in range(len(self._counts))]
        return Histogram(BOUNDS_S, tuple(cumulative[:-1]), self._sum_s, cumulative[-1])
