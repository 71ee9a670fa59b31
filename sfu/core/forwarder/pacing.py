"""Smooth sending to a subscriber on a slow link: what would be a burst waits its turn.

A keyframe is many times an ordinary frame; sent at once it fills the queue of a slow link, sound
waits behind it, and the estimate falls. So video leaves at `FACTOR` times the estimate, faster
where it would otherwise wait too long; sound and repairs go at once and are counted. A frame that
finds the queue too long even so is not taken: the video goes on at the next keyframe. While
`rate_bps` is 0 nothing is held back: a fast link does not pay for this.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import msgspec

FACTOR = 1.5  # libwebrtc has 2.5: at 150 kbit/s that makes a queue of 65 ms (measured)
MOST = 5.0  # times the estimate, to keep the wait within MAX_WAIT_S
MAX_WAIT_S = 0.2
BURST_S = 0.010  # may go at once: two of the executor's release intervals
MAX_DEBT_S = 0.2  # of what did not wait
SLOW_BPS = 2_000_000.0  # a link that carries more takes a keyframe as it comes

Send = Callable[[float], None]  # sends one packet at `now`


class Waiting(msgspec.Struct, frozen=True):
    """A packet that is sent later."""

    send: Send
    size: int
    stream: int  # id of the outgoing stream


class Pacer:
    """One subscriber's. Sizes are bytes, times seconds."""

    __slots__ = ("_budget", "_frame", "_queue", "_queued", "_rate_bps", "_topped_up", "is_idle")

    def __init__(self) -> None:
        self.is_idle = True  # everything may leave at once, and nothing is counted
        self._rate_bps = 0.0
        self._queue: deque[Waiting] = deque()
        self._queued = 0
        self._budget = 0.0
        self._topped_up = 0.0
        self._frame = b""  # RTP timestamp of the newest packet that was taken

    @property
    def rate_bps(self) -> float:
        """The estimate; 0: not paced."""
        return self._rate_bps

    @rate_bps.setter
    def rate_bps(self, bps: float) -> None:
        self._rate_bps = bps
        self._look()

    @property
    def is_holding(self) -> bool:
        return bool(self._queue)

    def spend(self, size: int) -> None:
        """Something was sent that does not wait."""
        self._budget -= size

    def admits(self, size: int, now: float) -> bool:
        """Whether a packet may leave at once; it is counted then."""
        if self._queue:
            return False
        self._top_up(now, FACTOR)
        if self._budget < 0:
            return False
        self._budget -= size
        return True

    def put(self, waiting: Waiting, frame: bytes) -> bool:
        """Take a packet; False where it begins a frame (has another RTP timestamp) and the queue is
        too long.
        """
        limit = self._rate_bps * MOST * MAX_WAIT_S / 8
        if frame != self._frame and self._queue and self._queued > limit:
            return False
        self._frame = frame
        self._queue.append(waiting)
        self._queued += waiting.size
        self._look()
        return True

    def next(self, now: float) -> Waiting | None:
        """The next packet whose time has come."""
        if not self._queue:
            return None
        if self._rate_bps:
            needed = self._queued * 8 / MAX_WAIT_S / self._rate_bps
            self._top_up(now, min(max(FACTOR, needed), MOST))
            if self._budget < 0:
                return None
        waiting = self._queue.popleft()
        self._queued -= waiting.size
        self._budget -= waiting.size
        self._look()
        return waiting

    def drop(self, stream: int) -> None:
        """Forget what waits of one outgoing stream: it goes on from elsewhere."""
        self._queue = deque(one for one in self._queue if one.stream != stream)
        self._queued = sum(one.size for one in self._queue)
        self._frame = b""
        self._look()

    def _look(self) -> None:
        self.is_idle = not self._rate_bps and not self._queue

    def _top_up(self, now: float, factor: float) -> None:
        per_s = self._rate_bps * factor / 8
        earned = self._budget + (now - self._topped_up) * per_s
        self._budget = max(-MAX_DEBT_S * per_s, min(BURST_S * per_s, earned))
        self._topped_up = now
