"""What the gatekeeper is told: in order, beside the calls, so that a slow clinic delays nobody.

What could not be told is logged and not told again: a call does not end for the clinic's trouble.
"""

from __future__ import annotations

import asyncio
from collections import deque

from signaling.core import outputs as o
from signaling.ports import Gatekeeper
from signaling.shell import log

LAST_WORDS_S = 5.0  # how long the clinic may take for what is left when we stop


class Notices:
    """`put` and forget; `close` lets what is waiting be told."""

    def __init__(self, gate: Gatekeeper) -> None:
        self._gate = gate
        self._waiting: deque[tuple[str, o.GateNotice]] = deque()
        self._task: asyncio.Task[None] | None = None

    def put(self, room: str, notice: o.GateNotice) -> None:
        """Tell this after everything before it."""
        self._waiting.append((room, notice))
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="gate-notices")

    async def close(self) -> None:
        """Wait for what is not told yet, then give up."""
        if self._task is None:
            return
        await asyncio.wait({self._task}, timeout=LAST_WORDS_S)
        if self._task is not None:
            log.note("gatekeeper not told", count=len(self._waiting))
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        try:
            while self._waiting:
                room, notice = self._waiting[0]
                await self._tell(room, notice)
                self._waiting.popleft()
        finally:
            self._task = None

    async def _tell(self, room: str, notice: o.GateNotice) -> None:
        gate = self._gate
        try:
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
        except Exception as problem:  # noqa: BLE001 this task's supervisor: the next may do
            log.bug("gatekeeper not told", problem, room=room)
