"""How long somebody will wait: from who is ahead, and how long visits really took lately.

Pure arithmetic. An estimate is a promise, so it is rounded up, and there is none without a basis.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import msgspec

STEP_MINUTES = 5  # finer would pretend to know
MIN_BASIS = 3  # visits; fewer say nothing


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where somebody stands. `wait_minutes`: None where nothing is known."""

    position: int  # 1: next
    wait_minutes: int | None


def place(
    ahead: int,
    durations_s: Sequence[float],
    running_for_s: float | None,
    late_minutes: int | None,
    until_start_s: float = 0.0,
) -> Place:
    """`ahead`: how many wait before; `durations_s`: of recent visits of this practitioner;
    `running_for_s`: of the visit that is going on; `late_minutes`: the practitioner's own word,
    which counts for at least as much, as `until_start_s`, the time that was booked, does."""
    said = None if late_minutes is None else float(late_minutes * 60)
    if until_start_s > 0.0:
        said = max(said or 0.0, until_start_s)
    if len(durations_s) < MIN_BASIS:
        return Place(position=ahead + 1, wait_minutes=None if said is None else _rounded(said))
    typical_s = median(durations_s)
    rest_s = 0.0 if running_for_s is None else max(typical_s - running_for_s, 0.0)
    wait_s = rest_s + ahead * typical_s
    return Place(position=ahead + 1, wait_minutes=_rounded(max(wait_s, said or 0.0)))


def _rounded(seconds: float) -> int:
    steps = -int(-seconds // (STEP_MINUTES * 60))
    return steps * STEP_MINUTES
