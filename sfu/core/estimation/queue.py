"""How long packets wait on the path: their one-way delay against the smallest of the last seconds.

The two clocks are not related, so only differences of delays mean something. The smallest delay is
kept for 10 to 20 s: clocks that drift apart by 100 ppm move it by 2 ms. Of the newest packets the
fastest counts, which takes jitter out.
"""

from __future__ import annotations

from collections import deque

NEWEST = 5  # packets
BASE_S = 10.0  # a smallest delay is forgotten after one to two of these


class QueueDelay:
    """Seconds."""

    __slots__ = ("_base", "_began", "_newest", "_next_base")

    def __init__(self) -> None:
        self._newest: deque[float] = deque(maxlen=NEWEST)
        self.rebase(0.0)

    def rebase(self, now: float) -> None:
        """Forget what the path was like: it has changed, or a clock stepped."""
        self._newest.clear()
        self._base = self._next_base = float("inf")
        self._began = now

    def add(self, delay: float, now: float) -> None:
        """A packet's arrival − its sending, on the two clocks."""
        self._newest.append(delay)
        if delay < self._next_base:
            self._next_base = delay
            self._base = min(self._base, delay)
        if now - self._began > BASE_S:
            self._base, self._next_base, self._began = self._next_base, float("inf"), now

    def value(self) -> float:
        """0 where nothing is known yet."""
        if len(self._newest) < NEWEST:
            return 0.0
        return min(self._newest) - self._base
