"""Lets files out of quarantine, one after the other, as the virus scanner says.

It fails closed: without a clear answer a file stays where it is, and is tried again. What the
scanner has no answer for (too large for it, say) waits behind the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import islice

import structlog

from clinic_api.actor import Actor
from clinic_api.db import Database
from clinic_api.files.clamd import Clamd, Scan, scan
from clinic_api.files.disk import Disk, disk_of
from clinic_api.files.service import (
    OneFile,
    SettleScan,
    Waiting,
    WaitingFiles,
    put_off_scan,
    settle_scan,
    waiting_for_scan,
)
from clinic_api.sealed_file import SealedFileError

CHUNKS_AT_ONCE = 4  # of 64 KiB

log = structlog.get_logger(__name__)


async def scan_waiting(database: Database, actor: Actor, clamd: Clamd) -> int:
    """How many files got their verdict. Raises NoScanner, Refused."""
    waiting = await database.read(lambda tx: waiting_for_scan(tx, actor, WaitingFiles()))
    return sum([await _scan_one(database, actor, clamd, file) for file in waiting])


async def _scan_one(database: Database, actor: Actor, clamd: Clamd, file: Waiting) -> bool:
    """Whether there is a verdict."""
    disk = disk_of(database)
    said = await _scan(disk, file, clamd)
    if said.verdict == "later":
        log.warning("file_not_scanned", file=file.id, reason=said.finding)
        await database.write(lambda tx: put_off_scan(tx, actor, OneFile(file.id)))
        return False
    command = SettleScan(file_id=file.id, verdict=said.verdict, finding=said.finding)
    if await database.write(lambda tx: settle_scan(tx, actor, command)):
        await asyncio.to_thread(disk.remove, file.id)  # after a crash here, sweeping.py does it
    return True


async def _scan(disk: Disk, file: Waiting, clamd: Clamd) -> Scan:
    try:
        return await scan(clamd, _text(disk, file))
    except (SealedFileError, KeyError, OSError) as problem:
        log.error("file_damaged", file=file.id, exc_info=problem)
        return Scan("later", "it cannot be read")


async def _text(disk: Disk, file: Waiting) -> AsyncIterator[bytes]:
    chunks = disk.chunks(file.id, file.size)
    while data := await asyncio.to_thread(lambda: b"".join(islice(chunks, CHUNKS_AT_ONCE))):
        yield data
