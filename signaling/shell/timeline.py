"""How calls were, on its way to the clinic: gathered, and kept in batches beside the calls.

What is told within `GATHER_S` is one batch, one write. While the clinic cannot be reached, the same
batch is tried again and the rest waits, bounded: of more than `MAX_WAITING` words the oldest are
given up. A front that is killed loses the batch that it gathers, nothing older.
"""

from __future__ import annotations

import asyncio
from collections import deque

from signaling.ports import QualityNote, Unavailable, VisitLog
from signaling.shell import log
from signaling.shell.clock import Clock

GATHER_S = 10.0
MAX_BATCH = 100  # words in a write: 0.2 s where each is of a two-hour call (measured, SQLite)
MAX_WAITING = 20_000  # words of some 400 bytes: 250 people for 13 minutes
PAUSES_S = (0.3, 1.0, 3.0, 10.0)  # between tries; then the last one until the clinic answers
LAST_WORDS_S = 5.0  # how long the clinic may take for what is left when we stop


class Timeline:
    """`put` and forget; `close` lets what is gathered be kept."""

    def __init__(self, visits: VisitLog, clock: Clock) -> None:
        self._visits = visits
        self._clock = clock
        self._waiting: deque[QualityNote] = deque(maxlen=MAX_WAITING)
        self._given_up = 0  # words since the newest batch
        self._hurry = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def put(self, note: QualityNote) -> None:
        """Keep this with the next batch."""
        self._given_up += len(self._waiting) == MAX_WAITING
        self._waiting.append(note)
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="quality-timeline")

    async def close(self) -> None:
        """Keep what there is at once, then give up."""
        if self._task is None:
            return
        self._hurry.set()
        await asyncio.wait({self._task}, timeout=LAST_WORDS_S)
        if self._task is not None:
            log.note("quality given up", count=len(self._waiting))
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        try:
            while self._waiting:
                if len(self._waiting) < MAX_BATCH:
                    await self._gather()
                await self._keep(self._take())
        finally:
            self._task = None

    def _take(self) -> tuple[QualityNote, ...]:
        if self._given_up:
            log.note("quality given up", count=self._given_up)
            self._given_up = 0
        count = min(len(self._waiting), MAX_BATCH)
        return tuple(self._waiting.popleft() for _ in range(count))

    async def _keep(self, notes: tuple[QualityNote, ...]) -> None:
        batch = f"{self._clock() * 1e6:.0f}"  # no two are made in the same microsecond
        tries = 0
        while True:
            try:
                return await self._visits.note_quality(batch, notes)
            except Unavailable:
                log.note("clinic away", count=len(notes) + len(self._waiting))
            except Exception as problem:  # noqa: BLE001 this task's supervisor: the next may do
                log.bug("quality not kept", problem)
                return None
            await asyncio.sleep(PAUSES_S[min(tries, len(PAUSES_S) - 1)])
            tries += 1

    async def _gather(self) -> None:
        try:
            async with asyncio.timeout(GATHER_S):
                await self._hurry.wait()
        except TimeoutError:
            return
