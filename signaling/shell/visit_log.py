"""The VisitLog port over the store: chat on disk before it is acknowledged.

Messages are numbered per room; the number, padded, is the id, so that ids sort by time.
"""

from __future__ import annotations

import aiosqlite
import msgspec

from signaling.ports import ChatEntry
from signaling.shell.store import Store

MAX_HISTORY = 500  # newest messages that a person gets at once; far more than a visit has

_APPEND = """
    INSERT INTO chat (room, number, participant, name, key, text, at)
    SELECT :room, COALESCE(MAX(number), 0) + 1, :participant, :name, :key, :text, :at
    FROM chat WHERE room = :room
    ON CONFLICT (room, participant, key) DO NOTHING
"""
_BY_KEY = "SELECT * FROM chat WHERE room = ? AND participant = ? AND key = ?"
_HISTORY = "SELECT * FROM chat WHERE room = ? AND number > ? ORDER BY number DESC LIMIT ?"


class StoredVisitLog:
    """Keeps the chat of visits until the clinic layer takes over."""

    def __init__(self, store: Store) -> None:
        self._connection = store.connection

    async def append_chat(
        self, room: str, participant: str, name: str, key: str, text: str, at: float
    ) -> ChatEntry:
        """Store a message; a repeated (participant, key) gives the first. Raises sqlite3.Error."""
        message = _Message(room, participant, name, key, text, at)
        await self._connection.execute(_APPEND, msgspec.structs.asdict(message))
        (row,) = await self._connection.execute_fetchall(_BY_KEY, (room, participant, key))
        return _entry(row)

    async def history(self, room: str, since: str | None) -> list[ChatEntry]:
        """The newest messages after `since`, oldest first; a `since` not of ours is ignored."""
        number = int(since) if since is not None and since.isascii() and since.isdigit() else 0
        after = min(number, 2**62)
        values = room, after, MAX_HISTORY
        rows = list(await self._connection.execute_fetchall(_HISTORY, values))
        return [_entry(row) for row in reversed(rows)]


class _Message(msgspec.Struct, frozen=True):
    room: str
    participant: str
    name: str
    key: str
    text: str
    at: float


def _entry(row: aiosqlite.Row) -> ChatEntry:
    return ChatEntry(
        id=f"{row['number']:012d}",
        participant=row["participant"],
        name=row["name"],
        text=row["text"],
        at=row["at"],
    )
