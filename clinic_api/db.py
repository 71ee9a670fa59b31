"""The database: each unit of work is one synchronous function, run by `read` or `write`.

SQLite (WAL, `synchronous=FULL`) has one writing and one reading connection, each on aiosqlite's own
thread: a whole function is one hop there, because a hop per statement costs 2.6–3.7 ms CPU against
0.6–0.8 (measured). PostgreSQL goes by asyncpg. Only this file knows which. A committed write is on
disk. What a transaction noted for the audit is appended as its last statements; a refused attempt
is appended by itself, after the roll-back; what a read noted is committed before its result is
given away, and if that fails nothing is.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, TypeVar

import aiosqlite
import sqlalchemy as sa
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import StaticPool

from clinic_api.errors import Refused
from clinic_api.transaction import AuditRecord, Keys, Transaction

BUSY_TIMEOUT_MS = 5000  # another process's write takes some ms
AUDIT_GATHER_S = 0.002  # reads that end together are recorded by one write

R = TypeVar("R")
Work = Callable[[Transaction], R]
Append = Callable[[Connection, str, list[AuditRecord]], None]  # connection, organisation, rows


class Engines(Protocol):
    """How a function gets a connection in a transaction."""

    async def write(self, work: Callable[[Connection], R]) -> R: ...
    async def read(self, work: Callable[[Connection], R]) -> R: ...
    async def close(self) -> None: ...


class Database:
    """Use `await Database.open(…)` and `await database.close()`."""

    def __init__(
        self,
        engines: Engines,
        org_id: str,
        keys: Keys,
        append: Append,
        clock: Callable[[], float],
        public_url: str = "",
    ) -> None:
        self._engines = engines
        self._org_id = org_id
        self._keys = keys
        self._append = append
        self._clock = clock
        self._public_url = public_url
        self._waiting: list[tuple[AuditRecord, ...]] = []
        self._appending: asyncio.Task[None] | None = None

    @property
    def keys(self) -> Keys:
        return self._keys

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)

    async def write(self, work: Work[R]) -> R:
        """Commit what `work` does, durably, before returning. Raises what `work` raises."""
        done: list[Callable[[], None]] = []

        def run(sql: Connection) -> R:
            tx = self._transaction(sql)
            result = work(tx)
            if tx.audits:
                self._append(sql, self._org_id, tx.audits)
            done[:] = tx.after_commit
            return result

        result = await self._refusing(self._engines.write(run))
        for each in done:
            each()
        return result

    async def read(self, work: Work[R]) -> R:
        """Run `work` on a snapshot. Raises Refused(audit_unavailable) if its audit fails."""
        noted: list[AuditRecord] = []

        def run(sql: Connection) -> R:
            tx = self._transaction(sql)
            result = work(tx)
            noted[:] = tx.audits
            return result

        result = await self._refusing(self._engines.read(run))
        if noted:
            await self._record(noted)
        return result

    async def close(self) -> None:
        if self._appending is not None:
            await asyncio.gather(self._appending, return_exceptions=True)
        await self._engines.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def _transaction(self, sql: Connection) -> Transaction:
        return Transaction(sql, self._org_id, self.now(), self._keys, self._public_url)

    async def _refusing(self, running: Awaitable[R]) -> R:
        """Audit a refused attempt, which its own transaction cannot keep."""
        try:
            return await running
        except Refused as refused:
            if refused.attempt is not None:
                await self._record([_refusal(refused, self.now())])
            raise

    async def _record(self, records: list[AuditRecord]) -> None:
        """Append with others that wait, in one write; returns when it is on disk."""
        self._waiting.append(tuple(records))
        if self._appending is None or self._appending.done():
            self._appending = asyncio.create_task(self._append_waiting())
        try:
            await asyncio.shield(self._appending)
        except (SQLAlchemyError, sqlite3.Error, OSError) as problem:
            raise Refused("audit_unavailable") from problem

    async def _append_waiting(self) -> None:
        await asyncio.sleep(AUDIT_GATHER_S)
        waiting, self._waiting, self._appending = self._waiting, [], None
        records = [record for each in waiting for record in each]
        await self._engines.write(lambda sql: self._append(sql, self._org_id, records))


def _refusal(refused: Refused, now: datetime) -> AuditRecord:
    attempt = refused.attempt
    assert attempt is not None
    return AuditRecord(
        at=now,
        actor_kind=attempt.actor_kind,
        actor_id=attempt.actor_id,
        action=attempt.action,
        outcome="refused",
        object_kind=attempt.object_kind,
        object_id=attempt.object_id,
        client=attempt.client,
        detail={"code": refused.code},
    )


class SqliteEngines:
    """One writing and one reading connection. Made by `open_sqlite`."""

    def __init__(self, writer: aiosqlite.Connection, reader: aiosqlite.Connection) -> None:
        self._writer, self._reader = writer, reader
        self._write_engine = _engine_on(writer)
        self._read_engine = _engine_on(reader)

    async def write(self, work: Callable[[Connection], R]) -> R:
        return await _on_thread(self._writer, self._write_engine, "BEGIN IMMEDIATE", work)

    async def read(self, work: Callable[[Connection], R]) -> R:
        return await _on_thread(self._reader, self._read_engine, "BEGIN", work)

    async def close(self) -> None:
        await self._reader.close()
        await self._writer.close()


async def open_sqlite(path: Path) -> SqliteEngines:
    """Open or create the file. Raises sqlite3.Error."""
    # At DEBUG it writes every statement with its values.
    logging.getLogger("aiosqlite").setLevel(logging.INFO)
    writer = await _connect(path)
    try:
        reader = await _connect(path)
    except BaseException:
        await writer.close()
        raise
    await reader.execute_fetchall("PRAGMA query_only = ON")
    return SqliteEngines(writer, reader)


async def _connect(path: Path) -> aiosqlite.Connection:
    connection = await aiosqlite.connect(path, isolation_level=None)
    for pragma in (
        f"busy_timeout = {BUSY_TIMEOUT_MS}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "secure_delete = ON",
    ):
        await connection.execute_fetchall(f"PRAGMA {pragma}")  # one left open blocks functions
    return connection


def _engine_on(connection: aiosqlite.Connection) -> Engine:
    """SQLAlchemy on aiosqlite's own connection, to be used on its thread only.

    `_conn` and `_execute` are private; `tests/clinic_api/test_db.py` pins what we need of them.
    """
    return sa.create_engine(
        "sqlite://", creator=lambda: connection._conn, poolclass=StaticPool, hide_parameters=True
    )


async def _on_thread(
    connection: aiosqlite.Connection, engine: Engine, begin: str, work: Callable[[Connection], R]
) -> R:
    def run() -> R:
        with engine.connect() as sql:
            sql.exec_driver_sql(begin)
            try:
                result = work(sql)
            except BaseException:
                sql.exec_driver_sql("ROLLBACK")
                raise
            sql.exec_driver_sql("COMMIT")
            return result

    # A caller that is cancelled must not leave a transaction half way: the thread ends it anyway.
    running: Awaitable[R] = connection._execute(run)  # type: ignore[no-untyped-call]
    return await asyncio.shield(running)


class PostgresEngines:
    """A pool of asyncpg connections; writes are READ COMMITTED and hold what they lock."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._reading = engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )

    async def write(self, work: Callable[[Connection], R]) -> R:
        async with self._engine.begin() as connection:
            return await connection.run_sync(work)

    async def read(self, work: Callable[[Connection], R]) -> R:
        async with self._reading.begin() as connection:
            return await connection.run_sync(work)

    async def close(self) -> None:
        await self._engine.dispose()


def open_postgres(url: str) -> PostgresEngines:
    """`url` is postgresql://…, as in the settings; connects on first use."""
    async_url = sa.make_url(url).set(drivername="postgresql+asyncpg")
    return PostgresEngines(create_async_engine(async_url, hide_parameters=True, pool_size=10))


async def open_engines(url: str, path: Path) -> SqliteEngines | PostgresEngines:
    """PostgreSQL where `url` is set, else SQLite in `path`. Raises sqlite3.Error, DBAPIError."""
    return open_postgres(url) if url else await open_sqlite(path)


DatabaseError = (DBAPIError, sqlite3.Error)
