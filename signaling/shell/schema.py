"""The tables of call control and their versions (`PRAGMA user_version`).

A step is only ever appended: a data folder of any earlier version is brought up by the steps it
lacks. A newer folder than the program knows is refused rather than guessed at.
"""

from __future__ import annotations

import aiosqlite

STEPS: tuple[str, ...] = (
    """
    CREATE TABLE rooms (
        room TEXT PRIMARY KEY,
        opened_at REAL NOT NULL,
        phase TEXT NOT NULL
    ) STRICT;
    CREATE TABLE seats (
        participant TEXT PRIMARY KEY,
        room TEXT NOT NULL REFERENCES rooms (room),
        subject TEXT NOT NULL,
        key_hash BLOB NOT NULL UNIQUE,
        name TEXT NOT NULL,
        role TEXT NOT NULL,
        rights TEXT NOT NULL,
        state TEXT NOT NULL,
        joined_at REAL NOT NULL,
        admitted_at REAL,
        declared TEXT NOT NULL,
        muted TEXT NOT NULL,
        device TEXT NOT NULL,
        ice_tag TEXT NOT NULL
    ) STRICT;
    CREATE INDEX seats_by_room ON seats (room, state);
    """,
)


class SchemaTooNew(Exception):
    """The file was written by a newer version of this program."""


async def upgrade(connection: aiosqlite.Connection) -> None:
    """Bring an opened file to the newest version. Raises SchemaTooNew."""
    version = await _version(connection)
    if version > len(STEPS):
        raise SchemaTooNew(f"schema {version}, this program knows {len(STEPS)}")
    for number in range(version + 1, len(STEPS) + 1):
        await connection.executescript(
            f"BEGIN IMMEDIATE; {STEPS[number - 1]} PRAGMA user_version = {number}; COMMIT;"
        )


async def _version(connection: aiosqlite.Connection) -> int:
    async with connection.execute("PRAGMA user_version") as cursor:
        row = await cursor.fetchone()
    assert row is not None
    return int(row[0])
