"""Verify the whole audit in short reads, so that nobody waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from clinic_api.audit import checkpoints, store
from clinic_api.audit.model import AuditRow
from clinic_api.audit.verify import Verdict, Verifier
from clinic_api.engines import Engines

ROWS_A_READ = 500  # some ms of the database's reading thread

RowsAfter = Callable[[int], Awaitable[list[AuditRow]]]


async def check(rows_after: RowsAfter, root: Path) -> Verdict:
    """Read the chain to its end, against the checkpoints in the data folder `root`.

    Raises KeyringError, and what `rows_after` raises.
    """
    verifier = Verifier(checkpoints.marks(root))
    while not verifier.broken and (rows := await rows_after(verifier.at)):
        await asyncio.to_thread(verifier.feed, rows)
    return verifier.finish()


async def check_engines(engines: Engines, root: Path) -> Verdict:
    """The same on a database that is not served, or by another process."""

    def rows_after(seq: int) -> Awaitable[list[AuditRow]]:
        return engines.read(lambda sql: store.rows_after(sql, seq, ROWS_A_READ))

    return await check(rows_after, root)
