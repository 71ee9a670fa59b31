"""Restoring a backup into an empty data folder, with the keys from their own file.

The archive is unpacked beside the folder and takes its place only when it was read whole and
unchanged to its end. Then the keys have to open the database's, and the audit is verified.
"""

from __future__ import annotations

import io
import os
import secrets
import shutil
import tarfile
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

import msgspec

from clinic_api import key_files, postgres_tools
from clinic_api.audit.checking import check_engines
from clinic_api.audit.verify import Verdict
from clinic_api.backup import (
    FORMAT,
    KEY_FILE,
    MANIFEST,
    PLACE,
    POSTGRES_MEMBER,
    BackupError,
    KeyExport,
    Manifest,
    backup_file_key,
)
from clinic_api.engines import open_engines
from clinic_api.keyring import load_keyring
from clinic_api.opening import Place
from clinic_api.sealed_file import SealedFileError, SealedReader

OWNER_ONLY = 0o700
FOLDERS = ("db", "audit", "files", "backups")


def restore(source: Path, keys_file: Path, root: Path, url: str) -> None:
    """Make the data folder `root`, and fill the database at `url` if the backup is PostgreSQL's.

    Raises BackupError, KeyringError, PostgresToolError, OSError; `root` is as it was then.
    """
    _refuse_filled(root)
    exported = _read_keys(keys_file)
    draft = root.with_name(f".{root.name}.{secrets.token_hex(4)}")
    for folder in (draft, *(draft / name for name in FOLDERS)):
        folder.mkdir(mode=OWNER_ONLY, parents=True)
    try:
        _write_keys(draft / "keys", exported)
        key = key_files.load(draft / "keys" / KEY_FILE)
        try:
            _unpack(source, key, draft)
        except (SealedFileError, tarfile.TarError) as error:
            raise BackupError(f"{source} cannot be restored: {error}") from error
        _fill_database(draft, url)
        draft.rename(root)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    key_files.sync_folder(root.parent)


async def check_restored(place: Place, now: datetime) -> Verdict:
    """Do the keys fit, is the audit whole? Raises KeyringError, DBAPIError, sqlite3.Error."""
    engines = await open_engines(place.url, place.path)
    try:
        await engines.write(lambda sql: load_keyring(sql, place.keys, now))
        return await check_engines(engines, place.keys.parent)
    finally:
        await engines.close()


def _unpack(source: Path, key: bytes, target: Path) -> None:
    """Raises SealedFileError, TarError, BackupError, OSError."""
    with source.open("rb") as file:
        text = io.BufferedReader(SealedReader(file, backup_file_key(key), PLACE))
        with tarfile.open(mode="r|", fileobj=cast("BinaryIO", text)) as tar:
            for member in tar:
                write_member(tar, member, target)
        while text.read(65_536):  # to the end: only then nothing was cut off
            pass
    manifest = msgspec.json.decode((target / MANIFEST).read_bytes(), type=Manifest)
    if manifest.format != FORMAT or not (target / manifest.database).is_file():
        raise BackupError("This backup was made by a newer version of the program.")
    (target / MANIFEST).unlink()


def write_member(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    """One folder or file, for its owner only. Python before 3.11.4 has no extraction filters.

    Raises BackupError for what no backup of ours holds: links, devices, ways out of the folder.
    """
    name = PurePosixPath(member.name)
    if name.is_absolute() or ".." in name.parts or not (member.isfile() or member.isdir()):
        raise BackupError("This is no backup of this program.")
    place = target / name
    folder = place if member.isdir() else place.parent
    folder.mkdir(mode=OWNER_ONLY, parents=True, exist_ok=True)
    content = tar.extractfile(member)
    if content is not None:
        descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, key_files.PRIVATE)
        with os.fdopen(descriptor, "wb") as file:
            shutil.copyfileobj(content, file)


def _fill_database(root: Path, url: str) -> None:
    dumped = root / POSTGRES_MEMBER
    if not dumped.exists():
        if url:
            raise BackupError("This is a backup of SQLite: restore it without DATABASE_URL.")
        return
    if not url:
        raise BackupError("This is a backup of PostgreSQL: set DATABASE_URL to an empty database.")
    postgres_tools.restore(url, dumped)
    dumped.unlink()


def _read_keys(path: Path) -> KeyExport:
    try:
        exported = msgspec.json.decode(path.read_bytes(), type=KeyExport)
    except FileNotFoundError:
        raise BackupError(f"There is no file of keys at {path}.") from None
    except msgspec.DecodeError as error:
        raise BackupError(f"{path} is no file of keys: {error}.") from error
    if any(Path(name).name != name for name in exported.keys) or KEY_FILE not in exported.keys:
        raise BackupError(f"{path} is no file of keys of this program.")
    return exported


def _write_keys(folder: Path, exported: KeyExport) -> None:
    folder.mkdir(mode=OWNER_ONLY)
    for name, text in exported.keys.items():
        (folder / name).touch(mode=key_files.PRIVATE)
        (folder / name).write_text(text)


def _refuse_filled(root: Path) -> None:
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise BackupError(f"{root} is not empty; a backup is restored into a new folder only.")
