"""A backup: database, files and the audit's checkpoints, as one sealed file.

It is a tar archive in a sealed file (`sealed_file.py`) whose key comes from `keys/backup.key` and
the file's own salt. `keys/` is not in it: who finds a backup alone reads nothing, and who loses the
keys loses the backup. They are written apart (`export_keys`) and belong in another place.

The server may run. Checkpoints are copied first, then the database at one moment, then the files:
so every checkpoint has its row, and every row its file.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
import tarfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, cast

import msgspec

from clinic_api import key_files, postgres_tools
from clinic_api.audit import checkpoints
from clinic_api.keyring import derived
from clinic_api.opening import Place
from clinic_api.sealed_file import FileKey, SealedWriter

FORMAT = 1
PLACE = "backup"
SUFFIX = ".telemed-backup"
KEY_FILE = "backup.key"
MANIFEST = "manifest.json"
SQLITE_MEMBER, POSTGRES_MEMBER = "db/telemed.sqlite", "db/telemed.pgdump"
KEPT = (checkpoints.FILE, "demo")  # small files of the data folder; a mark has to stay a mark


class BackupError(Exception):
    """It cannot be done so; the message is for whoever runs the command."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What the archive begins with."""

    format: int
    made_at: datetime
    database: str  # the member that holds it


class KeyExport(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file of keys: name of each file in `keys/` and its text."""

    format: int
    keys: dict[str, str]


def back_up(place: Place, target: Path, now: datetime) -> None:
    """Write the backup; `target` is there whole or not at all. Raises BackupError, KeyringError,
    sqlite3.Error, OSError."""
    _refuse_existing(target)
    key = key_files.load_or_create(place.keys / KEY_FILE)
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with _private(draft) as file:
            writer = SealedWriter(file, backup_file_key(key), backup_key_id(key), PLACE)
            _archive(place, writer, now)
            writer.finish()
        draft.rename(target)
    finally:
        draft.unlink(missing_ok=True)
    key_files.sync_folder(target.parent)


def default_target(place: Place, now: datetime) -> Path:
    """In the data folder's `backups/`, by the time."""
    return place.backups / f"{now:%Y%m%dT%H%M%SZ}{SUFFIX}"


def export_keys(keys: Path, target: Path) -> None:
    """Write all key files into one, for its owner only; those that came later are made for it.

    Raises BackupError, KeyringError, OSError.
    """
    _refuse_existing(target)
    checkpoints.signing_key(keys.parent)
    key_files.load_or_create(keys / KEY_FILE)
    texts = {path.name: path.read_text() for path in sorted(keys.iterdir()) if _is_key(path)}
    with _private(target) as file:
        exported = msgspec.json.encode(KeyExport(format=FORMAT, keys=texts))
        file.write(msgspec.json.format(exported, indent=1) + b"\n")


def backup_key_id(key: bytes) -> int:
    """By which a backup is known to belong to another key; tells nothing else."""
    return int.from_bytes(derived(key, b"telemed backup key id")[:4], "big")


def backup_file_key(key: bytes) -> FileKey:
    """Raises BackupError for a backup that was made with another key."""

    def file_key(key_id: int, salt: bytes) -> bytes:
        if key_id != backup_key_id(key):
            raise BackupError("This backup was made with another backup key than the one given.")
        return derived(key, b"telemed backup", salt)

    return file_key


def _archive(place: Place, writer: SealedWriter, now: datetime) -> None:
    root = place.keys.parent
    member = POSTGRES_MEMBER if place.url else SQLITE_MEMBER
    manifest = Manifest(format=FORMAT, made_at=now, database=member)
    with _tar(writer) as tar, _aside(place.backups) as draft:
        draft.write_bytes(msgspec.json.encode(manifest))
        tar.add(draft, MANIFEST)
        for name in KEPT:
            if (root / name).exists():
                tar.add(root / name, name)
        if place.url:
            postgres_tools.dump(place.url, draft)
        else:
            copy_sqlite(place.path, draft)
        tar.add(draft, member)
        for path in _files(root / "files"):
            with suppress(FileNotFoundError):  # of a row that is gone since, or of none
                tar.add(path, path.relative_to(root).as_posix(), recursive=False)


def copy_sqlite(source: Path, target: Path) -> None:
    """The database as it is at one moment, while others write. Raises sqlite3.Error."""
    target.unlink(missing_ok=True)
    with (
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as live,
        closing(sqlite3.connect(target)) as copy,
    ):
        live.backup(copy)  # all pages in one step: nobody's write comes in between
    target.chmod(key_files.PRIVATE)


def _files(folder: Path) -> Iterator[Path]:
    """Everything below, folders before what is in them; hidden files are drafts."""
    if not folder.is_dir():
        return
    for path in sorted(folder.rglob("*")):
        if not path.is_symlink() and not path.name.startswith("."):
            yield path


@contextmanager
def _aside(folder: Path) -> Iterator[Path]:
    """A private place for a file that is gone afterwards."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = folder / f".backup-{secrets.token_hex(4)}"
    draft.touch(mode=key_files.PRIVATE)
    try:
        yield draft
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def _tar(writer: SealedWriter) -> Iterator[tarfile.TarFile]:
    with tarfile.open(
        mode="w|", fileobj=cast("BinaryIO", writer), format=tarfile.PAX_FORMAT
    ) as tar:
        yield tar


@contextmanager
def _private(path: Path) -> Iterator[BinaryIO]:
    """A new file for its owner only, on disk when the block ends."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, key_files.PRIVATE)
    with os.fdopen(descriptor, "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def _refuse_existing(target: Path) -> None:
    if target.exists():
        raise BackupError(f"{target} is there already; it is not overwritten.")
    if not target.parent.is_dir():
        raise BackupError(f"The folder {target.parent} does not exist.")


def _is_key(path: Path) -> bool:
    return path.is_file() and not path.name.startswith(".")
