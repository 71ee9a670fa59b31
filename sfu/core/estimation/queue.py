"""How long packets wait on the path: their one-way delay against the smallest of the last seconds.

The two clocks are not related, so only differences of delays mean something. The smallest delay is
kept for 10 to 20 s: clocks that drift apart by 100 ppm move it by 2 ms. Of the newest packets the
fastest counts, which takes most of the jitter out; `noise_s` says what may be left of it.
"""

from __future__ import annotations

NEWEST = 4  # packets
JITTER_GAIN = 1 / 16  # RFC 3550 6.4.1
NOISE = 2.0  # times the jitter; four packets with evenly spread jitter are above it in 1 of 80
BASE_S = 10.0  # a smallest delay is forgotten after one to two of these


class QueueDelay:
    """Seconds. `value`: 0 where nothing is known yet; `longest_s`: of the packets added last."""

    __slots__ = (
        "_base",
        "_began",
        "_jitter",
        "_last",
        "_newest",
        "_next_base",
        "longest_s",
        "value",
    )

    def __init__(self) -> None:
        self._jitter = self._last = 0.0
        self._newest: list[float] = []
        self.rebase(0.0)

    def rebase(self, now: float) -> None:
        """Forget what the path was like: it has changed, or a clock stepped."""
        self._newest = []
        self._base = self._next_base = float("inf")
        self._began = now
        self.value = self.longest_s = 0.0

    def add(self, delays: list[float], now: float) -> None:
        """Packets' arrivals − their sending, on the two clocks."""
        jitter = self._jitter
        last = self._last if self._newest else delays[0]
        for delay in delays:
            jitter -= JITTER_GAIN * jitter
            if delay < last:
                jitter += JITTER_GAIN * 2 * (last - delay)
            last = delay
        self._jitter, self._last = jitter, last
        least = min(delays)
        if least < self._next_base:
            self._next_base = least
            self._base = min(self._base, least)
        if now - self._began > BASE_S:
            self._base, self._next_base, self._began = self._next_base, float("inf"), now
        self.longest_s = max(delays) - self._base
        self.see(delays)

    def see(self, delays: list[float]) -> None:
        """Those of packets that are smaller than most: they tell of the queue and of nothing else,
        for they are fast where nothing waits.
        """
        self._newest = [*self._newest, *delays][-NEWEST:]
        if len(self._newest) == NEWEST:
            self.value = max(0.0, min(self._newest) - self._base)

    @property
    def noise_s(self) -> float:
        """A queue shorter than this may be jitter."""
        return NOISE * self._jitter
