"""Asks a server's processes what they hold (the hook that answers is insight/sitecustomize.py)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec

from tests.e2e.server import Server

_HOOKS = Path(__file__).parent / "insight"
_ANSWER_WITHIN_S = 20.0


class Holding(msgspec.Struct, frozen=True):
    """What one process holds."""

    memory_bytes: int
    tasks: dict[str, int]  # name without its number → how many run
    descriptors: dict[str, int]  # kind (socket, pipe, a file's path) → how many are open


def environment(folder: Path) -> dict[str, str]:
    """With this a server answers; `folder` must have a short path (sockets lie there)."""
    return {"PYTHONPATH": str(_HOOKS), "INSIGHT_FOLDER": str(folder)}


async def holding(server: Server, folder: Path, process: str) -> Holding:
    """What the front or the worker holds now."""
    path = folder / f"{server.ready.pids[process]}.sock"
    async with asyncio.timeout(_ANSWER_WITHIN_S):
        reader, writer = await asyncio.open_unix_connection(str(path))
        line = await reader.readline()
        writer.close()
        await writer.wait_closed()
    return msgspec.json.decode(line, type=Holding)
