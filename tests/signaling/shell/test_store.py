"""What was acknowledged is on disk, whatever kills the process."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from signaling.core.records import RoomRecord, SeatRecord, hash_of
from signaling.core.rights import Rights
from signaling.core.room_phases import RoomPhase
from signaling.core.seat_states import SeatState
from signaling.shell import schema
from signaling.shell.schema import SchemaTooNew
from signaling.shell.store import KEPT_AFTER_EXPIRY_S, LinkRecord, Store
from signaling.shell.visit_log import MAX_HISTORY, StoredVisitLog

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
LINK = LinkRecord(hash_of("link"), "visit-1", "s", "Alice", "patient", Rights(), True, 99.5)

WRITER = """
import asyncio, sys
from pathlib import Path
from signaling.core.records import RoomRecord
from signaling.core.room_phases import RoomPhase
from signaling.shell.store import Store
from signaling.shell.visit_log import StoredVisitLog
from tests.signaling.shell.test_store import LINK, SEAT

async def main():
    store = await Store.open(Path(sys.argv[1]))
    await store.open_room("visit-1", 1.0)
    await store.save_seat(SEAT)
    await store.save_room(RoomRecord("visit-1", 1.0, RoomPhase.LOCKED))
    await store.use_token("used", 1e12)
    await store.revoke_token("revoked", 1e12)
    await store.save_link(LINK)
    await StoredVisitLog(store).append_chat("visit-1", "p-alice", "Alice", "k", "ache", 5.0)
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
        assert not await store.use_token("used", 1e12)
        assert await store.is_token_revoked("revoked")
        assert await store.link(hash_of("link")) == LINK
        [entry] = await StoredVisitLog(store).history("visit-1", None)
        assert (entry.text, entry.participant, entry.at) == ("ache", "p-alice", 5.0)


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
    """The command line makes a token while the front reads and writes."""
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


async def test_chat_is_numbered_in_order_and_a_repeated_key_is_one_message(tmp_path: Path) -> None:
    async with await Store.open(tmp_path / "calls.sqlite") as store:
        log = StoredVisitLog(store)
        first = await log.append_chat("visit-1", "p-alice", "Alice", "k1", "one", 1.0)
        second = await log.append_chat("visit-1", "p-bob", "Bob", "k1", "two", 2.0)
        again = await log.append_chat("visit-1", "p-alice", "Alice", "k1", "changed", 3.0)
        await log.append_chat("visit-2", "p-carol", "Carol", "k1", "elsewhere", 3.0)
        assert again == first
        assert await log.history("visit-1", None) == [first, second]
        assert await log.history("visit-1", first.id) == [second]
        assert await log.history("visit-1", "not-an-id") == [first, second]
        assert await log.history("visit-1", "9" * 60) == []
        assert first.id < second.id


async def test_history_is_bounded_to_the_newest(tmp_path: Path) -> None:
    async with await Store.open(tmp_path / "calls.sqlite") as store:
        await store.connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600)"
            " INSERT INTO chat SELECT 'visit-1', i, 'p', 'Alice', 'k' || i, 't' || i, i FROM n"
        )
        history = await StoredVisitLog(store).history("visit-1", None)
        assert len(history) == MAX_HISTORY
        assert history[-1].text == "t600"


async def test_what_expired_long_ago_is_forgotten(tmp_path: Path) -> None:
    async with await Store.open(tmp_path / "calls.sqlite") as store:
        await store.use_token("old", 100.0)
        await store.use_token("young", 200.0)
        assert await store.forget_expired(150.0 + KEPT_AFTER_EXPIRY_S) == 1
        assert not await store.use_token("young", 200.0)


async def test_a_file_of_a_newer_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "calls.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(SchemaTooNew):
        await Store.open(path)


async def test_seats_of_a_file_from_before_devices_are_peoples(tmp_path: Path) -> None:
    path = tmp_path / "calls.sqlite"
    with sqlite3.connect(path) as connection:
        connection.executescript(schema.STEPS[0] + "PRAGMA user_version = 1;")
        connection.execute("INSERT INTO rooms VALUES ('visit-1', 1.0, 'open')")
        connection.execute(
            "INSERT INTO seats VALUES ('p-1', 'visit-1', 'alice', x'00', 'Alice', 'patient',"
            " '{\"publish\":true}', 'admitted', 1.0, 2.0, '[\"camera\"]', '[]')"
        )
    connection.close()
    async with await Store.open(path) as store:
        [seat] = await store.seats("visit-1")
    assert (seat.participant, seat.device, seat.ice_tag) == ("p-1", "", "")
