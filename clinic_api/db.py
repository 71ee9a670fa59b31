"""The database: each unit of work is one synchronous function, run by `read` or `write`.

A committed write is on disk. What a transaction noted for the audit is appended as its last
statements; a refused attempt is appended by itself, after the roll-back; what a read noted is
committed before its result is given away, and if that fails nothing is. What has begun ends, its
audit included, although its caller is cancelled.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from clinic_api.engines import Engines, is_full, passes
from clinic_api.errors import Refused
from clinic_api.transaction import AuditRecord, Keys, Transaction

AUDIT_GATHER_S = 0.002  # reads that end together are recorded by one write
RETRY_AFTER_S = 1

log = structlog.get_logger(__name__)
R = TypeVar("R")
Work = Callable[[Transaction], R]
Append = Callable[[Connection, str, list[AuditRecord]], None]  # connection, organisation, rows


class Database:
    """Use `await Database.open(…)` and `await database.close()`."""

    def __init__(
        self,
        engines: Engines,
        org_id: str,
        keys: Keys,
        append: Append,
        clock: Callable[[], float],
        public_url: str = "",
        files: Path | None = None,
        *,
        quarantines: bool = False,
        sends_mail: bool = False,
    ) -> None:
        """`files` is the folder of what people hand in; `quarantines`: a virus scanner decides
        whether it is given out; without `sends_mail` staff hand messages over, and no mail is
        promised."""
        self.files = files
        self.quarantines = quarantines
        self.sends_mail = sends_mail
        self._engines = engines
        self._org_id = org_id
        self._keys = keys
        self._append = append
        self._clock = clock
        self._public_url = public_url
        self._waiting: list[tuple[AuditRecord, ...]] = []
        self._appending: asyncio.Task[None] | None = None  # until it takes what waits
        self._running: set[asyncio.Task[Any]] = set()

    @property
    def keys(self) -> Keys:
        return self._keys

    @property
    def public_url(self) -> str:
        """Scheme, host and port that people open; "" where nothing links to pages."""
        return self._public_url

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)

    async def write(self, work: Work[R]) -> R:
        """Commit what `work` does, durably, before returning. Raises what `work` raises, and
        Refused: unavailable where the database cannot be reached now; storage_full."""
        return await self._to_the_end(self._write(work))

    async def read(self, work: Work[R]) -> R:
        """Run `work` on a snapshot. Raises Refused(audit_unavailable) if its audit fails, else as
        `write` does."""
        return await self._to_the_end(self._read(work))

    async def close(self) -> None:
        """Let what runs end."""
        while self._running:
            await asyncio.wait(self._running)
        await self._engines.close()

    async def _write(self, work: Work[R]) -> R:
        done: list[Callable[[], None]] = []

        def run(sql: Connection) -> R:
            tx = self._transaction(sql)
            result = work(tx)
            if tx.audits:
                self._append(sql, self._org_id, tx.audits)
            done[:] = tx.after_commit
            return result

        result = await self._refusing(self._engines.write(run))
        for each in done:
            each()
        return result

    async def _read(self, work: Work[R]) -> R:
        noted: list[AuditRecord] = []

        def run(sql: Connection) -> R:
            tx = self._transaction(sql)
            result = work(tx)
            noted[:] = tx.audits
            return result

        result = await self._refusing(self._engines.read(run))
        if noted:
            await self._record(noted)
        return result

    def _to_the_end(self, running: Coroutine[Any, Any, R]) -> asyncio.Future[R]:
        """Whoever waits for this may be cancelled; the work is not."""
        return asyncio.shield(self._start(running))

    def _start(self, running: Coroutine[Any, Any, R]) -> asyncio.Task[R]:
        task = asyncio.create_task(running)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def _transaction(self, sql: Connection) -> Transaction:
        return Transaction(
            sql, self._org_id, self.now(), self._keys, self._public_url, self.sends_mail
        )

    async def _refusing(self, running: Awaitable[R]) -> R:
        """Audit a refused attempt, which its own transaction cannot keep."""
        try:
            return await running
        except Refused as refused:
            if refused.attempt is not None:
                await self._record([_refusal(refused, self.now())])
            raise
        except (SQLAlchemyError, OSError) as problem:
            if not passes(problem):
                raise
            log.warning("database_unavailable", exc_info=problem)
            if is_full(problem):
                raise Refused("storage_full") from problem
            raise Refused("unavailable", retry_after_s=RETRY_AFTER_S) from problem

    async def _record(self, records: list[AuditRecord]) -> None:
        """Append with others that wait, in one write; returns when it is on disk."""
        self._waiting.append(tuple(records))
        if self._appending is None or self._appending.done():
            self._appending = self._start(self._append_waiting())
        try:
            await asyncio.shield(self._appending)
        except (SQLAlchemyError, sqlite3.Error, OSError) as problem:
            log.error("audit_unavailable", exc_info=problem)
            raise Refused("audit_unavailable") from problem

    async def _append_waiting(self) -> None:
        await asyncio.sleep(AUDIT_GATHER_S)
        waiting, self._waiting, self._appending = self._waiting, [], None
        records = [record for each in waiting for record in each]
        await self._engines.write(lambda sql: self._append(sql, self._org_id, records))


def _refusal(refused: Refused, now: datetime) -> AuditRecord:
    attempt = refused.attempt
    assert attempt is not None
    return AuditRecord(
        at=now,
        actor_kind=attempt.actor_kind,
        actor_id=attempt.actor_id,
        action=attempt.action,
        outcome="refused",
        object_kind=attempt.object_kind,
        object_id=attempt.object_id,
        client=attempt.client,
        detail={"code": refused.code},
    )
