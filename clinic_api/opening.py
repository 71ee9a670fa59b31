"""Opening the clinic's database: migrate, see that the organisation's row is there, load the keys.

The front, the jobs and commands each open the same database, at once if need be: whoever comes
first migrates, the others wait for that.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

import clinic_api.visits.booked
import clinic_api.visits.needs  # noqa: F401 - says what they need
from clinic_api.audit.store import append
from clinic_api.db import Database
from clinic_api.engines import Engines, open_postgres, open_sqlite
from clinic_api.keyring import Keyring, load_keyring
from clinic_api.migrations import MigrationError, migrate, migrate_sqlite
from clinic_api.organisation.store import ensure_organisation

FILES = "files"  # in the data folder


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where an installation keeps its data."""

    url: str = ""  # postgresql://…; empty: SQLite in `path`
    path: Path
    keys: Path  # folder of the key files
    backups: Path  # folder for what was there before a migration


async def open_database(
    place: Place,
    *,
    public_url: str = "",
    quarantines: bool = False,
    sends_mail: bool = False,
    clock: Callable[[], float] = time.time,
) -> Database:
    """Open or create; close it with `close`. `quarantines`: there is a virus scanner;
    `sends_mail`: a mail server.

    Raises MigrationError, KeyringError: words for whoever starts the server, also where the
    database cannot be reached; DBAPIError, OSError where something fails midway.
    """
    now = datetime.fromtimestamp(clock(), UTC)
    engines = await _migrated(place, now)
    try:
        org_id, keys = await engines.write(lambda sql: _first_rows(sql, place.keys, now))
    except BaseException:
        await engines.close()
        raise
    files = place.keys.parent / FILES
    return Database(
        engines,
        org_id,
        keys,
        append,
        clock,
        public_url,
        files,
        quarantines=quarantines,
        sends_mail=sends_mail,
    )


async def _migrated(place: Place, now: datetime) -> Engines:
    if not place.url:
        await asyncio.to_thread(migrate_sqlite, place.path, place.backups, now)
        return await open_sqlite(place.path)
    engines = open_postgres(place.url)
    try:
        await _reach(engines, place.url)
        await engines.write(migrate)
    except BaseException:
        await engines.close()
        raise
    return engines


async def _reach(engines: Engines, url: str) -> None:
    import asyncpg  # only where it is used

    try:
        await engines.read(lambda _: None)
    except (SQLAlchemyError, asyncpg.PostgresError, OSError) as problem:
        shown = sa.make_url(url).render_as_string(hide_password=True)
        raise MigrationError(f"The database {shown} cannot be reached: {problem}") from problem


def _first_rows(sql: Connection, keys: Path, now: datetime) -> tuple[str, Keyring]:
    keyring = load_keyring(sql, keys, now)
    return ensure_organisation(sql, now), keyring
