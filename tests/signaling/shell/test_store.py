"""What was acknowledged is on disk, whatever kills the process."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from signaling.core.records import RoomRecord, SeatRecord, hash_of
from signaling.core.rights import Rights
from signaling.core.room_phases import RoomPhase
from signaling.core.seat_states import SeatState
from signaling.shell.schema import SchemaTooNew
from signaling.shell.store import Store

SEAT = SeatRecord(
    participant="p-alice",
    room="visit-1",
    subject="subject-alice",
    key_hash=hash_of("seat key"),
    name="Alice",
    role="patient",
    rights=Rights(publish=True, chat=True),
    state=SeatState.ADMITTED,
    joined_at=1000.5,
    admitted_at=1001.5,
    declared=("microphone", "camera"),
    muted=("screen",),
)

WRITER = """
import asyncio, sys
from pathlib import Path
from signaling.core.records import RoomRecord
from signaling.core.room_phases import RoomPhase
from signaling.shell.store import Store
from tests.signaling.shell.test_store import SEAT

async def main():
    store = await Store.open(Path(sys.argv[1]))
    await store.open_room("visit-1", 1.0)
    await store.save_seat(SEAT)
    await store.save_room(RoomRecord("visit-1", 1.0, RoomPhase.LOCKED))
    print("written", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "calls.sqlite"
    writer = subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE)
    with writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"written\n"
        writer.kill()
    async with await Store.open(path) as store:
        assert await store.seats("visit-1") == [SEAT]
        assert await store.room("visit-1") == RoomRecord("visit-1", 1.0, RoomPhase.LOCKED)


async def test_a_commit_waits_for_the_disk(tmp_path: Path) -> None:
    async with await Store.open(tmp_path / "calls.sqlite") as store:
        for pragma, value in (("synchronous", 2), ("journal_mode", "wal"), ("foreign_keys", 1)):
            async with store.connection.execute(f"PRAGMA {pragma}") as cursor:
                row = await cursor.fetchone()
            assert row is not None
            assert row[0] == value


async def test_a_seat_is_found_by_its_key_and_written_over(tmp_path: Path) -> None:
    async with await Store.open(tmp_path / "calls.sqlite") as store:
        await store.open_room("visit-1", 1.0)
        await store.save_seat(SEAT)
        await store.save_seat(SEAT)
        assert await store.seat_by_key(SEAT.key_hash) == SEAT
        assert await store.seat_by_key(hash_of("other")) is None
        assert await store.rooms_with_seats() == ["visit-1"]


async def test_opening_a_known_room_changes_nothing(tmp_path: Path) -> None:
    async with await Store.open(tmp_path / "calls.sqlite") as store:
        await store.open_room("visit-1", 1.0)
        await store.save_room(RoomRecord("visit-1", 1.0, RoomPhase.ENDED))
        await store.open_room("visit-1", 2.0)
        assert await store.room("visit-1") == RoomRecord("visit-1", 1.0, RoomPhase.ENDED)


async def test_reads_and_another_process_do_not_make_a_write_fail(tmp_path: Path) -> None:
    """A backup may hold the file while the front reads and writes."""
    path = tmp_path / "calls.sqlite"
    async with await Store.open(path) as store:
        await store.open_room("visit-1", 1.0)
        other = sqlite3.connect(path, isolation_level=None)

        async def write_after_the_other(number: int) -> None:
            other.execute("UPDATE rooms SET opened_at = ?", (number,))
            await store.open_room(f"visit-{number}", 1.0)

        for number in range(200):
            await asyncio.gather(store.room("visit-1"), write_after_the_other(number))
        other.close()


async def test_rooms_that_ended_long_ago_are_forgotten_with_their_seats(tmp_path: Path) -> None:
    async with await Store.open(tmp_path / "calls.sqlite") as store:
        for room, phase, opened_at in (
            ("visit-1", RoomPhase.ENDED, 1.0),
            ("visit-2", RoomPhase.OPEN, 1.0),
            ("visit-3", RoomPhase.ENDED, 9.0),
        ):
            await store.open_room(room, opened_at)
            await store.save_room(RoomRecord(room, opened_at, phase))
            await store.save_seat(
                msgspec.structs.replace(
                    SEAT, participant=f"p-{room}", room=room, key_hash=hash_of(room)
                )
            )
        assert await store.forget_ended(before=5.0) == 1
        assert await store.seats("visit-1") == []
        assert [len(await store.seats(f"visit-{number}")) for number in (2, 3)] == [1, 1]


def test_hashes_of_secrets_are_sha_256() -> None:
    assert hash_of("abc").hex().startswith("ba7816bf")


async def test_a_file_of_a_newer_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "calls.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(SchemaTooNew):
        await Store.open(path)
