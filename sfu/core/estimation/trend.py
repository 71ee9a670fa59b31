"""Whether the delay grows: a line through the newest smoothed delays (libwebrtc's trendline).

Each pair of groups adds to an accumulated delay, which is smoothed; the slope of a least-squares
line through the newest 20 of those over the arrival time is the trend. 0 = steady; 0.5 = the queue
grows by half a second per second.
"""

from __future__ import annotations

from collections import deque

WINDOW = 20  # groups; libwebrtc TrendlineEstimator
SMOOTHING = 0.9  # libwebrtc TrendlineEstimator
GAIN = 4.0  # libwebrtc TrendlineEstimator: threshold_gain
MAX_GROUPS = 60  # libwebrtc TrendlineEstimator: kMinNumDeltas


class Trend:
    """Times in milliseconds, as the constants of the detector are."""

    __slots__ = ("_accumulated", "_arrival", "_count", "_points", "_smoothed", "value")

    def __init__(self) -> None:
        self.value = 0.0  # ms: slope × groups × gain, as the detector compares it
        self.reset()

    def reset(self) -> None:
        self._count = 0
        self._arrival = self._accumulated = self._smoothed = 0.0
        self._points: deque[tuple[float, float]] = deque(maxlen=WINDOW)

    def add(self, sent_ms: float, arrived_ms: float) -> float:
        """The differences of two successive groups; the modified trend."""
        self._count = min(self._count + 1, MAX_GROUPS)
        self._arrival += arrived_ms
        self._accumulated += arrived_ms - sent_ms
        self._smoothed = SMOOTHING * self._smoothed + (1 - SMOOTHING) * self._accumulated
        self._points.append((self._arrival, self._smoothed))
        if len(self._points) == WINDOW:
            self.value = slope(self._points) * self._count * GAIN
        return self.value


def slope(points: deque[tuple[float, float]]) -> float:
    """Of the least-squares line through (x, y); 0 where all x are equal."""
    origin = points[0][0]
    n, x_sum, y_sum, xx, xy = len(points), 0.0, 0.0, 0.0, 0.0
    for at, y in points:
        x = at - origin
        x_sum += x
        y_sum += y
        xx += x * x
        xy += x * y
    spread = n * xx - x_sum * x_sum
    return (n * xy - x_sum * y_sum) / spread if spread > 0 else 0.0
