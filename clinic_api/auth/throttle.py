"""Progressive delay on passwords and codes: a few free tries, then each wait twice the last.

A try counts before it is judged, so that parallel guesses gain nothing; a right one clears the
account's count. After a hundred in a row (NIST SP 800-63B-4 3.2.2) only a reset opens it again.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

import msgspec

Subject = Literal["login", "known", "code", "address", "activation", "mail"]


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """Waits of one kind of subject."""

    free: int  # tries without a wait
    first: timedelta
    longest: timedelta
    closed_after: int | None = None  # tries until nothing helps but a reset
    forgotten_after: timedelta | None = None  # without a try; None: never


_ACCOUNT = Limit(
    free=5,
    first=timedelta(seconds=2),
    longest=timedelta(minutes=15),
    closed_after=100,
    forgotten_after=timedelta(days=30),
)
LIMITS: dict[Subject, Limit] = {
    "login": _ACCOUNT,
    "code": _ACCOUNT,
    "known": msgspec.structs.replace(_ACCOUNT, forgotten_after=timedelta(days=90)),
    "activation": Limit(
        free=5,
        first=timedelta(seconds=10),
        longest=timedelta(hours=1),
        closed_after=20,
        forgotten_after=timedelta(days=30),
    ),
    "address": Limit(
        free=30,
        first=timedelta(seconds=1),
        longest=timedelta(minutes=5),
        forgotten_after=timedelta(hours=1),
    ),
    "mail": Limit(
        free=3,
        first=timedelta(minutes=2),
        longest=timedelta(hours=12),
        forgotten_after=timedelta(hours=24),
    ),
}
FOREVER = timedelta(days=36_500)


class Tries(msgspec.Struct, frozen=True):
    """What was tried in a row, the last one when."""

    count: int
    last_at: datetime


def wait(limit: Limit, tries: Tries, now: datetime) -> timedelta:
    """How long until the next try is heard; zero: now; FOREVER: not before a reset."""
    if limit.closed_after is not None and tries.count >= limit.closed_after:
        return FOREVER
    if _is_forgotten(limit, tries, now):
        return timedelta()
    over = tries.count - limit.free
    if over < 0:
        return timedelta()
    doublings = min(over, 20)
    pause = min(limit.first * (1 << doublings), limit.longest)
    return max(tries.last_at + pause - now, timedelta())


def counted(limit: Limit, tries: Tries, now: datetime) -> Tries:
    """One more."""
    if _is_forgotten(limit, tries, now):
        return Tries(1, now)
    return Tries(tries.count + 1, now)


def _is_forgotten(limit: Limit, tries: Tries, now: datetime) -> bool:
    return limit.forgotten_after is not None and now - tries.last_at >= limit.forgotten_after
