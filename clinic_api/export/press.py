"""Has papers printed, each by a process of its own: setting one takes a second of computing and
more, and the loop that asks carries calls. The text goes through pipes, never through a file.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE
from weakref import WeakKeyDictionary

import msgspec
import structlog

from clinic_api.errors import Refused
from clinic_api.export.paper import Paper

MOST_AT_ONCE = 2  # processes of 75 MB (measured); whoever comes then waits
WAIT_S = 60.0  # for one of these
PRINT_S = 120.0  # for one paper: a million characters take 50 s of computing

log = structlog.get_logger(__name__)
_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


async def printed(paper: Paper) -> bytes:
    """The PDF. Raises Refused(unavailable): many are printed now, or this one cannot be."""
    loop = asyncio.get_running_loop()
    turn = _turns.setdefault(loop, asyncio.Semaphore(MOST_AT_ONCE))
    try:
        async with asyncio.timeout(WAIT_S):
            await turn.acquire()
    except TimeoutError:
        raise Refused("unavailable") from None
    try:
        return await _print(msgspec.json.encode(paper))
    finally:
        turn.release()


async def _print(paper: bytes) -> bytes:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "clinic_api.export.printing", stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    try:
        async with asyncio.timeout(PRINT_S):
            made, said = await process.communicate(paper)
    except TimeoutError:
        log.error("print_failed", problem="TimeoutError")
        raise Refused("unavailable") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        log.error("print_failed", problem=said.decode("ascii", "replace").splitlines()[-1:])
        raise Refused("unavailable")
    return made
