"""Migrations: forward only, all of them in one transaction, by Alembic.

One process migrates at a time. SQLite is copied into `backups/` first, while the lock is held, and
its foreign keys are checked before the commit; a database that a newer version has migrated is
refused in words. `python -m clinic_api.migrations TITLE` writes the next migration.
"""

from __future__ import annotations

import os
import sqlite3
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError, OperationalError

from clinic_api.engines import keep_values_out_of_logs
from clinic_api.key_files import sync_folder

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0001"  # the newest migration; Alembic is loaded only where there is something to do
FOLDER = Path(__file__).parent
LOCK = 0x74656C656D696772  # any number, the same in every process
LOCK_TIMEOUT_MS = 60_000  # another process may be migrating
BUSY_PAUSE_S = 0.01
PRIVATE = 0o600


class MigrationError(Exception):
    """The database cannot be used; the message is for whoever runs the server."""


def migrate(sql: Connection) -> None:
    """Bring the database up to date. Raises MigrationError, and then nothing has changed.

    `sql` is in a transaction that may write; on SQLite its foreign keys are off.
    """
    if sql.dialect.name == "postgresql":
        sql.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
    if is_behind(sql):
        from alembic import command

        command.upgrade(configuration(sql), "head")
        _check_references(sql)


def migrate_sqlite(path: Path, backups: Path, now: datetime) -> None:
    """The same for the file in `path`, after a copy into the folder `backups`.

    Raises MigrationError, sqlite3.Error, OSError.
    """
    keep_values_out_of_logs()
    _create_private(path)
    # Alembic makes tables anew to change them, which needs foreign keys off; that is the default.
    engine = sa.create_engine(
        f"sqlite:///{path}",
        hide_parameters=True,
        connect_args={"isolation_level": None, "timeout": LOCK_TIMEOUT_MS / 1000},
    )
    try:
        with engine.connect() as sql:
            _prepare(sql, path)
            sql.exec_driver_sql("BEGIN IMMEDIATE")
            if is_behind(sql) and current(sql):
                _copy(path, backups / f"before-migration-{now:%Y%m%dT%H%M%S%f}.sqlite")
            migrate(sql)
            sql.exec_driver_sql("COMMIT")
    finally:
        engine.dispose()


def configuration(sql: Connection) -> Config:
    """What Alembic's commands need; its environment takes the connection from here."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = sql
    return config


def current(sql: Connection) -> str | None:
    """The revision that the database has; None when it is empty."""
    if not sa.inspect(sql).has_table("alembic_version"):
        return None
    return sql.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()


def is_behind(sql: Connection) -> bool:
    """Whether there is something to migrate. Raises MigrationError for one that is ahead."""
    revision = current(sql)
    if revision == HEAD:
        return False
    if revision is not None and revision not in _known():
        raise MigrationError(
            f"This database was made by a newer version (its schema is {revision}, this program "
            f"knows up to {HEAD}). Start that version, or restore a backup made before it."
        )
    return True


def _known() -> list[str]:
    """Every revision of this program, the newest first."""
    from alembic.script import ScriptDirectory

    return [script.revision for script in ScriptDirectory(str(FOLDER)).walk_revisions()]


def _check_references(sql: Connection) -> None:
    if sql.dialect.name != "sqlite":
        return
    broken = sql.exec_driver_sql("PRAGMA foreign_key_check").all()
    if broken:
        tables = ", ".join(sorted({str(row[0]) for row in broken}))
        raise MigrationError(
            f"{len(broken)} rows refer to rows that are not there (tables: {tables}), so the "
            "database was not migrated. Restore a backup, or ask for help with this message."
        )


def _prepare(sql: Connection, path: Path) -> None:
    try:
        _write_ahead(sql)  # the first to read the file
        sql.exec_driver_sql("PRAGMA synchronous = FULL")
    except DatabaseError as problem:
        raise MigrationError(f"{path} cannot be used: {problem.orig}.") from problem


def _write_ahead(sql: Connection) -> None:
    """SQLite does not wait for its lock here, whatever its timeout is; others may be starting."""
    deadline = time.monotonic() + LOCK_TIMEOUT_MS / 1000
    while True:
        try:
            sql.exec_driver_sql("PRAGMA journal_mode = WAL")
            return
        except OperationalError as problem:
            code = getattr(problem.orig, "sqlite_errorcode", 0) & 0xFF  # the primary one
            if code != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(BUSY_PAUSE_S)


def _create_private(path: Path) -> None:
    """What SQLite makes beside it gets the same mode."""
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, PRIVATE))


def _copy(path: Path, target: Path) -> None:
    """What is committed in `path`, whole and on disk or not there at all."""
    draft = target.with_suffix(".part")
    draft.unlink(missing_ok=True)
    _create_private(draft)
    source, copy = sqlite3.connect(path), sqlite3.connect(draft)
    try:
        source.backup(copy)
    finally:
        copy.close()
        source.close()
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    draft.rename(target)
    sync_folder(target.parent)
