"""Overuse of the path: a trend above an adaptive threshold, for long enough, with a real queue.

draft-ietf-rmcat-gcc-02 section 5.4. The threshold follows the trend slowly, so that jitter and
competing traffic do not starve us. A trend alone is not believed: there must be a queue, too.
"""

from __future__ import annotations

from typing import Literal

THRESHOLD_MS = 12.5  # GCC 5.4: del_var_th(0)
MIN_THRESHOLD_MS, MAX_THRESHOLD_MS = 6.0, 600.0  # GCC 5.4
UP_PER_MS, DOWN_PER_MS = 0.0087, 0.039  # GCC 5.4: K_u, K_d
SKIP_MS = 15.0  # GCC 5.4: a spike this far out does not move the threshold
MAX_ADAPTION_MS = 100.0  # libwebrtc TrendlineEstimator
SUSTAINED_MS = 10.0  # GCC 5.4: overuse_time_th

Usage = Literal["normal", "over", "under"]


class OveruseDetector:
    __slots__ = ("_count", "_over_ms", "_previous", "_threshold", "usage")

    def __init__(self) -> None:
        self.usage: Usage = "normal"
        self._threshold = THRESHOLD_MS
        self._previous = 0.0
        self._over_ms = 0.0
        self._count = 0

    def rest(self) -> None:
        """There is no queue."""
        self.usage = "normal"
        self._over_ms, self._count = 0.0, 0

    def observe(self, trend: float, arrived_ms: float, queued: bool) -> Usage:
        """The newest trend (ms, see `Trend`), `arrived_ms` after the one before."""
        if trend > self._threshold:
            self._over_ms += arrived_ms if self._count else arrived_ms / 2
            self._count += 1
            if (
                self._over_ms > SUSTAINED_MS
                and self._count > 1
                and trend >= self._previous
                and queued
            ):
                self._over_ms, self._count = 0.0, 0
                self.usage = "over"
        else:
            self._over_ms, self._count = 0.0, 0
            self.usage = "under" if trend < -self._threshold else "normal"
        self._previous = trend
        beyond = abs(trend) - self._threshold
        if beyond <= SKIP_MS and (beyond > 0 or self._threshold > MIN_THRESHOLD_MS):
            self._adapt(beyond, arrived_ms)
        return self.usage

    def _adapt(self, beyond: float, arrived_ms: float) -> None:
        rate = DOWN_PER_MS if beyond < 0 else UP_PER_MS
        moved = self._threshold + rate * beyond * min(arrived_ms, MAX_ADAPTION_MS)
        self._threshold = min(max(moved, MIN_THRESHOLD_MS), MAX_THRESHOLD_MS)
