"""The keys: made once, kept apart from the database, rotated without losing a row."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from sqlalchemy import Connection

from clinic_api import key_files
from clinic_api.key_files import KeyringError
from clinic_api.keyring import (
    DATA_KEYS,
    Keyring,
    kek_id,
    load_keyring,
    rotate_data_key,
    rotate_kek,
)
from clinic_api.schema import metadata

NOW = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
PLACE, ROW = "notes.text", "0199-alice"


@pytest.fixture
def sql() -> Iterator[Connection]:
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        metadata.create_all(connection, tables=[DATA_KEYS])
        yield connection
    engine.dispose()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "keys"


def test_what_was_sealed_opens_after_a_restart(sql: Connection, folder: Path) -> None:
    sealed = load_keyring(sql, folder, NOW).seal(PLACE, ROW, b"Alice sleeps badly.")
    assert load_keyring(sql, folder, NOW).unseal(PLACE, ROW, sealed) == b"Alice sleeps badly."


def test_index_and_token_are_the_same_after_a_restart(sql: Connection, folder: Path) -> None:
    first, second = load_keyring(sql, folder, NOW), load_keyring(sql, folder, NOW)
    assert first.index("keys.hash", "x") == second.index("keys.hash", "x")
    assert first.token("join", "alice", "1") == second.token("join", "alice", "1")


def test_another_installation_has_other_keys(sql: Connection, tmp_path: Path) -> None:
    ours = load_keyring(sql, tmp_path / "a", NOW)
    sql.execute(sa.delete(DATA_KEYS))
    theirs = load_keyring(sql, tmp_path / "b", NOW)
    assert ours.token("join", "alice") != theirs.token("join", "alice")
    with pytest.raises(InvalidTag):
        theirs.unseal(PLACE, ROW, ours.seal(PLACE, ROW, b"note"))


def test_a_token_has_160_bits_and_depends_on_purpose_and_every_part(
    sql: Connection, folder: Path
) -> None:
    keys = load_keyring(sql, folder, NOW)
    parts = (("join", "ab", "c"), ("join", "a", "bc"), ("join", "ab"), ("reset", "ab", "c"))
    assert len({keys.token(*each) for each in parts}) == len(parts)
    assert {len(keys.token(*each)) for each in parts} == {27}


def test_an_index_tells_places_apart(sql: Connection, folder: Path) -> None:
    keys = load_keyring(sql, folder, NOW)
    assert keys.index("sessions.token", "x") != keys.index("api_keys.secret", "x")
    assert len(keys.index("sessions.token", "x")) == 32


def test_the_database_holds_no_key_in_the_clear(sql: Connection, folder: Path) -> None:
    keys = load_keyring(sql, folder, NOW)
    secret = keys._secrets[keys.current]
    stored = list(sql.execute(sa.select(DATA_KEYS.c.wrapped)).scalars())
    assert len(stored) == 2
    assert all(secret not in each for each in stored)


def test_key_files_are_for_their_owner_only(sql: Connection, folder: Path) -> None:
    load_keyring(sql, folder, NOW)
    assert [path.name for path in folder.iterdir()] == ["clinic-1.kek"]
    assert (folder / "clinic-1.kek").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_key_that_others_may_read_is_refused(sql: Connection, folder: Path) -> None:
    load_keyring(sql, folder, NOW)
    (folder / "clinic-1.kek").chmod(0o640)
    with pytest.raises(KeyringError, match=r"may be read by others: chmod 600 .*clinic-1\.kek"):
        load_keyring(sql, folder, NOW)


def test_a_lost_key_is_missed_in_words_and_not_made_anew(sql: Connection, folder: Path) -> None:
    load_keyring(sql, folder, NOW)
    lost = kek_id(key_files.load(folder / "clinic-1.kek"))
    (folder / "clinic-1.kek").unlink()
    with pytest.raises(KeyringError, match=rf"sealed with the key {lost}.*there: none"):
        load_keyring(sql, folder, NOW)
    assert list(folder.iterdir()) == []


def test_another_clinics_key_is_told_from_the_right_one(sql: Connection, folder: Path) -> None:
    load_keyring(sql, folder, NOW)
    (folder / "clinic-1.kek").unlink()
    key_files.create(folder / "clinic-1.kek", bytes(32))
    with pytest.raises(KeyringError, match=rf"there: {kek_id(bytes(32))}"):
        load_keyring(sql, folder, NOW)


@pytest.mark.parametrize("content", ["", "no key\n", "00" * 31, "00" * 33, "\xff" * 64])
def test_a_file_that_is_no_key_is_refused(content: str, sql: Connection, folder: Path) -> None:
    load_keyring(sql, folder, NOW)
    (folder / "clinic-1.kek").write_text(content)
    with pytest.raises(KeyringError, match="is no key file"):
        load_keyring(sql, folder, NOW)


@pytest.mark.parametrize("change", [{"wrapped": bytes([1]) + bytes(80)}, {"purpose": "derive"}])
def test_a_damaged_wrapped_key_is_named(
    change: dict[str, object], sql: Connection, folder: Path
) -> None:
    load_keyring(sql, folder, NOW)
    sql.execute(sa.update(DATA_KEYS).where(DATA_KEYS.c.id == 1).values(**change))
    with pytest.raises(KeyringError, match="key 1 in the table data_keys is damaged"):
        load_keyring(sql, folder, NOW)


def test_a_new_data_key_seals_new_rows_while_old_rows_stay_readable(
    sql: Connection, folder: Path
) -> None:
    before = load_keyring(sql, folder, NOW)
    old = before.seal(PLACE, ROW, b"old")
    rotate_data_key(sql, folder, NOW)
    after = load_keyring(sql, folder, NOW)
    new = after.seal(PLACE, ROW, b"new")
    assert after.unseal(PLACE, ROW, old) == b"old"
    assert load_keyring(sql, folder, NOW).unseal(PLACE, ROW, new) == b"new"
    with pytest.raises(KeyError):
        before.unseal(PLACE, ROW, new)


def test_a_new_key_file_wraps_all_keys_anew(sql: Connection, folder: Path) -> None:
    before = load_keyring(sql, folder, NOW)
    rotate_data_key(sql, folder, NOW)
    assert rotate_kek(sql, folder) == folder / "clinic-2.kek"
    (folder / "clinic-1.kek").unlink()  # of no use any more
    after = load_keyring(sql, folder, NOW)
    assert after.unseal(PLACE, ROW, before.seal(PLACE, ROW, b"old")) == b"old"
    assert after.token("join", "alice") == before.token("join", "alice")
    assert set(sql.execute(sa.select(DATA_KEYS.c.kek_id)).scalars()) == {
        kek_id(key_files.load(folder / "clinic-2.kek"))
    }


def test_file_keys_differ_by_salt_and_survive_a_new_data_key(sql: Connection, folder: Path) -> None:
    before: Keyring = load_keyring(sql, folder, NOW)
    rotate_data_key(sql, folder, NOW)
    after = load_keyring(sql, folder, NOW)
    assert after.file_key(1, b"a" * 32) == before.file_key(1, b"a" * 32)
    assert after.file_key(1, b"a" * 32) != after.file_key(1, b"b" * 32)
    assert after.current == 3


def _race(path: Path, results: multiprocessing.SimpleQueue[bytes]) -> None:
    results.put(key_files.load_or_create(path))


def test_processes_that_meet_in_an_empty_folder_get_the_same_key(folder: Path) -> None:
    context = multiprocessing.get_context("fork")
    results: multiprocessing.SimpleQueue[bytes] = context.SimpleQueue()
    running = [
        context.Process(target=_race, args=(folder / "clinic-1.kek", results)) for _ in range(8)
    ]
    for each in running:
        each.start()
    for each in running:
        each.join(20)
    assert len({results.get() for _ in running}) == 1
    assert [path.name for path in folder.iterdir()] == ["clinic-1.kek"]
