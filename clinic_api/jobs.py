"""What the clinic does by itself, again and again: when each job runs, and the loop that runs it.

A job is asked at least every `every_s`; it may ask to be called sooner. One that fails is tried
again after growing pauses and never ends the others. When the loop is stopped, running jobs may
finish what they hold in their hands, for a moment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

import msgspec
import structlog

LONGEST_PAUSE_S = 60.0  # between tries of a job that fails
STOP_PATIENCE_S = 2.0  # the supervisor allows 3 s


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """`run` returns when it wants to run again, None: at its usual pace."""

    name: str  # for logs
    every_s: float
    run: Callable[[], Awaitable[datetime | None]]


def pause_s(every_s: float, now: datetime, wanted_at: datetime | None) -> float:
    """How long a job sleeps that went well."""
    if wanted_at is None:
        return every_s
    return min(every_s, max(0.0, (wanted_at - now).total_seconds()))


def pause_after_failure_s(every_s: float, failures: int) -> float:
    """How long a job sleeps that failed so many times in a row, ≥ 1: from 1 s on, doubled."""
    return max(every_s, min(LONGEST_PAUSE_S, 2.0 ** min(failures - 1, 10)))


async def run_jobs(jobs: tuple[Job, ...], now: Callable[[], datetime], stop: asyncio.Event) -> None:
    """Run all jobs until `stop`."""
    loops = [asyncio.create_task(_repeat(job, now, stop)) for job in jobs]
    try:
        await stop.wait()
        await asyncio.wait(loops, timeout=STOP_PATIENCE_S)
    finally:
        for each in loops:
            each.cancel()
        await asyncio.gather(*loops, return_exceptions=True)


async def _repeat(job: Job, now: Callable[[], datetime], stop: asyncio.Event) -> None:
    failures = 0
    while not stop.is_set():
        try:
            wanted_at = await job.run()
        except Exception as failure:  # noqa: BLE001 - the supervisor of jobs
            failures += 1
            structlog.get_logger().error(
                "job_failed", kind=job.name, attempt=failures, exc_info=failure
            )
            await _sleep(pause_after_failure_s(job.every_s, failures), stop)
        else:
            failures = 0
            await _sleep(pause_s(job.every_s, now(), wanted_at), stop)


async def _sleep(seconds: float, stop: asyncio.Event) -> None:
    """Until then or until `stop`."""
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
