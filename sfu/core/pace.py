"""How busy the sockets are: whether it pays to let datagrams gather for half a millisecond, and to
look at what came less often.
"""

from __future__ import annotations

BUSY_PER_S = 2000  # datagrams; at most that many wake-ups, with or without gathering
WINDOW_S = 0.02


class Pace:
    """The rate of datagrams over the newest whole window."""

    __slots__ = ("_count", "_started", "is_busy")

    def __init__(self) -> None:
        self.is_busy = False
        self._started = 0.0
        self._count = 0

    def note(self, count: int, now: float) -> None:
        """So many datagrams were read at `now` (seconds)."""
        self._count += count
        elapsed = now - self._started
        if elapsed >= WINDOW_S:
            self.is_busy = self._count >= BUSY_PER_S * elapsed
            self._started, self._count = now, 0
