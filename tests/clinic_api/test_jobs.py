"""The loop of jobs: when each runs, what a failing one does to the others, how it stops."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from clinic_api.actor import Actor, system
from clinic_api.db import Database
from clinic_api.errors import Refused
from clinic_api.housekeeping import clean
from clinic_api.idempotency import KEPT, claim
from clinic_api.jobs import LONGEST_PAUSE_S, Job, pause_after_failure_s, pause_s, run_jobs
from clinic_api.visits import call_store as calls
from tests.clinic_api.conftest import Clock

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
JOBS = system("jobs")
CHARLIE = Actor(kind="user", id="charlie", roles=frozenset({"patient"}))


def now() -> datetime:
    return NOW


@pytest.mark.parametrize(
    ("in_s", "sleeps_s"), [(None, 60.0), (3600.0, 60.0), (5.0, 5.0), (0.0, 0.0), (-5.0, 0.0)]
)
def test_a_job_sleeps_its_pace_or_until_it_asked_to_be_called(
    in_s: float | None, sleeps_s: float
) -> None:
    wanted_at = None if in_s is None else NOW + timedelta(seconds=in_s)
    assert pause_s(60.0, NOW, wanted_at) == sleeps_s


def test_a_failing_job_sleeps_longer_and_longer_up_to_a_minute() -> None:
    pauses = [pause_after_failure_s(1.0, failures) for failures in range(1, 9)]
    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, LONGEST_PAUSE_S, LONGEST_PAUSE_S]
    assert pause_after_failure_s(600.0, 1) == 600.0


def job(name: str, run: Callable[[], Awaitable[datetime | None]]) -> Job:
    return Job(name=name, every_s=0.001, run=run)


async def test_a_failing_job_ends_neither_itself_nor_the_others() -> None:
    stop, healthy = asyncio.Event(), asyncio.Event()
    failures = []

    async def fails() -> datetime | None:
        failures.append(1)
        if len(failures) == 2:
            healthy.set()
        raise RuntimeError("Alice")

    async def works() -> datetime | None:
        if healthy.is_set():
            stop.set()
        return None

    async with asyncio.timeout(10):
        await run_jobs((job("fails", fails), job("works", works)), now, stop)
    assert len(failures) == 2


async def test_a_job_that_asks_to_be_called_at_once_is() -> None:
    stop, runs = asyncio.Event(), []

    async def run() -> datetime | None:
        runs.append(1)
        if len(runs) == 3:
            stop.set()
        return NOW

    async with asyncio.timeout(5):
        await run_jobs((Job(name="eager", every_s=3600.0, run=run),), now, stop)
    assert len(runs) == 3


async def test_what_a_job_has_in_hand_is_finished_on_stop() -> None:
    stop, done = asyncio.Event(), []

    async def run() -> datetime | None:
        stop.set()
        await asyncio.sleep(0.01)
        done.append(1)
        return None

    await run_jobs((job("busy", run),), now, stop)
    assert done == [1]


async def test_a_job_that_hangs_does_not_hold_the_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clinic_api.jobs.STOP_PATIENCE_S", 0.01)
    stop = asyncio.Event()

    async def run() -> datetime | None:
        stop.set()
        await asyncio.Event().wait()
        return None

    async with asyncio.timeout(5):
        await run_jobs((job("hangs", run),), now, stop)
    assert len(asyncio.all_tasks()) == 1


# housekeeping


async def test_what_is_of_no_use_any_more_is_deleted(database: Database, clock: Clock) -> None:
    await database.write(lambda tx: claim(tx, JOBS, "key", "request"))
    later = clock.now_s + 60.0
    await database.write(lambda tx: calls.use_token(tx, JOBS, tx.new_id(), later))
    assert await database.write(lambda tx: clean(tx, JOBS)) == 0
    clock.advance(KEPT.total_seconds() + 1)
    assert await database.write(lambda tx: clean(tx, JOBS)) == 2
    assert await database.write(lambda tx: clean(tx, JOBS)) == 0
    assert await database.read(lambda tx: tx.all(tx.select(calls.used_call_tokens))) == []


async def test_charlie_deletes_nothing(sqlite_database: Database) -> None:
    with pytest.raises(Refused) as caught:
        await sqlite_database.write(lambda tx: clean(tx, CHARLIE))
    assert caught.value.code == "not_allowed"
