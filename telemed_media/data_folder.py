"""The data folder: everything that an installation keeps, in one place.

    config.toml  tls/  keys/  db/  files/  audit/  backups/  run/  demo

All of it is for the service's own user only. The file `demo` marks a folder whose contents were
made for trying out; the mark is set on the first `--demo` and never goes away, and a folder
that has served without it refuses `--demo`, so that demo links never open real visits. One process
serves a folder at a time: it holds a lock that the system drops when it dies.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from pathlib import Path
from typing import IO

import msgspec

from certs.files import PUBLIC, write_atomically

FOLDERS = ("tls", "keys", "db", "files", "audit", "backups", "run")
OWNER_ONLY = 0o700
URL_FILE = "url"  # in `run`: where the server was reached last, flags included
SOCKET_PATH_LIMIT_BYTES = 100  # sockaddr_un.sun_path has 108, less on other systems


class DataFolderError(Exception):
    """The data folder cannot be used so; the message is for the person who started the server."""


class DataFolder(msgspec.Struct, frozen=True):
    """A prepared data folder; `demo` says whether it carries the mark."""

    root: Path
    demo: bool

    @property
    def tls(self) -> Path:
        return self.root / "tls"

    @property
    def keys(self) -> Path:
        return self.root / "keys"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def backups(self) -> Path:
        return self.root / "backups"

    @property
    def database(self) -> Path:
        """Of call control: rooms and seats, nothing that has to be kept."""
        return self.root / "db" / "calls.sqlite"

    @property
    def clinic_database(self) -> Path:
        """Of the clinic, unless `DATABASE_URL` says where else."""
        return self.root / "db" / "telemed.sqlite"


def prepare(root: Path) -> DataFolder:
    """The folder with all its parts, made where they are missing. Raises DataFolderError."""
    root = root.resolve()
    try:
        for folder in (root, *(root / name for name in FOLDERS)):
            if not folder.is_dir():
                folder.mkdir(mode=OWNER_ONLY, parents=True)
    except OSError as error:
        raise DataFolderError(
            f"The data folder {root} cannot be made: {error.strerror}."
        ) from error
    return DataFolder(root, demo=(root / "demo").exists())


def existing(root: Path) -> DataFolder:
    """The folder of an installation that has served before. Raises DataFolderError."""
    root = root.resolve()
    if not (root / "db").is_dir():
        raise DataFolderError(
            f"{root} is not a data folder: start `telemed-media serve` on it first."
        )
    return DataFolder(root, demo=(root / "demo").exists())


def mark_demo(folder: DataFolder) -> DataFolder:
    """The same folder with the demo mark. Raises DataFolderError where real data may lie."""
    if folder.demo:
        return folder
    if any((folder.root / "db").iterdir()) or any(folder.keys.iterdir()):
        raise DataFolderError(
            f"The data folder {folder.root} has served without --demo. "
            "Use another folder for the demo: --data ./demo"
        )
    write_atomically(folder.root / "demo", b"Made by --demo. Keep no real data here.\n", PUBLIC)
    return msgspec.structs.replace(folder, demo=True)


def lock(folder: DataFolder) -> IO[bytes]:
    """Hold the folder for this process as long as the file stays open. Raises DataFolderError."""
    file = (folder.run / "serve.lock").open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise DataFolderError(f"Another server already runs on {folder.root}.") from error
    return file


def socket_folder(folder: DataFolder, longest_name: str) -> Path:
    """Where Unix sockets go: `run`, or a private temporary folder when its path is too long."""
    if len(os.fsencode(folder.run / longest_name)) <= SOCKET_PATH_LIMIT_BYTES:
        return folder.run
    return Path(tempfile.mkdtemp(prefix="telemed-"))
