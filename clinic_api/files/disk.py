"""The files themselves: sealed, each by the id of its row, two folders deep, for the owner only.

    files/a1/3f/0198…3fa1      the folders: the last digits of the id, which are chance

A file comes in as a draft (its name begins with a dot), is forced to disk with its folder, and gets
its name; only then a row may say that it is there. What is left by a crash in between no row names:
`sweeping.py` removes it.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from clinic_api import key_files
from clinic_api.db import Database
from clinic_api.files import documents_in_zip, media_types
from clinic_api.files.inspecting import Inspector
from clinic_api.files.seeking import SeekingReader
from clinic_api.ids import is_id
from clinic_api.sealed_file import (
    SealedChunks,
    SealedFileError,
    SealedWriter,
    sealed_bytes,
    unsealed_chunks,
)
from clinic_api.transaction import Keys

PLACE = "files"
OWNER_ONLY = 0o700
RESERVE_BYTES = 256 * 1024 * 1024  # that no file may take: the database has to go on writing
_DRAFT = "."


class TooLarge(Exception):
    """More bytes came than are taken."""


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """A file that is on disk whole."""

    media_type: str
    size: int
    sha256: str


class Disk:
    """The folder `files` of the data folder. Everything here blocks: call it in a thread."""

    def __init__(self, folder: Path, keys: Keys) -> None:
        self._folder = folder
        self._keys = keys

    def draft(self, file_id: str, name: str, limit: int) -> Draft:
        """A new file of up to `limit` bytes. Raises OSError; ENOSPC before the disk is full."""
        path = self._path(file_id)
        if shutil.disk_usage(self._folder.parent).free < RESERVE_BYTES + limit:
            raise OSError(errno.ENOSPC, "less room is left than the database may need")
        for folder in (self._folder, path.parent.parent, path.parent):
            if not folder.is_dir():
                folder.mkdir(mode=OWNER_ONLY, parents=True, exist_ok=True)
                key_files.sync_folder(folder.parent)
        return Draft(path, self._keys, name, limit)

    def chunks(self, file_id: str, size: int) -> Iterator[bytes]:
        """The text in parts of up to 64 KiB; the first one shows that the file is there whole.

        Raises SealedFileError for a part that does not open, KeyError for an unknown key, OSError.
        """
        with self._path(file_id).open("rb") as file:
            if os.fstat(file.fileno()).st_size != sealed_bytes(size):
                raise SealedFileError("The file has not the length that it was stored with.")
            yield from unsealed_chunks(file, self._keys.file_key, PLACE, file_id)

    def remove(self, file_id: str) -> None:
        """Also where it is gone already. Raises OSError."""
        self._path(file_id).unlink(missing_ok=True)

    def remove_draft(self, file_id: str) -> None:
        """What a crash left of a file on its way in. Raises OSError."""
        _draft_of(self._path(file_id)).unlink(missing_ok=True)

    def older_than(self, moment_s: float) -> Iterator[tuple[str, bool]]:
        """Ids of files that were last written before, and whether each is but a draft."""
        for path in self._folder.glob("??/??/*"):
            name = path.name.removeprefix(_DRAFT)
            if is_id(name) and _written_at(path) < moment_s:
                yield name, path.name != name

    def _path(self, file_id: str) -> Path:
        if not is_id(file_id):
            raise ValueError("no id of a file")
        return self._folder / file_id[-2:] / file_id[-4:-2] / file_id


class Draft:
    """One file on its way in. `write` and `finish` may run in a thread while `discard` does not."""

    def __init__(self, path: Path, keys: Keys, name: str, limit: int) -> None:
        """Raises OSError."""
        self._path = path
        self._keys = keys
        self._limit = limit
        self._size = 0
        self._digest = hashlib.sha256()
        self._inspector = Inspector(name)
        self._lock = threading.Lock()
        self._given_up = False
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL
        descriptor = os.open(_draft_of(path), flags, key_files.PRIVATE)
        self._file: BinaryIO = os.fdopen(descriptor, "w+b")
        self._writer = SealedWriter(self._file, keys.file_key, keys.current, PLACE, path.name)

    def write(self, data: bytes) -> None:
        """Raises TooLarge, NotAccepted, OSError; discard it then."""
        with self._lock:
            self._refuse_given_up()
            self._size += len(data)
            if self._size > self._limit:
                raise TooLarge
            self._inspector.feed(data)
            self._digest.update(data)
            self._writer.write(data)

    def finish(self) -> Written:
        """Force it to disk under its name. Raises NotAccepted, OSError; discard it then."""
        with self._lock:
            self._refuse_given_up()
            media_type = self._inspector.finish()
            self._writer.finish()
            self._file.flush()
            if media_type == media_types.ZIP:
                media_type = self._type_inside()
            os.fsync(self._file.fileno())
            self._file.close()
            _draft_of(self._path).rename(self._path)
            key_files.sync_folder(self._path.parent)
        return Written(media_type=media_type, size=self._size, sha256=self._digest.hexdigest())

    def discard(self) -> None:
        """Remove it, finished or not; what writes meanwhile ends first. Raises OSError."""
        with self._lock:
            self._given_up = True
            _draft_of(self._path).unlink(missing_ok=True)
            self._path.unlink(missing_ok=True)
            self._close()

    def _close(self) -> None:
        try:
            self._file.close()
        except OSError:  # what was buffered has no room; it is not wanted any more
            return

    def _refuse_given_up(self) -> None:
        if self._given_up:
            raise ValueError("this file was given up")

    def _type_inside(self) -> str:
        self._file.seek(0)
        chunks = SealedChunks(self._file, self._keys.file_key, PLACE, self._path.name)
        return documents_in_zip.media_type_of(SeekingReader(chunks, self._size), self._size)


def disk_of(database: Database) -> Disk:
    """Raises RuntimeError for a database without a folder for files."""
    if database.files is None:
        raise RuntimeError("this database was opened without a folder for files")
    return Disk(database.files, database.keys)


def _draft_of(path: Path) -> Path:
    return path.with_name(_DRAFT + path.name)


def _written_at(path: Path) -> float:
    """Seconds since 1970; never, where it is gone meanwhile."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")
