"""What a unit of work promises, on both engines."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiosqlite
import pytest
import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError

import clinic_api.db
from clinic_api import engines
from clinic_api.audit.store import append
from clinic_api.db import Database
from clinic_api.engines import Engines, open_engines, open_sqlite
from clinic_api.errors import Attempt, Refused
from clinic_api.opening import Place, open_database
from clinic_api.transaction import AuditRecord, Transaction
from tests.clinic_api.conftest import Clock
from tests.clinic_api.toys import BOB, add, audited, make_toys, names


@pytest.fixture
async def db(database: Database) -> AsyncIterator[Database]:
    await make_toys(database)
    yield database


@pytest.fixture
async def second(db: Database, place: Place, clock: Clock) -> AsyncIterator[Database]:
    """The same database, as another process has it."""
    async with await open_database(place, clock=clock) as opened:
        yield opened


def add_noted(tx: Transaction, name: str) -> str:
    row_id = add(tx, name)
    tx.note(BOB, "toy", row_id, action="toy.add")
    return row_id


def look(tx: Transaction) -> list[str]:
    tx.note(BOB, "toy", action="toy.look")
    return names(tx)


# writes


async def test_a_function_that_fails_leaves_nothing(db: Database) -> None:
    def fail(tx: Transaction) -> None:
        add_noted(tx, "bear")
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        await db.write(fail)
    assert await db.read(names) == []
    assert await db.read(audited) == []


async def test_a_statement_that_fails_leaves_nothing(db: Database) -> None:
    def twice(tx: Transaction) -> None:
        add(tx, "bear")
        add(tx, "bear")

    with pytest.raises(IntegrityError):
        await db.write(twice)
    assert await db.read(names) == []
    await db.write(lambda tx: add(tx, "wolf"))


async def test_what_a_write_noted_is_committed_with_it(db: Database) -> None:
    await db.write(lambda tx: add_noted(tx, "bear"))
    assert await db.read(audited) == [("bob", "toy.add", "done")]


async def test_hooks_run_after_a_commit_and_only_then(db: Database) -> None:
    called: list[str] = []

    def good(tx: Transaction) -> None:
        tx.after_commit.append(lambda: called.append("good"))
        assert not called

    def bad(tx: Transaction) -> None:
        tx.after_commit.append(lambda: called.append("bad"))
        raise ArithmeticError

    await db.write(good)
    with pytest.raises(ArithmeticError):
        await db.write(bad)
    assert called == ["good"]


async def test_a_cancelled_caller_leaves_a_whole_transaction_and_a_free_connection(
    db: Database, second: Database
) -> None:
    loop, begun, hooks = asyncio.get_running_loop(), asyncio.Event(), []

    def work(tx: Transaction) -> None:
        add_noted(tx, "bear")
        loop.call_soon_threadsafe(begun.set)
        add_noted(tx, "wolf")
        tx.after_commit.append(lambda: hooks.append("done"))

    caller = asyncio.create_task(db.write(work))
    await begun.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    await db.write(lambda tx: add(tx, "fox"))
    await db.close()
    assert await second.read(names) == ["bear", "fox", "wolf"]
    assert len(await second.read(audited)) == 2
    assert hooks == ["done"]


async def test_closing_waits_for_what_was_begun(
    db: Database, second: Database, place: Place, clock: Clock
) -> None:
    callers = [asyncio.create_task(second.read(look)) for _ in range(3)]
    await asyncio.sleep(0)
    for caller in callers:
        caller.cancel()
    await second.close()
    assert len(await db.read(audited)) == 3


async def test_two_processes_write_in_turn(db: Database, second: Database) -> None:
    writes = [
        opened.write(lambda tx, name=f"{number} {opened is db}": add_noted(tx, name))  # type: ignore[misc]
        for number in range(25)
        for opened in (db, second)
    ]
    await asyncio.gather(*writes)
    assert len(await db.read(names)) == len(await second.read(audited)) == 50


# reads


async def test_what_a_read_noted_is_on_disk_before_its_result_leaves(
    db: Database, second: Database
) -> None:
    await db.read(look)
    assert await second.read(audited) == [("bob", "toy.look", "done")]


async def test_a_read_whose_audit_fails_gives_nothing(db: Database, place: Place) -> None:
    def fail(sql: Connection, org_id: str, records: list[AuditRecord]) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    async with await with_append(db, place, fail) as broken:
        with pytest.raises(Refused) as caught:
            await broken.read(look)
        assert await broken.read(names) == []
    assert caught.value.code == "audit_unavailable"


async def test_reads_that_end_together_are_recorded_together(
    db: Database, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clinic_api.db, "AUDIT_GATHER_S", 0.2)
    sizes: list[int] = []

    def count(sql: Connection, org_id: str, records: list[AuditRecord]) -> None:
        append(sql, org_id, records)
        sizes.append(len(records))

    async with await with_append(db, place, count) as counted:
        await asyncio.gather(*(counted.read(look) for _ in range(20)))
    assert sum(sizes) == 20
    assert len(sizes) < 3


async def test_a_read_cannot_write(db: Database) -> None:
    with pytest.raises(DBAPIError):
        await db.read(lambda tx: add(tx, "bear"))
    assert await db.read(names) == []


async def with_append(
    db: Database, place: Place, how: Callable[[Connection, str, list[AuditRecord]], None]
) -> Database:
    """The same database with another way to append to the audit."""
    org_id = await db.read(lambda tx: tx.org_id)
    return Database(await open_engines(place.url, place.path), org_id, db.keys, how, Clock())


# refusals


async def test_a_refused_attempt_is_audited_and_its_transaction_is_not_kept(db: Database) -> None:
    def refuse(tx: Transaction) -> None:
        add_noted(tx, "bear")
        raise Refused("not_found", attempt=Attempt("user", "charlie", "toy.read", "toy", "1"))

    for running in (db.write(refuse), db.write(refuse)):
        with pytest.raises(Refused):
            await running
    assert await db.read(names) == []
    assert await db.read(audited) == [("charlie", "toy.read", "refused")] * 2


async def test_a_refusal_without_an_attempt_is_not_audited(db: Database) -> None:
    def refuse(tx: Transaction) -> None:
        raise Refused("invalid")

    with pytest.raises(Refused):
        await db.read(refuse)
    assert await db.read(audited) == []


# logs


async def test_no_value_is_logged_even_at_debug(
    place: Place, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("aiosqlite", "sqlalchemy", "sqlalchemy.engine.Engine", "asyncio", "alembic"):
        caplog.set_level(logging.DEBUG, name)
    async with await open_database(place, clock=clock) as db:
        await make_toys(db)
        await db.write(lambda tx: add(tx, "CANARY"))
        assert await db.read(names) == ["CANARY"]
        with pytest.raises(IntegrityError) as caught:
            await db.write(lambda tx: add(tx, "CANARY"))
    assert "CANARY" not in caplog.text
    assert "CANARY" not in str(caught.value).partition("DETAIL")[0]


# SQLite


async def test_aiosqlite_still_has_the_private_names_that_we_use(tmp_path: Path) -> None:
    connection = await aiosqlite.connect(tmp_path / "x.sqlite", isolation_level=None)
    try:
        assert isinstance(connection._conn, sqlite3.Connection)
        ran_on = await connection._execute(lambda: connection._conn.execute("SELECT 7").fetchone())  # type: ignore[no-untyped-call]
        assert ran_on == (7,)
        with pytest.raises(ZeroDivisionError):
            await connection._execute(lambda: 1 / 0)  # type: ignore[no-untyped-call]
    finally:
        await connection.close()


async def test_sqlite_is_told_to_keep_what_it_acknowledges(sqlite_database: Database) -> None:
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}

    def told(tx: Transaction) -> dict[str, object]:
        return {name: tx.sql.exec_driver_sql(f"PRAGMA {name}").scalar() for name in wanted}

    assert await sqlite_database.write(told) == wanted


async def test_a_database_locked_for_long_is_said_to_be_unavailable(
    sqlite_place: Place, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "BUSY_TIMEOUT_MS", 10)
    async with await open_database(sqlite_place, clock=clock) as db:
        other = sqlite3.connect(sqlite_place.path, isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(Refused) as caught:
                await db.write(lambda tx: None)
            assert (caught.value.code, caught.value.retry_after_s) == ("unavailable", 1)
        finally:
            other.close()
        await db.write(lambda tx: None)


async def test_a_commit_that_fails_is_undone_and_the_next_one_works(
    sqlite_place: Place, clock: Clock
) -> None:
    def orphan(tx: Transaction) -> None:
        tx.sql.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        tx.sql.exec_driver_sql("INSERT INTO child VALUES (1)")

    async with await open_database(sqlite_place, clock=clock) as db:
        await db.write(
            lambda tx: tx.sql.exec_driver_sql("CREATE TABLE parent (id INTEGER PRIMARY KEY)")
        )
        await db.write(
            lambda tx: tx.sql.exec_driver_sql("CREATE TABLE child (p REFERENCES parent(id))")
        )
        with pytest.raises(IntegrityError):
            await db.write(orphan)
        count = sa.text("SELECT count(*) FROM child")
        assert await db.write(lambda tx: tx.sql.execute(count).scalar()) == 0


async def test_the_files_of_sqlite_are_for_their_owner_only(sqlite_database: Database) -> None:
    file = await sqlite_database.read(
        lambda tx: tx.sql.exec_driver_sql("PRAGMA database_list").all()[0][2]
    )
    await make_toys(sqlite_database)
    beside = list(Path(file).parent.glob("telemed.sqlite*"))
    assert len(beside) == 3
    assert {path.stat().st_mode & 0o777 for path in beside} == {0o600}


async def test_opening_what_is_no_database_leaves_no_thread(tmp_path: Path) -> None:
    (tmp_path / "x.sqlite").write_bytes(b"no database" * 100)
    before = set(threading.enumerate())
    with pytest.raises(sqlite3.DatabaseError):
        await open_sqlite(tmp_path / "x.sqlite")
    for left in set(threading.enumerate()) - before:
        await asyncio.to_thread(left.join, 5.0)
        assert not left.is_alive()


# PostgreSQL


@pytest.fixture
async def pg(postgres_place: Place, clock: Clock) -> AsyncIterator[Database]:
    async with await open_database(postgres_place, clock=clock) as opened:
        yield opened


def cut_others(tx: Transaction) -> None:
    """As when the server is restarted."""
    tx.sql.exec_driver_sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )


@pytest.mark.slow
async def test_lost_connections_are_not_noticed(
    pg: Database, postgres_place: Place, clock: Clock
) -> None:
    await make_toys(pg)
    await asyncio.gather(*(pg.read(names) for _ in range(5)))
    async with await open_database(postgres_place, clock=clock) as operator:
        await operator.write(cut_others)
        assert await pg.read(names) == []
        await operator.write(cut_others)
        await pg.write(lambda tx: add(tx, "bear"))
    assert await pg.read(names) == ["bear"]


@pytest.mark.slow
async def test_a_statement_that_hangs_is_cut_off(pg: Database) -> None:
    def hang(tx: Transaction) -> None:
        tx.sql.exec_driver_sql("SET LOCAL statement_timeout = 20")
        tx.sql.exec_driver_sql("SELECT pg_sleep(10)")

    shown = await pg.read(lambda tx: tx.sql.exec_driver_sql("SHOW statement_timeout").scalar())
    assert shown == f"{engines.STATEMENT_TIMEOUT_MS // 1000}s"
    with pytest.raises(Refused) as caught:
        await pg.write(hang)
    assert caught.value.code == "unavailable"


@pytest.mark.slow
async def test_a_server_that_is_not_there_is_said_to_be_unavailable(
    pg: Database, tmp_path: Path
) -> None:
    nowhere: Engines = engines.open_postgres(f"postgresql://x@/x?host={tmp_path}")
    async with Database(nowhere, "", pg.keys, append, Clock()) as db:
        with pytest.raises(Refused) as caught:
            await db.read(names)
    assert caught.value.code == "unavailable"


@pytest.mark.slow
async def test_of_two_that_lock_each_other_out_both_get_done(pg: Database) -> None:
    await make_toys(pg)
    ids = [await pg.write(lambda tx, n=n: add(tx, n)) for n in ("bear", "wolf")]  # type: ignore[misc]

    def change(tx: Transaction, order: list[str]) -> None:
        for row_id in order:
            tx.sql.exec_driver_sql(f"UPDATE toys SET version = version + 1 WHERE id = '{row_id}'")
            tx.sql.exec_driver_sql("SELECT pg_sleep(0.05)")

    await asyncio.gather(
        pg.write(lambda tx: change(tx, ids)), pg.write(lambda tx: change(tx, ids[::-1]))
    )
    versions = sa.text("SELECT sum(version) FROM toys")
    assert await pg.read(lambda tx: tx.sql.execute(versions).scalar()) == 6
