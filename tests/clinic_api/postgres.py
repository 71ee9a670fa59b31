"""A real PostgreSQL (Debian's package) for the tests, on a Unix socket, gone with the test process.

It refuses to run as root, so root starts it as the user postgres, and whoever is root only in the
tests' namespace (see tests/netns) in one more, where they are not. Databases are made from a
template in some ten milliseconds. `fsync` is off: what survives a crash of the machine is proved on
SQLite's files and left to PostgreSQL itself.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import asyncpg
import msgspec

START_S = 30.0
MEMORY_BYTES = 1 << 30  # several times what a run needs
USER = "postgres"
HASTY = {
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "16MB",
    "autovacuum": "off",
}


class NoPostgres(Exception):
    """There is none here; the message says why."""


class Server(msgspec.Struct, frozen=True):
    """A running server with databases of its own."""

    folder: Path

    def url(self, name: str) -> str:
        return f"postgresql://{USER}@/{name}?host={self.folder}"

    async def run(self, *statements: str) -> None:
        connection = await asyncpg.connect(host=str(self.folder), user=USER, database=USER)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()


@contextmanager
def running(*, durable: bool = False) -> Iterator[Server]:
    """Start one, stop it at the end; `durable`: on disk, as it ships. Raises NoPostgres."""
    programs = _programs()
    memory = None if durable else _memory()
    folder = Path(tempfile.mkdtemp(prefix="telemed-pg-", dir=memory))
    try:
        _own(folder)
        _initialise(programs, folder)
        process = _start(programs, folder, {} if durable else HASTY)
        try:
            _wait(process, folder)
            yield Server(folder)
        finally:
            process.send_signal(signal.SIGQUIT)  # at once; the files are thrown away
            process.wait(START_S)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not found:
        raise NoPostgres("Debian's package postgresql is missing")
    return found[-1].parent


def _memory() -> Path | None:
    """A file system in memory: a database is made there in a seventh of the time."""
    folder = Path("/dev/shm")
    roomy = os.access(folder, os.W_OK) and shutil.disk_usage(folder).free > MEMORY_BYTES
    return folder if roomy else None


def _own(folder: Path) -> None:
    if _is_true_root():
        try:
            shutil.chown(folder, USER, USER)
        except LookupError:
            raise NoPostgres("there is no user postgres, and it refuses to run as root") from None


def _is_true_root() -> bool:
    """Root, and not only in a user namespace that knows no other user."""
    users = Path("/proc/self/uid_map").read_text().split()
    return os.geteuid() == 0 and users[:2] == ["0", "0"]


def _as_user(*command: str | Path) -> list[str]:
    """The command as somebody who is not root, ended when this process is killed."""
    who: list[str] = []
    if _is_true_root():
        who = ["--reuid", USER, "--regid", USER, "--init-groups"]
    ended = ["setpriv", *who, "--pdeathsig", "QUIT", *map(str, command)]
    if os.geteuid() == 0 and not _is_true_root():
        return ["unshare", "--user", "--map-user=1000", "--map-group=1000", *ended]
    return ended


def _initialise(programs: Path, folder: Path) -> None:
    options = ["--auth=trust", f"--username={USER}", "--encoding=UTF8", "--locale=C", "--no-sync"]
    done = subprocess.run(
        _as_user(programs / "initdb", "-D", folder / "data", *options),
        capture_output=True,
        text=True,
        timeout=START_S,
        check=False,
        cwd="/",
    )
    if done.returncode:
        raise NoPostgres(f"initdb: {done.stderr.strip()}")


def _start(programs: Path, folder: Path, hasty: dict[str, str]) -> subprocess.Popen[bytes]:
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": folder,
        "max_connections": "60",
        **hasty,
    }
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            _as_user(programs / "postgres", "-D", folder / "data", *options),
            stdout=log,
            stderr=log,
            cwd="/",
        )


def _wait(process: subprocess.Popen[bytes], folder: Path) -> None:
    server, deadline = Server(folder), monotonic() + START_S
    while True:
        try:
            asyncio.run(server.run("SELECT 1"))
        except (OSError, asyncpg.PostgresError) as problem:
            if process.poll() is not None or monotonic() > deadline:
                log = (folder / "log").read_text(errors="replace")[-500:]
                raise NoPostgres(f"it does not start: {problem}; {log}") from problem
            asyncio.run(asyncio.sleep(0.02))
        else:
            return
