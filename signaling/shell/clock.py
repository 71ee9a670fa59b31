"""Unix time that never jumps: the wall clock of the start plus the monotonic clock since.

A wall clock set back by NTP would keep held seats for ever, one set forward would give them up.
"""

from __future__ import annotations

import time
from collections.abc import Callable

Clock = Callable[[], float]


def steady_clock() -> Clock:
    """A function that returns Unix seconds."""
    offset_s = time.time() - time.monotonic()
    return lambda: time.monotonic() + offset_s
