"""What a clinic does for call control, in memory: it lets people in and keeps what they write.

Tokens mean what PROTOCOL.md says of them; `Desk` outlives a front that is restarted.
"""

from __future__ import annotations

import asyncio

from signaling.core import refusals
from signaling.ports import ChatEntry, Entry, QualityNote, Refused, Source
from signaling.shell.clock import Clock

Told = tuple[str, ...]


class Desk:
    """Implements `signaling.ports.Gatekeeper` and `VisitLog`; `told` is what it heard of people."""

    def __init__(self, clock: Clock, rooms: set[str]) -> None:
        self.told: list[Told] = []
        self.quality: list[tuple[str, tuple[QualityNote, ...]]] = []
        self.present: frozenset[str] = frozenset()  # at the newest start
        self.answers = asyncio.Event()  # what is told waits for it
        self.answers.set()
        self._clock = clock
        self._rooms = rooms
        self._issued: dict[str, tuple[Entry, float, bool]] = {}
        self._used: set[str] = set()
        self._revoked: set[str] = set()
        self._chat: dict[tuple[str, str, str], ChatEntry] = {}

    def issue(self, entry: Entry, ttl_s: float, *, device: bool) -> str:
        token = f"token-{len(self._issued):016d}"
        self._issued[token] = (entry, self._clock() + ttl_s, device)
        return token

    def revoke(self, token: str) -> None:
        self._revoked.add(token)

    def expires_at(self, token: str) -> float:
        return self._issued[token][1]

    async def enter(self, token: str) -> Entry:
        entry = await self.identify(token)
        _, expires_at, device = self._issued[token]
        if self._clock() >= expires_at:
            raise _refused("token_expired")
        if entry.room not in self._rooms:
            raise _refused("unknown_room")
        if token in self._revoked:
            raise _refused("token_revoked")
        if token in self._used:
            raise _refused("token_used")
        if not device:
            self._used.add(token)
        return entry

    async def identify(self, token: str) -> Entry:
        if token not in self._issued:
            raise _refused("token_invalid")
        return self._issued[token][0]

    async def joined(self, room: str, subject: str, participant: str, at: float) -> None:
        await self.answers.wait()
        self.told.append(("joined", room, subject, participant))

    async def admitted(self, room: str, subject: str, participant: str, at: float) -> None:
        await self.answers.wait()
        self.told.append(("admitted", room, subject, participant))

    async def left(self, room: str, subject: str, participant: str, at: float, why: str) -> None:
        await self.answers.wait()
        self.told.append(("left", room, subject, participant, why))

    async def media_came(
        self, room: str, subject: str, participant: str, source: Source, at: float
    ) -> None:
        await self.answers.wait()
        self.told.append(("media", room, subject, participant, source))

    async def ended(self, room: str, subject: str, at: float) -> None:
        await self.answers.wait()
        self.told.append(("ended", room, subject))

    async def settled(self, participants: frozenset[str]) -> None:
        self.present = participants

    async def append_chat(
        self, room: str, participant: str, name: str, key: str, text: str, at: float
    ) -> ChatEntry:
        number = f"{len(self._chat):012d}"
        entry = ChatEntry(number, participant, name, text, at)
        return self._chat.setdefault((room, participant, key), entry)

    async def note_quality(self, batch: str, notes: tuple[QualityNote, ...]) -> None:
        await self.answers.wait()
        self.quality.append((batch, notes))

    async def history(self, room: str, since: str | None) -> list[ChatEntry]:
        return [
            entry
            for (where, _, _), entry in self._chat.items()
            if where == room and entry.id > (since or "")
        ]


def _refused(code: str) -> Refused:
    return Refused(code, refusals.GATE[code])
