"""A flame graph of the worker while a scenario runs, recorded by py-spy from outside.

py-spy shares the machine with the run (with `native` it even stops the worker for each sample), so
the figures of a profiled run are not to be quoted.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

_PY_SPY = Path(sys.executable).parent / "py-spy"
_RATE_HZ = 100
_LONGEST_S = 600
_WRITTEN_WITHIN_S = 30.0


class ProfilingFailed(Exception):
    """py-spy did not write a flame graph."""


@asynccontextmanager
async def profiled(pid: int, path: Path, *, native: bool) -> AsyncIterator[None]:
    """Record a process while the context is open, C functions too with `native`.

    Raises ProfilingFailed.
    """
    path.parent.mkdir(exist_ok=True)
    process = await asyncio.create_subprocess_exec(
        *(_PY_SPY, "record", "--pid", str(pid), "--output", str(path)),
        *("--format", "flamegraph", "--rate", str(_RATE_HZ), "--duration", str(_LONGEST_S)),
        *(("--native",) if native else ("--nonblocking",)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield
    finally:
        await _finish(process)


async def _finish(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.send_signal(signal.SIGINT)  # it writes what it has
    try:
        async with asyncio.timeout(_WRITTEN_WITHIN_S):
            _, said = await process.communicate()
    except TimeoutError:
        process.kill()
        raise ProfilingFailed("py-spy did not end") from None
    if process.returncode != 0:
        raise ProfilingFailed(f"py-spy: {said.decode(errors='replace').strip()}")
