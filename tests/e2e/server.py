"""The real `telemed-media serve`, started as a person starts it, on a data folder of its own."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import msgspec
import psutil

from clinic_api.actor import Actor, system
from clinic_api.db import Database
from clinic_api.transaction import Transaction
from clinic_api.visits import console
from clinic_api.visits.model import Right
from clinic_api.visits.seats import Seat, link_of
from telemed_media.clinic import open_clinic
from telemed_media.data_folder import DataFolder
from tests.netns.namespace import FIRST_ADDRESS

_COMMAND = Path(sys.executable).parent / "telemed-media"
_READY_WITHIN_S = 20.0
_STOPPED_WITHIN_S = 15.0
TESTS = system("tests")
C = TypeVar("C")
R = TypeVar("R")


class Ready(msgspec.Struct, frozen=True):
    """The line that the server prints."""

    url: str
    udp: tuple[tuple[str, int], ...]
    pids: dict[str, int]  # front, worker, jobs
    room: str = ""
    links: dict[str, str] = {}

    @property
    def port(self) -> int:
        return self.udp[0][1]


class Server:
    """A running server. Made by `start`; `stop` also finds what it left behind."""

    def __init__(
        self, process: asyncio.subprocess.Process, ready: Ready, data: Path, log: Path
    ) -> None:
        self._process = process
        self.ready = ready
        self.data = data
        self.log = log

    async def token(self, room: str, name: str, *flags: str) -> str:
        """A join token for this server, made by the command line as an operator would."""
        command = ["token", "--data", str(self.data), "--room", room, "--name", name, *flags]
        process = await asyncio.create_subprocess_exec(
            _COMMAND, *command, stdout=asyncio.subprocess.PIPE
        )
        output, _ = await process.communicate()
        assert process.returncode == 0, command
        return output.decode().split()[-1]

    async def revoke(self, token: str) -> None:
        """Withdraw a token as an operator would."""
        process = await asyncio.create_subprocess_exec(
            *(_COMMAND, "revoke", "--data", str(self.data)), stdin=asyncio.subprocess.PIPE
        )
        await process.communicate(token.encode())
        assert process.returncode == 0

    async def link(self, name: str, *rights: Right, waits: bool = False) -> str:
        """A join link to the demo's room for one more person, for any number of browsers."""
        seat = Seat(role="guest", name=name, rights=rights, waits=waits, binds_device=False)
        command = console.ConsoleSeat(room=self.ready.room, seat=seat)

        def work(tx: Transaction) -> str:
            return link_of(tx, console.seat_in_room(tx, TESTS, command)).path

        async with await self.clinic() as database:
            return self.ready.url + await database.write(work)

    async def clinic(self) -> Database:
        """The clinic's database, which the server has open, too."""
        return await open_clinic(DataFolder(self.data, demo=True), "", self.ready.url)

    async def as_console(self, service: Callable[[Transaction, Actor, C], R], command: C) -> R:
        """What a service gives the server's own console."""
        async with await self.clinic() as database:
            return await database.write(lambda tx: service(tx, TESTS, command))

    async def set_up_link(self) -> str:
        """The one-time link of a clinic that is not set up yet, as the console prints it."""
        process = await asyncio.create_subprocess_exec(
            *(_COMMAND, "set-up-link", "--data", str(self.data)), stdout=asyncio.subprocess.PIPE
        )
        output, _ = await process.communicate()
        assert process.returncode == 0
        return output.decode().strip()

    def processes(self) -> list[psutil.Process]:
        """The supervisor and everything below it."""
        supervisor = psutil.Process(self._process.pid)
        return [supervisor, *supervisor.children(recursive=True)]

    async def stop(self) -> None:
        """End it as a service manager would. Raises AssertionError when something stays behind."""
        if self._process.returncode is not None:
            raise AssertionError(f"the server had ended by itself:\n{self.log.read_text()}")
        family = self.processes()
        self._process.terminate()
        try:
            async with asyncio.timeout(_STOPPED_WITHIN_S):
                code = await self._process.wait()
        except TimeoutError:
            code = None
        left = [process for process in family if process.is_running()]
        for process in left:
            process.kill()
        assert not left, f"still running after stop: {left}\n{self.log.read_text()}"
        assert code == 0, f"exit code {code}\n{self.log.read_text()}"


async def start(
    folder: Path,
    *flags: str,
    host: str = FIRST_ADDRESS,
    demo: bool = True,
    environment: Mapping[str, str] | None = None,
    command: Path = _COMMAND,
) -> Server:
    """Serve on any free port, the demo or an empty clinic; data and log go to `folder`."""
    kind = ["--demo"] if demo else []
    data, log = folder / "data", folder / "server.log"
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            *(str(command), "serve", *kind, "--host", host, "--port", "0", "--data", str(data)),
            *flags,
            env={**os.environ, **(environment or {})},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
        )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(_READY_WITHIN_S):
            line = await process.stdout.readline()
        return Server(process, msgspec.json.decode(line, type=Ready), data, log)
    except (TimeoutError, msgspec.DecodeError):
        process.kill()
        await process.wait()
        raise AssertionError(f"the server did not get ready:\n{log.read_text()}") from None
