"""Readiness notices jobs that died, hang or leave mail lying."""

from __future__ import annotations

import os
import time
from pathlib import Path

from clinic_api.actor import system
from clinic_api.db import Database
from clinic_api.outbox import About, OutboxMessage, enqueue
from clinic_api.outbox_sending import lease
from telemed_media.heartbeat import FILE, MAIL_LATE_AFTER, STALE_AFTER_S, beat, beats, mail_leaves
from tests.clinic_api.conftest import Clock

JOBS = system("test")


def test_jobs_that_did_nothing_for_a_minute_are_missing(tmp_path: Path) -> None:
    assert not beats(tmp_path)
    beat(tmp_path)
    assert beats(tmp_path)
    before = time.time() - STALE_AFTER_S - 1
    os.utime(tmp_path / FILE, (before, before))
    assert not beats(tmp_path)
    beat(tmp_path)
    assert beats(tmp_path)


async def test_mail_that_is_due_and_lies_there_is_noticed(
    sqlite_database: Database, clock: Clock
) -> None:
    assert await mail_leaves(sqlite_database)
    message = OutboxMessage(
        kind="account.invitation",
        audience="staff",
        dedupe_key="Dora",
        recipient="dora@example.org",
        about=About(),
    )
    await sqlite_database.write(lambda tx: enqueue(tx, JOBS, message))
    assert await mail_leaves(sqlite_database)
    clock.advance(MAIL_LATE_AFTER.total_seconds())
    assert not await mail_leaves(sqlite_database)
    await sqlite_database.write(lambda tx: lease(tx, JOBS))  # a sender works at it
    assert await mail_leaves(sqlite_database)
