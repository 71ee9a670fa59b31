"""Time zones of the pinned tzdata package, and which release of the rules that is."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from zoneinfo import ZoneInfo

RELEASE = version("tzdata")  # such as 2026.6


@cache
def zone_of(name: str) -> ZoneInfo:
    """Raises ZoneInfoNotFoundError, ValueError."""
    return ZoneInfo(name)
