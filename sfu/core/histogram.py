"""Counts of durations per bound, as Prometheus wants them."""

from __future__ import annotations

from bisect import bisect_left

from sfu.api import Histogram

BOUNDS_S = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5)


class HistogramCounts:
    """Observations in seconds."""

    __slots__ = ("_counts", "_sum_s")

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS_S) + 1)
        self._sum_s = 0.0

    def observe(self, seconds: float, times: int = 1) -> None:
        self._counts[bisect_left(BOUNDS_S, seconds)] += times
        self._sum_s += seconds * times

    def value(self) -> Histogram:
        cumulative = []
        total = 0
        for count in self._counts[:-1]:
            total += count
            cumulative.append(total)
        return Histogram(BOUNDS_S, tuple(cumulative), self._sum_s, total + self._counts[-1])
