"""What is sealed is nowhere to be read: not on disk, not in a backup, not in a log."""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from clinic_api.backup import back_up
from clinic_api.data_classes import CLASSES
from clinic_api.db import Database
from clinic_api.opening import Place, open_database
from tests.clinic_api import filling, postgres
from tests.clinic_api.filling import CANARY, Sealed

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Temporary files of this process go where they are searched."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.setenv("SQLITE_TMPDIR", str(temporary))
    return tmp_path


def holding(text: str, *folders: Path) -> list[str]:
    """The files below in which the text stands, in any of three encodings."""
    needles = [text.encode(coding) for coding in ("utf-8", "utf-16-le", "utf-16-be")]
    return [
        path.name for path in _files(*folders) if any(each in path.read_bytes() for each in needles)
    ]


def _files(*folders: Path) -> Iterator[Path]:
    for folder in folders:
        yield from (path for path in folder.rglob("*") if path.is_file())


async def fill_and_back_up(place: Place, folder: Path) -> list[Sealed]:
    """Also reads everything back, so that a cache would show."""
    async with await open_database(place) as database:
        filled = await database.write(filling.fill)
        texts = [await read(database, each) for each in filled]
        assert texts == [filling.canary(each.table, each.column) for each in filled]
        await asyncio.to_thread(back_up, place, folder / "a.telemed-backup", database.now())
        assert holding(CANARY, folder) == []  # the database is open and has its side files
    return filled


async def read(database: Database, where: Sealed) -> str:
    return await database.read(lambda tx: filling.unsealed(tx, where))


async def test_every_sealed_column_of_the_schema_is_filled(sqlite_database: Database) -> None:
    filled = await sqlite_database.write(filling.fill)
    assert {(each.table, each.column) for each in filled} == {
        (table, column)
        for table, columns in CLASSES.items()
        for column, kind in columns.items()
        if kind == "sealed"
    }


async def test_sealed_text_is_in_no_file_of_sqlite(sqlite_place: Place, folder: Path) -> None:
    (seen, *_) = await fill_and_back_up(sqlite_place, folder)
    assert holding(CANARY, folder) == []
    assert "telemed.sqlite" in holding(seen.row_id, folder)  # it is searched where it is


async def test_sealed_text_is_not_in_the_log_of_changes_either(
    sqlite_place: Place, folder: Path
) -> None:
    async with await open_database(sqlite_place) as database:
        (seen, *_) = await database.write(filling.fill)
        assert "telemed.sqlite-wal" in holding(seen.row_id, folder)
        assert holding(CANARY, folder) == []


async def test_sealed_text_is_in_no_file_of_postgres(
    postgres_place: Place, postgres_server: postgres.Server, folder: Path
) -> None:
    (seen, *_) = await fill_and_back_up(postgres_place, folder)
    await postgres_server.run("CHECKPOINT")
    assert holding(CANARY, folder, postgres_server.folder) == []
    assert holding(seen.row_id, postgres_server.folder)


async def test_a_backup_shows_not_even_what_is_clear(place: Place, folder: Path) -> None:
    (seen, *_) = await fill_and_back_up(place, folder)
    assert "a.telemed-backup" not in holding(seen.row_id, folder)
    assert "a.telemed-backup" not in holding("sqlite_master", folder)


async def test_sealed_text_is_in_no_log_even_when_statements_are_logged(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    """Opening turns their log off, because clear values would be in it; this turns it on again."""
    async with await open_database(place) as database:
        for name in ("", "sqlalchemy", "sqlalchemy.engine.Engine", "aiosqlite", "asyncpg"):
            caplog.set_level(logging.DEBUG, logger=name or None)
        filled = await database.write(filling.fill)
        assert [CANARY in await read(database, each) for each in filled] == [True] * len(filled)
    assert "INSERT INTO patients" in caplog.text
    assert CANARY not in caplog.text
