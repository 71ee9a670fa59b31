"""Removes files that no row names: a crash, or a connection that died, left them.

The row is committed after the file is on disk, at once; so what is older than an hour and has no
row will never get one. Files of rows whose scan found something go too.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog

from clinic_api.actor import Actor
from clinic_api.db import Database
from clinic_api.files.disk import Disk, disk_of
from clinic_api.files.service import NamedFiles, named_files

KEPT = timedelta(hours=1)
ASKED_AT_ONCE = 500  # ids in one statement


async def sweep(database: Database, actor: Actor) -> int:
    """How many files went. Raises OSError, and Refused where the database is not there."""
    disk, before = disk_of(database), (database.now() - KEPT).timestamp()
    found = await asyncio.to_thread(lambda: list(disk.older_than(before)))
    gone = 0
    for start in range(0, len(found), ASKED_AT_ONCE):
        gone += await _sweep(database, actor, disk, found[start : start + ASKED_AT_ONCE])
    if gone:
        structlog.get_logger().info("files_swept", count=gone)
    return gone


async def _sweep(
    database: Database, actor: Actor, disk: Disk, found: list[tuple[str, bool]]
) -> int:
    asked = NamedFiles(tuple(file_id for file_id, is_draft in found if not is_draft))
    named = await database.read(lambda tx: named_files(tx, actor, asked))

    def remove() -> int:
        gone = 0
        for file_id, is_draft in found:
            if is_draft:
                disk.remove_draft(file_id)
            elif file_id not in named:
                disk.remove(file_id)
            gone += is_draft or file_id not in named
        return gone

    return await asyncio.to_thread(remove)
