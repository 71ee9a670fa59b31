"""How long packets wait on the path: their one-way delay against the smallest of the last seconds.

The two clocks are not related, so only differences of delays mean something. The smallest delay is
kept for 10 to 20 s: clocks that drift apart by 100 ppm move it by 2 ms. Of the newest packets the
fastest counts, which takes most of the jitter out; `noise_s` says what may be left of it.
"""

from __future__ import annotations

from collections import deque

NEWEST = 4  # packets
JITTER_GAIN = 1 / 16  # RFC 3550 6.4.1
NOISE = 2.0  # times the jitter; four packets with evenly spread jitter are above it in 1 of 80
BASE_S = 10.0  # a smallest delay is forgotten after one to two of these


class QueueDelay:
    """Seconds."""

    __slots__ = ("_base", "_began", "_jitter", "_newest", "_next_base")

    def __init__(self) -> None:
        self._jitter = 0.0
        self._newest: deque[float] = deque(maxlen=NEWEST)
        self.rebase(0.0)

    def rebase(self, now: float) -> None:
        """Forget what the path was like: it has changed, or a clock stepped."""
        self._newest.clear()
        self._base = self._next_base = float("inf")
        self._began = now

    def add(self, delay: float, now: float) -> None:
        """A packet's arrival − its sending, on the two clocks."""
        if self._newest:
            self._jitter += JITTER_GAIN * (abs(delay - self._newest[-1]) - self._jitter)
        self._newest.append(delay)
        if delay < self._next_base:
            self._next_base = delay
            self._base = min(self._base, delay)
        if now - self._began > BASE_S:
            self._base, self._next_base, self._began = self._next_base, float("inf"), now

    @property
    def noise_s(self) -> float:
        """A queue shorter than this may be jitter."""
        return NOISE * self._jitter

    def value(self) -> float:
        """0 where nothing is known yet."""
        if len(self._newest) < NEWEST:
            return 0.0
        return min(self._newest) - self._base
