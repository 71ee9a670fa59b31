"""Too much work for one process: smaller pictures for all, then no new calls; sound goes on.

Overload is too little time left, or lateness of our own making: lateness alone may be somebody
else's, who has the processor, and smaller pictures would not help against that. Each step needs the
overload to last, and is taken back only after a longer calm, one at a time.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from sfu.api import Histogram

BUSY = 0.90  # share of one core's time; jitsi-videobridge: stress 1 at 0.9
CALM = 0.72  # jitsi-videobridge: recovered
LATE_S = 0.05  # 99th percentile; four frames a second late by this are seen as jerks
OWN = 0.60  # of a core's time: whoever uses less is late because of others
SOON_S = 2.0  # of overload before the next step
LONG_S = 10.0  # of calm before a step is taken back
NO_CAP = 1 << 16  # pixels


class Measures(msgspec.Struct, frozen=True):
    """What is done about it."""

    max_height: int  # pixels of any picture that is sent
    takes_rooms: bool


STEPS = (
    Measures(NO_CAP, takes_rooms=True),
    Measures(360, takes_rooms=True),
    Measures(180, takes_rooms=True),
    Measures(180, takes_rooms=False),
)


@dataclass(slots=True)
class Overload:
    """One process's. To be told once a second."""

    step: int = 0
    _busy_since: float | None = None
    _calm_since: float | None = None

    @property
    def measures(self) -> Measures:
        return STEPS[self.step]

    def observe(self, cpu_share: float, late_s: float, now: float) -> bool:
        """The share of a core's time that was used, and the 99th percentile of lateness; True if
        other measures are due.
        """
        if cpu_share >= BUSY or (late_s >= LATE_S and cpu_share >= OWN):
            self._calm_since = None
            return self._worse(now)
        self._busy_since = None
        if cpu_share >= CALM or late_s >= LATE_S:
            self._calm_since = None
            return False
        return self._better(now)

    def _worse(self, now: float) -> bool:
        if self._busy_since is None:
            self._busy_since = now
        if now - self._busy_since < SOON_S or self.step == len(STEPS) - 1:
            return False
        self._busy_since = now
        self.step += 1
        return True

    def _better(self, now: float) -> bool:
        if self._calm_since is None:
            self._calm_since = now
        if now - self._calm_since < LONG_S or self.step == 0:
            return False
        self._calm_since = now
        self.step -= 1
        return True


def percentile(before: Histogram, after: Histogram, share: float) -> float:
    """The upper bound (s) of the bucket in which the share of what came between two readings ends;
    0 where nothing came.
    """
    total = after.count - before.count
    if total <= 0:
        return 0.0
    for bound, first, last in zip(after.bounds_s, before.counts, after.counts, strict=True):
        if last - first >= share * total:
            return bound
    return 2 * after.bounds_s[-1]
