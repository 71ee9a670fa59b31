"""Many who want one time at once: the first tries, the others wait to hear what became of it.

The database decides who gets a time; this only keeps those who have lost already from asking it one
by one. A popular time is wanted by hundreds in the same second, and each of them would read hours
and appointments twice. Whoever comes while another one's try runs, or within `FRESH_S` after it was
taken, is told so, with other times that are looked up once for all of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

import msgspec

from clinic_api.errors import Alternative, Refused
from clinic_api.scheduling.model import AppointmentView

FRESH_S = 1.0  # so long after a time was taken nobody asks whether it is free again
LOST = ("slot_taken", "slot_closed")

Attempt = Callable[[], Awaitable[AppointmentView]]
Others = Callable[[], Awaitable[tuple[Alternative, ...]]]


class Time(msgspec.Struct, frozen=True, kw_only=True):
    """What several may want; staff are offered times that patients are not."""

    service_id: str
    practitioner_id: str
    starts_at: datetime
    by_staff: bool


class Rivals:
    """All who want a time now, by the time; one is forgotten when its last rival is answered."""

    def __init__(self) -> None:
        self._open: dict[Time, _Rivalry] = {}

    def __len__(self) -> int:
        return len(self._open)

    async def take(self, time: Time, attempt: Attempt, others: Others) -> AppointmentView:
        """Raises what `attempt` raises; who is too late, Refused with alternatives."""
        rivalry = self._rivalry(time)
        rivalry.people += 1
        try:
            return await rivalry.take(attempt, others)
        finally:
            rivalry.people -= 1
            if not rivalry.people and self._open.get(time) is rivalry:
                del self._open[time]

    def _rivalry(self, time: Time) -> _Rivalry:
        found = self._open.get(time)
        if found is None or found.is_stale():
            found = self._open[time] = _Rivalry()
        return found


class _Rivalry:
    """Those who want one time."""

    def __init__(self) -> None:
        self.people = 0
        self._turn = asyncio.Lock()
        self._lost = ""  # the code, once it is taken
        self._lost_at = 0.0
        self._others: asyncio.Task[tuple[Alternative, ...]] | None = None

    async def take(self, attempt: Attempt, others: Others) -> AppointmentView:
        async with self._turn:
            if not self._lost:
                try:
                    taken = await attempt()
                except Refused as refused:
                    if refused.code not in LOST:
                        raise  # the next one tries
                    self._lose(refused.code)
                else:
                    self._lose("slot_taken")
                    return taken
        raise Refused(self._lost, alternatives=await self._shared(others))

    def is_stale(self) -> bool:
        """Whether the time may be free again."""
        return bool(self._lost) and _now_s() > self._lost_at + FRESH_S

    def _lose(self, code: str) -> None:
        self._lost, self._lost_at = code, _now_s()

    async def _shared(self, others: Others) -> tuple[Alternative, ...]:
        if self._others is None:
            self._others = asyncio.create_task(_awaited(others))
        return await asyncio.shield(self._others)  # whoever goes away leaves it to the others


async def _awaited(others: Others) -> tuple[Alternative, ...]:
    return await others()


def _now_s() -> float:
    return asyncio.get_running_loop().time()
