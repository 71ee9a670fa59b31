"""At most so many log lines of one event: strangers must not fill the disk with their refusals.

Errors always pass, because a person may have been told their number. What was left out is counted
in `count` of the next line of that event.
"""

from __future__ import annotations

import time
from collections.abc import Callable, MutableMapping
from typing import Any

import structlog

BURST = 200  # lines of one event; 50 people joining at once write fewer
PER_S = 5.0  # afterwards: 80 MB a day at 200 bytes a line
MAX_EVENTS = 500  # there are about 60 in the program
_LIMITED = frozenset({"debug", "info", "warning"})


class LogGate:
    """A structlog processor; `clock` gives monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._levels: dict[str, tuple[float, float]] = {}  # event → (lines left, at)
        self._left_out: dict[str, int] = {}

    def __call__(
        self, _logger: object, method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        if method not in _LIMITED:
            return event
        name = str(event.get("event", ""))
        if name not in self._levels and len(self._levels) >= MAX_EVENTS:
            name = ""
        if not self._take(name):
            self._left_out[name] = self._left_out.get(name, 0) + 1
            raise structlog.DropEvent
        missing = self._left_out.pop(name, 0)
        if missing:
            event["count"] = missing
        return event

    def _take(self, name: str) -> bool:
        now = self._clock()
        left, at = self._levels.get(name, (float(BURST), now))
        left = min(float(BURST), left + (now - at) * PER_S)
        passes = left >= 1
        self._levels[name] = (left - 1 if passes else left, now)
        return passes
