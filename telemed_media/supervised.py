"""One child process that is kept running.

A child that dies is started again: at once the first time, later after growing pauses, from the
beginning once it has run for a while. A child that keeps dying before it was ever ready will not
get better, so the supervisor gives up then.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable

import msgspec
import structlog

from telemed_media.child import Ready

PAUSES_S = (0.0, 0.2, 0.5, 1.0, 2.0, 5.0)
STEADY_AFTER_S = 30.0
HOPELESS_STARTS = 4


class StartError(Exception):
    """A child never became ready; the message or its own log lines say why."""


class Supervised:
    """A child: `start` returns when it is ready, `keep` restarts it until `stop`."""

    def __init__(
        self,
        name: str,
        module: str,
        configuration: Callable[[int], msgspec.Struct],
        inherited: tuple[int, ...] = (),
    ) -> None:
        """`configuration` makes the child's line from the descriptor of its ready pipe."""
        self._name = name
        self._module = module
        self._configuration = configuration
        self._inherited = inherited
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()
        self._refused = ""
        self._log = structlog.get_logger().bind(state=name)
        self.ready: asyncio.Future[Ready] = asyncio.get_running_loop().create_future()

    @property
    def pid(self) -> int:
        """The process id of the running child. Raises RuntimeError between two lives."""
        if self._process is None:
            raise RuntimeError(f"{self._name} does not run")
        return self._process.pid

    async def keep(self) -> None:
        """Run the child again and again until `stop`. Raises StartError when it cannot be."""
        loop = asyncio.get_running_loop()
        deaths = 0
        while not self._stopping.is_set():
            started_at = loop.time()
            exit_code = await self._live_once()
            if self._stopping.is_set():
                return
            if self._refused and not self.ready.done():
                raise StartError(self._refused)
            if loop.time() - started_at > STEADY_AFTER_S:
                deaths = 0
            pause_s = PAUSES_S[min(deaths, len(PAUSES_S) - 1)]
            deaths += 1
            self._log.error("child_died", exit_code=exit_code, delay_s=pause_s, attempt=deaths)
            if deaths >= HOPELESS_STARTS and not self.ready.done():
                raise StartError(f"The {self._name} process does not start; its log says why.")
            await asyncio.sleep(pause_s)

    def retire(self) -> None:
        """From now on the child is not started again, whoever ends it."""
        self._stopping.set()

    async def stop(self, limit_s: float) -> None:
        """Ask the child to stop, and end it after `limit_s`. Idempotent."""
        self.retire()
        if self._process is None or self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), limit_s)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    async def _live_once(self) -> int:
        """Start the child, hear whether it becomes ready, and wait for its end: the exit code."""
        ours, theirs = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                self._module,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                pass_fds=(theirs, *self._inherited),
            )
        finally:
            os.close(theirs)
        self._process = process
        if self._stopping.is_set():  # asked while it was being started
            process.kill()
        await self._converse(process, ours, theirs)
        return await process.wait()

    async def _converse(self, process: asyncio.subprocess.Process, ours: int, theirs: int) -> None:
        assert process.stdin is not None
        process.stdin.write(msgspec.json.encode(self._configuration(theirs)) + b"\n")
        line = await _read_line(ours)
        if not line:
            return
        said = msgspec.json.decode(line, type=Ready)
        self._refused = said.refused
        if said.refused:
            return
        self._log.info("child_ready", pid=process.pid)
        if not self.ready.done():
            self.ready.set_result(said)


async def _read_line(pipe: int) -> bytes:
    """One line from a pipe, which is closed after it; b"" when the other side died before."""
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(pipe, "rb", buffering=0)
    )
    try:
        return await reader.readline()
    finally:
        transport.close()
