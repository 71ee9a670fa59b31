"""Whether the delay says that the path is overused: groups, their trend, and the detector.

Where no packet waits for longer than MIN_QUEUE_S there is nothing to detect: such packets are only
kept, and read when a queue begins. The trend needs no more of the past than that.
"""

from __future__ import annotations

from collections import deque

from sfu.core.estimation.groups import Groups
from sfu.core.estimation.overuse import MIN_THRESHOLD_MS, OveruseDetector, Usage
from sfu.core.estimation.trend import Trend

MIN_QUEUE_S = 0.010  # a shorter queue is none
KEPT = 16  # feedbacks: 0.8 s at the shortest interval of browsers, more than the trend's groups

_Packets = tuple[list[float], list[float]]  # sent, arrived


class DelayDetector:
    """Times in seconds; arrivals on the receiver's clock."""

    __slots__ = ("_detector", "_groups", "_kept", "_trend")

    def __init__(self) -> None:
        self._groups = Groups()
        self._trend = Trend()
        self._detector = OveruseDetector()
        self._kept: deque[_Packets] = deque()

    def reset(self) -> None:
        """A clock stepped."""
        self._kept.clear()
        self._trend.reset()

    def keep(self, sent: list[float], arrived: list[float]) -> Usage:
        """Packets of which none has waited."""
        self._kept.append((sent, arrived))
        if len(self._kept) > KEPT:
            self._kept.popleft()
            self._trend.restart()
        self._detector.rest()
        return "normal"

    def observe(self, sent: list[float], arrived: list[float], *, queued: bool) -> Usage:
        """Packets in the order of sending; `queued`: there is a queue beyond the jitter."""
        while self._kept:
            self._read(*self._kept.popleft(), queued=False)
        over = self._read(sent, arrived, queued=queued)
        return "over" if over else self._detector.usage

    def _read(self, sent: list[float], arrived: list[float], *, queued: bool) -> bool:
        """True if there was overuse."""
        over = False
        for sent_s, arrived_s in self._groups.add(sent, arrived):
            trend = self._trend.add(sent_s * 1000, arrived_s * 1000)
            believed = queued and trend > MIN_THRESHOLD_MS
            usage = self._detector.observe(trend, arrived_s * 1000, believed)
            over |= usage == "over"
        return over
