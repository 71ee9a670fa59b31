"""What call control keeps on disk: rooms and seats, so that a restart ends no call.

SQLite (WAL, synchronous=FULL), one writer connection, each write durable on return: a committed
statement survives `kill -9` and a power cut. Every write is
one statement and commits by itself, so that a caller that is cancelled never leaves half of it, and
readers of the same connection see only whole records.
"""

from __future__ import annotations

import logging
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiosqlite
import msgspec

from signaling.core.records import RoomRecord, SeatRecord
from signaling.shell import schema

BUSY_TIMEOUT_MS = 5000  # how long to wait for another process (a backup); a write takes some ms


class Store:
    """The file of call control. Use `await Store.open(path)` and `await store.close()`."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self.connection = connection

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Open or create the file and bring its schema up. Raises SchemaTooNew, sqlite3.Error."""
        # At DEBUG it writes every statement with its values: names, key hashes.
        logging.getLogger("aiosqlite").setLevel(logging.INFO)
        connection = await aiosqlite.connect(path, isolation_level=None)
        try:
            connection.row_factory = aiosqlite.Row
            await connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
            await connection.execute("PRAGMA journal_mode = WAL")
            await connection.execute("PRAGMA synchronous = FULL")
            await connection.execute("PRAGMA foreign_keys = ON")
            await schema.upgrade(connection)
        except BaseException:
            await connection.close()
            raise
        return cls(connection)

    async def close(self) -> None:
        await self.connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    # rooms

    async def open_room(self, room: str, at: float) -> None:
        """Make the room known; one that is known already stays as it is."""
        sql = "INSERT INTO rooms VALUES (?, ?, 'open') ON CONFLICT DO NOTHING"
        await self._write(sql, (room, at))

    async def room(self, room: str) -> RoomRecord | None:
        rows = await self._read("SELECT * FROM rooms WHERE room = ?", (room,))
        return msgspec.convert(dict(rows[0]), RoomRecord) if rows else None

    async def save_room(self, record: RoomRecord) -> None:
        await self._write(
            "UPDATE rooms SET phase = ? WHERE room = ?", (record.phase.value, record.room)
        )

    async def rooms_with_seats(self) -> list[str]:
        """Rooms that have not ended and in which somebody has a seat."""
        rows = await self._read(
            "SELECT DISTINCT seats.room FROM seats JOIN rooms USING (room)"
            " WHERE seats.state IN ('waiting', 'admitted') AND rooms.phase != 'ended'",
            (),
        )
        return [row["room"] for row in rows]

    # seats

    async def save_seat(self, record: SeatRecord) -> None:
        """Insert or replace a seat."""
        values = msgspec.to_builtins(record, builtin_types=(bytes,))
        for column in ("rights", "declared", "muted"):
            values[column] = msgspec.json.encode(values[column]).decode()
        columns = ", ".join(values)
        marks = ", ".join(f":{column}" for column in values)
        await self._write(f"INSERT OR REPLACE INTO seats ({columns}) VALUES ({marks})", values)  # noqa: S608 our own column names

    async def seats(self, room: str) -> list[SeatRecord]:
        rows = await self._read("SELECT * FROM seats WHERE room = ? ORDER BY joined_at", (room,))
        return [_seat(row) for row in rows]

    async def seat_by_key(self, key_hash: bytes) -> SeatRecord | None:
        rows = await self._read("SELECT * FROM seats WHERE key_hash = ?", (key_hash,))
        return _seat(rows[0]) if rows else None

    async def forget_ended(self, before: float) -> int:
        """Drop rooms that ended and were opened before then, with their seats; returns how many."""
        old = "SELECT room FROM rooms WHERE phase = 'ended' AND opened_at < ?"
        await self._write(f"DELETE FROM seats WHERE room IN ({old})", (before,))  # noqa: S608 our own
        return await self._write(f"DELETE FROM rooms WHERE room IN ({old})", (before,))  # noqa: S608

    async def _write(self, sql: str, values: Any) -> int:
        async with self.connection.execute(sql, values) as cursor:
            return cursor.rowcount

    async def _read(self, sql: str, values: Any) -> list[aiosqlite.Row]:
        """All rows in one step of the connection's thread.

        A read that is left half done keeps the snapshot of its start: a write of this connection in
        between fails at once (SQLITE_BUSY_SNAPSHOT) if another process has written meanwhile.
        """
        return list(await self.connection.execute_fetchall(sql, values))


def _seat(row: aiosqlite.Row) -> SeatRecord:
    values = dict(row)
    for column in ("rights", "declared", "muted"):
        values[column] = msgspec.json.decode(values[column])
    return msgspec.convert(values, SeatRecord, builtin_types=(bytes,))
