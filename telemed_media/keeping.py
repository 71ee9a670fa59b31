"""Keeping the data: verify the audit, back up, restore, change the keys; for the command line.

Failures are told in words. The server may run meanwhile, but not while keys are changed.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from sqlalchemy.exc import DBAPIError

from clinic_api import keeping
from clinic_api.actor import Actor, system
from clinic_api.audit.checking import check_engines
from clinic_api.audit.verify import Verdict
from clinic_api.backup import BackupError, back_up, default_target, export_keys
from clinic_api.engines import open_engines
from clinic_api.key_files import KeyringError
from clinic_api.migrations import MigrationError
from clinic_api.opening import Place, open_database
from clinic_api.postgres_tools import PostgresToolError
from clinic_api.restore import check_restored, restore
from clinic_api.transaction import Transaction
from telemed_media.clinic import clinic_place
from telemed_media.data_folder import DataFolder, existing, lock

CONSOLE = system("console")
R = TypeVar("R")


class KeepingError(Exception):
    """It cannot be done; the message is for the person who runs the command."""


def verify_audit(folder: DataFolder, database_url: str) -> Verdict:
    """Read the whole audit against its checkpoints. Raises KeepingError."""
    with _in_words():
        return asyncio.run(_verify(_filled(folder, database_url)))


def back_up_folder(folder: DataFolder, database_url: str, target: Path | None) -> Path:
    """Returns where the backup is: `target`, or a name by the time. Raises KeepingError."""
    now = datetime.now(UTC)
    with _in_words():
        place = _filled(folder, database_url)
        chosen = (target or default_target(place, now)).absolute()
        _recorded(place, keeping.make_backup)
        back_up(place, chosen, now)
        return chosen


def export_folder_keys(folder: DataFolder, database_url: str, target: Path) -> None:
    """Write the keys into a file of their own. Raises KeepingError."""
    with _in_words():
        _recorded(_filled(folder, database_url), keeping.export_keys)
        export_keys(folder.keys, target.absolute())


def restore_folder(source: Path, keys_file: Path, root: Path, database_url: str) -> Verdict:
    """Make the folder `root` from a backup and verify its audit. Raises KeepingError."""
    with _in_words():
        restore(source, keys_file, root.absolute(), database_url)
        place = clinic_place(existing(root), database_url)
        verdict = asyncio.run(check_restored(place, datetime.now(UTC)))
        _recorded(place, keeping.restore_backup)
        return verdict


def rotate_folder_keys(folder: DataFolder, database_url: str) -> Path:
    """New keys for what is sealed from now on. Returns the new key file.

    Raises KeepingError, and DataFolderError while a server runs on the folder.
    """
    with _in_words(), lock(folder):
        place = _filled(folder, database_url)
        return _recorded(place, lambda tx, actor: keeping.rotate_keys(tx, actor, place.keys))


def _recorded(place: Place, service: Callable[[Transaction, Actor], R]) -> R:
    async def run() -> R:
        async with await open_database(place) as database:
            return await database.write(lambda tx: service(tx, CONSOLE))

    return asyncio.run(run())


async def _verify(place: Place) -> Verdict:
    engines = await open_engines(place.url, place.path)
    try:
        return await check_engines(engines, place.keys.parent)
    finally:
        await engines.close()


def _filled(folder: DataFolder, database_url: str) -> Place:
    place = clinic_place(folder, database_url)
    if not place.url and not place.path.exists():
        raise KeepingError(f"There is no clinic's database in {folder.root} yet.")
    return place


@contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except (BackupError, KeyringError, MigrationError, PostgresToolError) as problem:
        raise KeepingError(str(problem)) from problem
    except (DBAPIError, sqlite3.Error) as problem:
        raise KeepingError(f"The database cannot be read: {problem}") from problem
    except OSError as problem:
        raise KeepingError(f"{problem.filename or 'The folder'}: {problem.strerror}.") from problem
