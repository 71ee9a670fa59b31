"""Waiting in end-to-end tests: ask again until it is so, or say what was last seen.

No test sleeps for a fixed time; the short pause between two questions lives here and nowhere else.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

_PAUSE_S = 0.1

T = TypeVar("T")


async def until(ask: Callable[[], Awaitable[T]], timeout_s: float, what: str = "") -> T:
    """The first true answer. Raises AssertionError with the last one after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while True:
        answer = await ask()
        if answer:
            return answer
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {timeout_s} s: {what or ask}; last answer {answer!r}")
        await asyncio.sleep(_PAUSE_S)


async def holds(ask: Callable[[], Awaitable[bool]], seconds: float, what: str = "") -> None:
    """Ask all the time for `seconds`; every answer must be true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert await ask(), what or ask
        await asyncio.sleep(_PAUSE_S)
