"""Databases are brought up to date at opening, on both engines, or refused in words."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from clinic_api import migrations
from clinic_api.audit.store import AUDIT
from clinic_api.engines import open_engines
from clinic_api.key_files import KeyringError
from clinic_api.migrations import FOLDER, HEAD, MigrationError
from clinic_api.opening import Place, open_database
from clinic_api.tables import metadata
from clinic_api.transaction import Transaction
from tests.clinic_api import postgres
from tests.clinic_api.conftest import place_in
from tests.clinic_api.toys import BOB, audited

R = TypeVar("R")
NEXT = """
revision = "test2"
down_revision = {head!r}

import sqlalchemy as sa
from alembic import op

def upgrade():
    with op.batch_alter_table("organisations") as batch:
        batch.add_column(sa.Column("motto", sa.String(40), server_default="", nullable=False))
    {more}
"""


async def on(place: Place, work: Callable[[Connection], R]) -> R:
    """Run `work` on the place's database, without opening it as the server does."""
    engines = await open_engines(place.url, place.path)
    try:
        return await engines.write(work)
    finally:
        await engines.close()


async def opened(place: Place) -> str:
    """The id of its organisation."""
    async with await open_database(place) as database:
        return await database.read(lambda tx: tx.org_id)


@pytest.fixture
def newer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """From now on the program has one more migration, which does `more` at its end."""

    def make(more: str = "pass") -> None:
        folder = tmp_path / "newer"
        head = ScriptDirectory(str(FOLDER)).get_current_head()
        (folder / "versions").mkdir(parents=True)
        (folder / "env.py").write_bytes((FOLDER / "env.py").read_bytes())
        for script in (FOLDER / "versions").glob("v*.py"):
            (folder / "versions" / script.name).write_bytes(script.read_bytes())
        (folder / "versions" / "vtest2.py").write_text(NEXT.format(head=head, more=more))
        monkeypatch.setattr(migrations, "FOLDER", folder)
        monkeypatch.setattr(migrations, "HEAD", "test2")

    return make


async def test_the_migrations_make_what_the_stores_describe(place: Place) -> None:
    def differences(sql: Connection) -> list[object]:
        context = MigrationContext.configure(sql, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))

    assert await on(place, differences) == []


async def test_the_migrations_guard_the_audit(place: Place) -> None:
    async with await open_database(place) as database:

        def note(tx: Transaction) -> None:
            tx.note(BOB, "toy", action="toy.look")

        await database.write(note)
        for change in (sa.delete(AUDIT), sa.update(AUDIT).values(action="x")):

            def tamper(tx: Transaction, change: sa.Delete | sa.Update = change) -> None:
                tx.sql.execute(change)

            with pytest.raises(sa.exc.DBAPIError):
                await database.write(tamper)
        assert await database.read(audited) == [("bob", "toy.look", "done")]


async def test_opening_again_finds_the_same_organisation_and_copies_nothing(place: Place) -> None:
    assert await opened(place) == await opened(place)
    assert list(place.backups.iterdir()) == []


async def test_a_populated_database_is_migrated_with_all_that_is_in_it(
    place: Place, newer: Callable[[str], None]
) -> None:
    before = await opened(place)
    newer("pass")
    assert await opened(place) == before
    motto = sa.text("SELECT motto FROM organisations")
    assert await on(place, lambda sql: sql.execute(motto).scalars().all()) == [""]


async def test_before_sqlite_is_migrated_it_is_copied(
    sqlite_place: Place, newer: Callable[[str], None]
) -> None:
    org_id = await opened(sqlite_place)
    newer("pass")
    await opened(sqlite_place)
    (copy,) = sqlite_place.backups.iterdir()
    assert copy.stat().st_mode & 0o777 == 0o600
    with sqlite3.connect(copy) as connection:
        assert connection.execute("SELECT id FROM organisations").fetchall() == [(org_id,)]
        assert "motto" not in str(connection.execute("SELECT sql FROM sqlite_master").fetchall())
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


async def test_a_migration_that_fails_changes_nothing(
    place: Place, newer: Callable[[str], None]
) -> None:
    newer("op.execute('SELECT nonsense')")
    with pytest.raises(sa.exc.DBAPIError):
        await opened(place)
    columns = await on(place, lambda sql: sa.inspect(sql).get_columns("organisations"))
    assert "motto" not in {column["name"] for column in columns}


async def test_a_migration_that_breaks_references_is_undone(
    sqlite_place: Place, newer: Callable[[str], None]
) -> None:
    newer("op.execute(\"INSERT INTO care_relations VALUES ('1', '2', 1, 0, '', 0, '', '3', '4')\")")
    with pytest.raises(MigrationError, match="care_relations"):
        await opened(sqlite_place)
    count = sa.text("SELECT count(*) FROM care_relations")
    assert await on(sqlite_place, lambda sql: sql.execute(count).scalar()) == 0


async def test_a_database_of_a_newer_version_is_refused_in_words(place: Place) -> None:
    newest = sa.text("UPDATE alembic_version SET version_num = '9999'")
    await on(place, lambda sql: sql.execute(newest).close())
    with pytest.raises(MigrationError, match=r"newer version \(its schema is 9999"):
        await opened(place)


async def test_a_database_without_its_keys_is_refused_in_words(place: Place) -> None:
    for file in place.keys.iterdir():
        file.unlink()
    with pytest.raises(KeyringError):
        await opened(place)


async def test_a_file_that_is_no_database_is_refused_in_words(tmp_path: Path) -> None:
    place = place_in(tmp_path)
    place.path.write_bytes(b"no database" * 100)
    with pytest.raises(MigrationError, match="cannot be used: file is not a database"):
        await opened(place)


async def test_a_server_that_is_not_there_is_named_without_its_password(tmp_path: Path) -> None:
    place = place_in(tmp_path, f"postgresql://clinic:CANARY@/clinic?host={tmp_path}")
    with pytest.raises(MigrationError, match="cannot be reached") as caught:
        await opened(place)
    assert "clinic:***@" in str(caught.value)
    assert "CANARY" not in str(caught.value)


@pytest.mark.slow
async def test_a_database_that_is_not_there_is_named(
    postgres_server: postgres.Server, tmp_path: Path
) -> None:
    with pytest.raises(MigrationError, match='database "nothing" does not exist'):
        await opened(place_in(tmp_path, postgres_server.url("nothing")))


@pytest.mark.slow
async def test_processes_that_start_together_make_one_database(
    tmp_path: Path, postgres_server: postgres.Server
) -> None:
    await postgres_server.run("DROP DATABASE IF EXISTS together", "CREATE DATABASE together")
    for name, url in (("a", ""), ("b", postgres_server.url("together"))):
        place = place_in(tmp_path / name, url)
        assert len(set(await asyncio.gather(*(opened(place) for _ in range(4))))) == 1
    await postgres_server.run("DROP DATABASE together")


def test_a_new_sqlite_is_not_copied(tmp_path: Path) -> None:
    place = place_in(tmp_path)
    migrations.migrate_sqlite(place.path, place.backups, datetime.now(UTC))
    assert list(place.backups.iterdir()) == []
    assert place.path.stat().st_mode & 0o777 == 0o600


def test_every_table_of_every_module_is_known_to_the_migrations() -> None:
    """In a process of its own: here all modules may have been imported already."""
    program = (
        "import importlib, pkgutil, clinic_api, clinic_api.tables as tables\n"
        "known = set(tables.metadata.tables)\n"
        "for found in pkgutil.walk_packages(clinic_api.__path__, 'clinic_api.'):\n"
        "    if not found.name.endswith(('.__main__', '.env')):\n"
        "        importlib.import_module(found.name)\n"
        "assert known == set(tables.metadata.tables), set(tables.metadata.tables) - known\n"
    )
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", program], check=True, cwd=root, timeout=60)


def test_the_program_knows_its_newest_migration_without_loading_alembic() -> None:
    assert ScriptDirectory(str(FOLDER)).get_current_head() == HEAD
    script = "import sys, telemed_media.clinic; print('alembic' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert found.stdout.strip() == b"False"
