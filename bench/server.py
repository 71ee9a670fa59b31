"""The real `telemed-media serve` on a private data folder, any free port and loopback."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import psutil

from telemed_media.data_folder import DataFolder
from telemed_media.tokens import TokenRequest, make_token

HOST = "127.0.0.1"
_COMMAND = Path(sys.executable).parent / "telemed-media"
_HOOKS = Path(__file__).parent / "hooks"
_READY_WITHIN_S = 30.0
_STOPPED_WITHIN_S = 20.0
_TOKEN_LIFETIME_S = 600.0


class ServerFailed(Exception):
    """The server did not start or did not stop; with its log."""


class _Ready(msgspec.Struct, frozen=True):
    """The line that the server prints."""

    url: str
    udp: tuple[tuple[str, int], ...]
    pids: dict[str, int]  # front, worker, jobs


class Server(msgspec.Struct, frozen=True):
    """A running server."""

    url: str
    media: tuple[str, int]
    supervisor: int  # process ids
    front: int
    worker: int
    jobs: int
    folder: DataFolder
    database_url: str  # empty: SQLite in the folder

    async def token(self, room: str, can: str) -> str:
        """A join token, past the waiting room, for a person of their own."""
        request = TokenRequest(room, "Bench", can, _TOKEN_LIFETIME_S, device=False, admitted=True)
        return await make_token(self.folder, self.database_url, request)


@asynccontextmanager
async def serve(
    kept_log: Path, room_size: int = 0, database_url: str = ""
) -> AsyncIterator[Server]:
    """Start the server; its log is copied to `kept_log` at the end.

    `room_size` admits more people to a room than the product does. `database_url` is the setting.

    Raises ServerFailed.
    """
    with tempfile.TemporaryDirectory(prefix="telemed-bench-") as name:
        root = Path(name)
        log = root / "server.log"
        process = await _start(root, log, room_size, database_url)
        try:
            ready = await _ready(process, log)
            yield Server(
                url=ready.url,
                media=ready.udp[0],
                supervisor=process.pid,
                front=ready.pids["front"],
                worker=ready.pids["worker"],
                jobs=ready.pids["jobs"],
                folder=DataFolder(root / "data", demo=False),
                database_url=database_url,
            )
        finally:
            await _stop(process)
            shutil.copyfile(log, kept_log)


async def _start(
    root: Path, log: Path, room_size: int, database_url: str
) -> asyncio.subprocess.Process:
    environment = dict(os.environ)
    if database_url:
        environment["TELEMED_DATABASE_URL"] = database_url
    if room_size:
        environment |= {"BENCH_ROOM_SIZE": str(room_size), "PYTHONPATH": str(_HOOKS)}
    with log.open("wb") as errors:
        return await asyncio.create_subprocess_exec(
            *(_COMMAND, "serve", "--host", HOST, "--port", "0", "--data", str(root / "data")),
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
        )


async def _ready(process: asyncio.subprocess.Process, log: Path) -> _Ready:
    assert process.stdout is not None
    try:
        async with asyncio.timeout(_READY_WITHIN_S):
            line = await process.stdout.readline()
        return msgspec.json.decode(line, type=_Ready)
    except (TimeoutError, msgspec.DecodeError):
        raise _failure(log) from None


def _failure(log: Path) -> ServerFailed:
    return ServerFailed(f"the server did not get ready:\n{log.read_text()}")


async def _stop(process: asyncio.subprocess.Process) -> None:
    """End it as a service manager would, then whatever of it is left."""
    family = _family(process.pid)
    if process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(_STOPPED_WITHIN_S):
            await process.wait()
    except TimeoutError:
        pass
    for each in family:
        if each.is_running():
            each.kill()
    await process.wait()


def _family(pid: int) -> list[psutil.Process]:
    try:
        supervisor = psutil.Process(pid)
        return [supervisor, *supervisor.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
