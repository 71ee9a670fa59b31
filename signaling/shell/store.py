"""What call control keeps on disk: SQLite, one writer connection, each write durable on return.

WAL with synchronous=FULL: a committed statement survives `kill -9` and a power cut. Every write is
one statement and commits by itself, so that a caller that is cancelled never leaves half of it, and
readers of the same connection see only whole records. Other processes (the command line) may
write the same file; they wait for each other.
"""

from __future__ import annotations

import logging
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiosqlite
import msgspec

from signaling.core.records import RoomRecord, SeatRecord
from signaling.core.rights import Rights
from signaling.shell import schema

BUSY_TIMEOUT_MS = 5000  # how long to wait for another process's write; a write takes some ms
KEPT_AFTER_EXPIRY_S = (
    30 * 86_400
)  # an old link still says "expired"; a clock set back replays nothing


class LinkRecord(msgspec.Struct, frozen=True):
    """A join link; its secret is kept only as SHA-256."""

    secret_hash: bytes
    room: str
    subject: str
    name: str
    role: str
    rights: Rights
    waits: bool
    expires_at: float  # Unix seconds
    revoked: bool = False


class Store:
    """The file of call control. Use `await Store.open(path)` and `await store.close()`."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self.connection = connection

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Open or create the file and bring its schema up. Raises SchemaTooNew, sqlite3.Error."""
        # At DEBUG it writes every statement with its values: names, chat, key hashes.
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

    # tokens

    async def use_token(self, jti: str, expires_at: float) -> bool:
        """Note the token as used; False when it already was."""
        sql = "INSERT INTO used_tokens (jti, expires_at) VALUES (?, ?) ON CONFLICT DO NOTHING"
        return await self._write(sql, (jti, expires_at)) == 1

    async def revoke_token(self, jti: str, expires_at: float) -> None:
        """The token opens nothing any more, used or not."""
        sql = "INSERT INTO revoked_tokens (jti, expires_at) VALUES (?, ?) ON CONFLICT DO NOTHING"
        await self._write(sql, (jti, expires_at))

    async def is_token_revoked(self, jti: str) -> bool:
        return bool(await self._read("SELECT 1 FROM revoked_tokens WHERE jti = ?", (jti,)))

    async def forget_expired(self, now: float) -> int:
        """Drop what expired long ago by itself; returns how many rows went."""
        before = now - KEPT_AFTER_EXPIRY_S
        gone = await self._write("DELETE FROM used_tokens WHERE expires_at < ?", (before,))
        gone += await self._write("DELETE FROM revoked_tokens WHERE expires_at < ?", (before,))
        gone += await self._write("DELETE FROM links WHERE expires_at < ?", (before,))
        return gone

    # links

    async def save_link(self, record: LinkRecord) -> None:
        values = msgspec.to_builtins(record, builtin_types=(bytes,))
        values["rights"] = msgspec.json.encode(record.rights).decode()
        await self._write(
            "INSERT INTO links VALUES (:secret_hash, :room, :subject, :name, :role, :rights,"
            " :waits, :expires_at, :revoked)",
            values,
        )

    async def link(self, secret_hash: bytes) -> LinkRecord | None:
        rows = await self._read("SELECT * FROM links WHERE secret_hash = ?", (secret_hash,))
        if not rows:
            return None
        values = dict(rows[0]) | {"rights": msgspec.json.decode(rows[0]["rights"])}
        return msgspec.convert(values, LinkRecord, strict=False, builtin_types=(bytes,))

    async def revoke_link(self, secret_hash: bytes) -> bool:
        """Withdraw a link; False when there is none."""
        sql = "UPDATE links SET revoked = 1 WHERE secret_hash = ?"
        return await self._write(sql, (secret_hash,)) == 1

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
