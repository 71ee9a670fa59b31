"""Connections to the two databases, and how a function gets one in a transaction.

SQLite (WAL, `synchronous=FULL`) has one writing and one reading connection, each on aiosqlite's own
thread: a whole function is one hop there, because a hop per statement costs 2.6–3.7 ms CPU against
0.6–0.8 (measured), and more readers only take the turn from the writer (DECISIONS). PostgreSQL goes
by asyncpg. Only this file knows which. A committed write is on disk. A function may run twice, when
its first transaction came to nothing: it touches nothing else.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

import aiosqlite
import sqlalchemy as sa
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import StaticPool

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

BUSY_TIMEOUT_MS = 5000  # another process's write takes some ms
POOL_SIZE = 10
POOL_TIMEOUT_S = 10.0
STATEMENT_TIMEOUT_MS = 15_000  # a page of a list takes some ms
LOCK_TIMEOUT_MS = 5000
IDLE_TIMEOUT_MS = 30_000  # in a transaction; its process hangs

_SQLITE_PASSING = {  # primary result codes
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
}
# PostgreSQL's appendix A: serialization_failure, deadlock_detected: run it again.
_POSTGRES_AGAIN = {"40001", "40P01"}
# lock_not_available, query_canceled, admin_shutdown, crash_shutdown, cannot_connect_now,
# too_many_connections, disk_full, idle_in_transaction_session_timeout
_POSTGRES_PASSING = {"55P03", "57014", "57P01", "57P02", "57P03", "53300", "53100", "25P03"}

R = TypeVar("R")


class Engines(Protocol):
    """How a function gets a connection in a transaction."""

    async def write(self, work: Callable[[Connection], R]) -> R: ...
    async def read(self, work: Callable[[Connection], R]) -> R: ...
    async def close(self) -> None: ...


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
    keep_values_out_of_logs()
    writer = await _connect(path)
    try:
        reader = await _connect(path)
    except BaseException:
        await writer.close()
        raise
    await reader.execute_fetchall("PRAGMA query_only = ON")
    return SqliteEngines(writer, reader)


_PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = FULL",
    "foreign_keys = ON",
    "secure_delete = ON",
)


async def _connect(path: Path) -> aiosqlite.Connection:
    connection = await aiosqlite.connect(path, isolation_level=None)
    try:
        for pragma in (f"busy_timeout = {BUSY_TIMEOUT_MS}", *_PRAGMAS):
            await connection.execute_fetchall(f"PRAGMA {pragma}")  # one left open blocks functions
    except BaseException:
        await connection.close()
        raise
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
        with engine.connect() as sql:  # rolls back what is not committed when it is left
            sql.exec_driver_sql(begin)
            result = work(sql)
            sql.exec_driver_sql("COMMIT")
            return result

    running: Awaitable[R] = connection._execute(run)  # type: ignore[no-untyped-call]
    return await running


class PostgresEngines:
    """A pool of asyncpg connections; writes are READ COMMITTED and hold what they lock."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._reading = engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )

    async def write(self, work: Callable[[Connection], R]) -> R:
        return await _twice(self._engine, work)

    async def read(self, work: Callable[[Connection], R]) -> R:
        return await _twice(self._reading, work)

    async def close(self) -> None:
        await self._engine.dispose()


async def _twice(engine: AsyncEngine, work: Callable[[Connection], R]) -> R:
    """Once more where the server was restarted, or undid it for the sake of another transaction.

    Never when the commit itself failed: it may have been carried out.
    """
    committing = False

    def run(sql: Connection) -> R:
        nonlocal committing
        result = work(sql)
        committing = True
        return result

    try:
        async with engine.begin() as connection:
            return await connection.run_sync(run)
    except DBAPIError as problem:
        again = problem.connection_invalidated or _state(problem) in _POSTGRES_AGAIN
        if committing or not again:
            raise
    async with engine.begin() as connection:
        return await connection.run_sync(work)


def open_postgres(url: str) -> PostgresEngines:
    """`url` is postgresql://…, as in the settings; connects on first use."""
    keep_values_out_of_logs()
    from sqlalchemy.ext.asyncio import create_async_engine  # 8 MB that SQLite does not need

    engine = create_async_engine(
        sa.make_url(url).set(drivername="postgresql+asyncpg"),
        hide_parameters=True,
        pool_size=POOL_SIZE,
        pool_timeout=POOL_TIMEOUT_S,
        connect_args={
            "server_settings": {
                "application_name": "telemed",
                "statement_timeout": str(STATEMENT_TIMEOUT_MS),
                "lock_timeout": str(LOCK_TIMEOUT_MS),
                "idle_in_transaction_session_timeout": str(IDLE_TIMEOUT_MS),
                "jit": "off",  # compiling takes longer than our statements
            }
        },
    )
    return PostgresEngines(engine)


async def open_engines(url: str, path: Path) -> SqliteEngines | PostgresEngines:
    """PostgreSQL where `url` is set, else SQLite in `path`. Raises sqlite3.Error, DBAPIError."""
    return open_postgres(url) if url else await open_sqlite(path)


def keep_values_out_of_logs() -> None:
    """At DEBUG one writes every statement's values, the other every row that was read."""
    for name in ("aiosqlite", "sqlalchemy.engine.Engine"):
        logging.getLogger(name).setLevel(logging.WARNING)


def passes(problem: Exception) -> bool:
    """Whether a failure may be over soon, and is no fault of the statement."""
    if not isinstance(problem, DBAPIError):
        return isinstance(problem, OSError | PoolTimeout)  # PostgreSQL is not there; all busy
    if isinstance(problem.orig, sqlite3.Error):
        return getattr(problem.orig, "sqlite_errorcode", 0) & 0xFF in _SQLITE_PASSING
    state = _state(problem)
    return problem.connection_invalidated or state in _POSTGRES_PASSING | _POSTGRES_AGAIN


def is_full(problem: Exception) -> bool:
    """Whether there was no room on the disk, so that nothing was kept."""
    if not isinstance(problem, DBAPIError):
        return False
    if isinstance(problem.orig, sqlite3.Error):
        return getattr(problem.orig, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL
    return _state(problem) == "53100"  # disk_full


def _state(problem: DBAPIError) -> str:
    """PostgreSQL's five characters."""
    return getattr(problem.orig, "sqlstate", None) or ""
