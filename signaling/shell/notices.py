"""What the gatekeeper is told: in order, beside the calls, so that a slow clinic delays nobody.

While the clinic cannot be reached, the oldest word is told again and all later ones wait behind it;
each carries the time of what happened, so that a late word is as good as an early one. A word that
the clinic refuses or fails on is logged and passed over: a call does not end for its trouble.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from signaling.core import outputs as o
from signaling.ports import Gatekeeper, Unavailable
from signaling.shell import log

PAUSES_S = (0.1, 0.3, 1.0, 3.0)  # between tries; then the last one until the clinic answers
MAX_WAITING = 10_000  # words of some 300 bytes; nobody new comes in while the clinic is away
SETTLE_S = 2.0  # how long a start waits for the first word to be told
LAST_WORDS_S = 5.0  # how long the clinic may take for what is left when we stop

Word = Callable[[], Awaitable[None]]


class Notices:
    """`put` and forget; `close` lets what is waiting be told."""

    def __init__(self, gate: Gatekeeper) -> None:
        self._gate = gate
        self._waiting: deque[tuple[str, Word]] = deque()  # room ("": all), how to tell
        self._task: asyncio.Task[None] | None = None

    def put(self, room: str, notice: o.GateNotice) -> None:
        """Tell this after everything before it."""
        if len(self._waiting) >= MAX_WAITING:
            log.note("gatekeeper not told", room=room)
            return
        self._put(room, lambda: _tell(self._gate, room, notice))

    async def settle(self, participants: frozenset[str]) -> None:
        """Tell at start who has a seat; returns when all is told, or after SETTLE_S, while it is
        tried further."""
        told = self._put("", lambda: self._gate.settled(participants))
        await asyncio.wait({told}, timeout=SETTLE_S)

    async def close(self) -> None:
        """Wait for what is not told yet, then give up."""
        if self._task is None:
            return
        await asyncio.wait({self._task}, timeout=LAST_WORDS_S)
        if self._task is not None:
            log.note("gatekeeper not told", count=len(self._waiting))
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _put(self, room: str, word: Word) -> asyncio.Task[None]:
        self._waiting.append((room, word))
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="gate-notices")
        return self._task

    async def _run(self) -> None:
        try:
            while self._waiting:
                await self._say(*self._waiting[0])
                self._waiting.popleft()
        finally:
            self._task = None

    async def _say(self, room: str, word: Word) -> None:
        tries = 0
        while True:
            try:
                return await word()
            except Unavailable:
                log.note("gatekeeper away", count=len(self._waiting))
            except Exception as problem:  # noqa: BLE001 this task's supervisor: the next may do
                log.bug("gatekeeper not told", problem, room=room)
                return None
            await asyncio.sleep(PAUSES_S[min(tries, len(PAUSES_S) - 1)])
            tries += 1


async def _tell(gate: Gatekeeper, room: str, notice: o.GateNotice) -> None:
    match notice:
        case o.NoteJoined(subject, who, at):
            await gate.joined(room, subject, who, at)
        case o.NoteAdmitted(subject, who, at):
            await gate.admitted(room, subject, who, at)
        case o.NoteLeft(subject, who, at, why):
            await gate.left(room, subject, who, at, why)
        case o.NoteMedia(subject, who, source, at):
            await gate.media_came(room, subject, who, source, at)
        case o.NoteEnded(subject, at):
            await gate.ended(room, subject, at)
