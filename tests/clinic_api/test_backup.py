"""Backup and restore: whole, sealed, elsewhere, while others write; or refused in words."""

from __future__ import annotations

import asyncio
import io
import json
import tarfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, cast

import msgspec
import pytest
import sqlalchemy as sa

from clinic_api import key_files
from clinic_api.actor import system
from clinic_api.audit.checkpoints import write_checkpoint
from clinic_api.audit.store import AUDIT
from clinic_api.backup import (
    PLACE,
    BackupError,
    back_up,
    backup_file_key,
    backup_key_id,
    default_target,
    export_keys,
)
from clinic_api.db import Database
from clinic_api.key_files import KeyringError
from clinic_api.opening import Place, open_database
from clinic_api.postgres_tools import PostgresToolError
from clinic_api.restore import check_restored, restore, write_member
from clinic_api.sealed_file import CHUNK_BYTES, SealedReader, SealedWriter, unsealed_chunks
from tests.clinic_api import filling, postgres
from tests.clinic_api.filling import Sealed

pytestmark = pytest.mark.slow

NOW = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
JOBS = system("jobs")


class Made(msgspec.Struct, frozen=True):
    """A clinic with rows, files and a checkpoint, and its backup."""

    place: Place
    backup: Path
    keys: Path
    filled: list[Sealed]


@pytest.fixture
async def made(place: Place, tmp_path: Path) -> AsyncIterator[Made]:
    root = place.keys.parent
    (root / "files" / "ab").mkdir(parents=True)
    (root / "files" / "ab" / "picture").write_bytes(bytes(range(256)) * 1000)
    (root / "files" / "ab" / ".draft").write_bytes(b"half")
    (root / "demo").write_text("Made by --demo.")
    made = Made(place, tmp_path / "clinic.backup", tmp_path / "keys.json", [])
    async with await open_database(place) as database:
        made.filled.extend(await database.write(filling.fill))
        await note(database, 3)
        await write_checkpoint(database, root)
        stop = asyncio.Event()
        writing = asyncio.create_task(keep_writing(database, root, stop))
        await asyncio.to_thread(back_up, place, made.backup, NOW)
        stop.set()
        assert await writing > 0
    export_keys(place.keys, made.keys)
    yield made


async def note(database: Database, count: int) -> None:
    for _ in range(count):
        await database.write(lambda tx: tx.note(JOBS, action="x.y"))


async def keep_writing(database: Database, root: Path, stop: asyncio.Event) -> int:
    """Rows and checkpoints until told to stop; returns how many."""
    count = 0
    while not stop.is_set():
        await note(database, 1)
        await write_checkpoint(database, root)
        count += 1
    return count


@pytest.fixture
async def elsewhere(
    place: Place, tmp_path: Path, request: pytest.FixtureRequest
) -> AsyncIterator[Place]:
    """Where it is restored: a new folder and, for PostgreSQL, an empty database."""
    root = tmp_path / "restored"
    url = ""
    if place.url:
        server = request.getfixturevalue("postgres_server")
        assert isinstance(server, postgres.Server)
        name = f"{sa.make_url(place.url).database}_restored"
        await server.run(f"CREATE DATABASE {name}")
        url = server.url(name)
    yield Place(
        url=url, path=root / "db/telemed.sqlite", keys=root / "keys", backups=root / "backups"
    )
    if place.url:
        await server.run(f"DROP DATABASE {name} WITH (FORCE)")


async def restored(made: Made, elsewhere: Place) -> None:
    root = elsewhere.keys.parent
    await asyncio.to_thread(restore, made.backup, made.keys, root, elsewhere.url)


async def test_a_clinic_comes_back_elsewhere_with_a_whole_audit(
    made: Made, elsewhere: Place
) -> None:
    await restored(made, elsewhere)
    verdict = await check_restored(elsewhere, NOW)
    assert verdict.fault is None
    assert verdict.signed_rows >= 3
    async with await open_database(elsewhere) as database:
        for each in made.filled:
            text = await database.read(lambda tx, where=each: filling.unsealed(tx, where))  # type: ignore[misc]
            assert text == filling.canary(each.table, each.column)


async def test_the_restored_clinic_goes_on_as_the_same(made: Made, elsewhere: Place) -> None:
    await restored(made, elsewhere)
    async with await open_database(made.place) as old, await open_database(elsewhere) as new:
        assert old.keys.token("join", "alice") == new.keys.token("join", "alice")
        await note(new, 2)
        assert await write_checkpoint(new, elsewhere.keys.parent)
    assert (await check_restored(elsewhere, NOW)).fault is None


async def test_triggers_guard_the_restored_audit_too(made: Made, elsewhere: Place) -> None:
    await restored(made, elsewhere)
    async with await open_database(elsewhere) as database:
        with pytest.raises(sa.exc.DBAPIError, match="the audit is only appended to"):
            await database.write(lambda tx: tx.sql.execute(sa.delete(AUDIT)))


async def test_files_and_the_mark_of_a_demo_come_back(made: Made, elsewhere: Place) -> None:
    await restored(made, elsewhere)
    root = elsewhere.keys.parent
    assert (root / "files/ab/picture").read_bytes() == bytes(range(256)) * 1000
    assert not (root / "files/ab/.draft").exists()
    assert (root / "demo").exists()
    for path in (root, *root.rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
async def test_nothing_but_the_backup_is_left_behind(made: Made) -> None:
    assert list(made.place.backups.glob(".*")) == []
    assert sorted(path.name for path in made.backup.parent.glob(".*")) == []
    assert made.backup.stat().st_mode & 0o777 == 0o600
    assert made.keys.stat().st_mode & 0o777 == 0o600


async def test_the_keys_are_not_in_the_backup(made: Made) -> None:
    key = key_files.load(made.place.keys / "backup.key")
    with made.backup.open("rb") as file:
        text = io.BufferedReader(SealedReader(file, backup_file_key(key), PLACE))
        with tarfile.open(mode="r|", fileobj=cast("BinaryIO", text)) as tar:
            names = tar.getnames()
    assert names[:2] == ["manifest.json", "audit/checkpoints.jsonl"]
    assert not [name for name in names if "key" in name]


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
async def test_a_backup_that_was_cut_or_changed_is_refused_and_leaves_nothing(
    made: Made, tmp_path: Path
) -> None:
    content = made.backup.read_bytes()
    changed = bytearray(content)
    changed[len(content) // 2] ^= 1
    for broken in (content[:-1], content[: len(content) // 2], b"", bytes(changed)):
        made.backup.write_bytes(broken)
        with pytest.raises(BackupError, match="cannot be restored"):
            restore(made.backup, made.keys, tmp_path / "new", made.place.url)
    assert not (tmp_path / "new").exists()
    assert list(tmp_path.glob(".new*")) == []


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
async def test_a_backup_that_was_cut_behind_its_last_file_is_refused(
    made: Made, tmp_path: Path
) -> None:
    key = key_files.load(made.place.keys / "backup.key")
    file_key = backup_file_key(key)
    longer = io.BytesIO()
    with made.backup.open("rb") as file:
        writer = SealedWriter(longer, file_key, backup_key_id(key), PLACE)
        writer.write(b"".join(unsealed_chunks(file, file_key, PLACE)) + bytes(4 * CHUNK_BYTES))
        writer.finish()
    made.backup.write_bytes(longer.getvalue()[: -2 * CHUNK_BYTES])
    with pytest.raises(BackupError, match="cannot be restored"):
        restore(made.backup, made.keys, tmp_path / "new", "")


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
async def test_another_clinics_keys_are_refused(made: Made, tmp_path: Path) -> None:
    exported = json.loads(made.keys.read_bytes())
    exported["keys"]["backup.key"] = "00" * 32
    made.keys.write_text(json.dumps(exported))
    with pytest.raises(BackupError, match="made with another backup key"):
        restore(made.backup, made.keys, tmp_path / "new", made.place.url)


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
async def test_the_wrong_data_key_is_found_by_the_check(made: Made, elsewhere: Place) -> None:
    await restored(made, elsewhere)
    (elsewhere.keys / "clinic-1.kek").unlink()
    key_files.create(elsewhere.keys / "clinic-1.kek", bytes(32))
    with pytest.raises(KeyringError, match="sealed with the key"):
        await check_restored(elsewhere, NOW)


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"format": 1, "keys": {}}', '{"format": 1, "keys": {"../x": "1"}}']
)
def test_what_is_no_file_of_keys_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text(content)
    with pytest.raises(BackupError, match="is no file of keys"):
        restore(tmp_path / "backup", tmp_path / "keys.json", tmp_path / "new", "")


def test_nothing_is_restored_over_something(tmp_path: Path) -> None:
    (tmp_path / "something").touch()
    with pytest.raises(BackupError, match="is not empty"):
        restore(tmp_path / "backup", tmp_path / "keys.json", tmp_path, "")


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
async def test_nothing_is_overwritten_by_a_backup(made: Made) -> None:
    with pytest.raises(BackupError, match="is there already"):
        back_up(made.place, made.backup, NOW)
    with pytest.raises(BackupError, match="is there already"):
        export_keys(made.place.keys, made.keys)
    with pytest.raises(BackupError, match="does not exist"):
        back_up(made.place, made.backup.parent / "nowhere" / "x", NOW)


async def test_a_backup_of_the_other_engine_is_refused(made: Made, tmp_path: Path) -> None:
    url = "" if made.place.url else "postgresql://somebody@/nowhere"
    with pytest.raises(BackupError, match=r"set DATABASE_URL|without DATABASE_URL"):
        restore(made.backup, made.keys, tmp_path / "new", url)


@pytest.mark.parametrize("place", ["postgres"], indirect=True)
async def test_a_filled_database_is_not_restored_into(made: Made, tmp_path: Path) -> None:
    with pytest.raises(PostgresToolError, match=r"pg_restore failed: .*already exists"):
        restore(made.backup, made.keys, tmp_path / "new", made.place.url)
    assert not (tmp_path / "new").exists()


async def test_without_its_programs_a_postgres_backup_says_what_is_needed(
    postgres_place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PostgresToolError, match="install the package postgresql-client"):
        back_up(postgres_place, tmp_path / "backup", NOW)
    assert list(tmp_path.glob("*backup*")) == []


async def test_the_file_of_keys_has_those_that_are_used_later(
    sqlite_place: Place, tmp_path: Path
) -> None:
    root = sqlite_place.keys.parent
    export_keys(sqlite_place.keys, tmp_path / "keys.json")
    async with await open_database(sqlite_place) as database:
        await note(database, 1)
        await write_checkpoint(database, root)
        await asyncio.to_thread(back_up, sqlite_place, tmp_path / "backup", NOW)
    new = tmp_path / "new"
    restore(tmp_path / "backup", tmp_path / "keys.json", new, "")
    restored = Place(path=new / "db/telemed.sqlite", keys=new / "keys", backups=new / "backups")
    assert (await check_restored(restored, NOW)).signed_rows == 1


def test_the_default_name_of_a_backup_tells_its_time(tmp_path: Path) -> None:
    place = Place(path=tmp_path / "x", keys=tmp_path / "keys", backups=tmp_path / "backups")
    assert default_target(place, NOW) == tmp_path / "backups/20270301T090000Z.telemed-backup"


@pytest.mark.parametrize("name", ["/etc/telemed", "../outside", "db/../../outside"])
def test_nothing_is_unpacked_outside_of_the_folder(tmp_path: Path, name: str) -> None:
    archive, target = io.BytesIO(), tmp_path / "target"
    with tarfile.open(mode="w", fileobj=archive) as tar:
        tar.addfile(tarfile.TarInfo(name), io.BytesIO())
    archive.seek(0)
    with tarfile.open(mode="r|", fileobj=archive) as tar:
        for member in tar:
            with pytest.raises(BackupError):
                write_member(tar, member, target)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE])
def test_neither_links_nor_devices_are_unpacked(tmp_path: Path, kind: bytes) -> None:
    member = tarfile.TarInfo("db/telemed.sqlite")
    member.type = kind
    with (
        tarfile.open(mode="w", fileobj=io.BytesIO()) as tar,
        pytest.raises(BackupError),
    ):
        write_member(tar, member, tmp_path / "target")
