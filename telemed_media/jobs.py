"""The jobs' process: `python -m telemed_media.jobs`, started by the supervisor.

Mail, checkpoints of the audit, what expires and what is deleted: nothing of it on a loop that
carries signalling. It is ready when the database is open, and refuses in words one that cannot be
used; what a job needs beyond that, a mail server say, may be missing for as long as it likes.
"""

from __future__ import annotations

import asyncio
import random
import ssl
import sys
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from clinic_api.actor import system
from clinic_api.audit.checkpoints import CHECKPOINT_S, write_checkpoint
from clinic_api.db import Database
from clinic_api.files.clamd import parse_clamd_url
from clinic_api.files.scanning import scan_waiting
from clinic_api.files.sweeping import sweep
from clinic_api.housekeeping import clean
from clinic_api.jobs import Job, run_jobs
from clinic_api.mail.sender import Sender
from clinic_api.mail.server import parse_smtp_url
from clinic_api.mail.smtp import Smtp
from clinic_api.outbox_sending import next_sending_at
from clinic_api.scheduling.ending import MAX_AT_ONCE, ExpireHolds, expire_holds
from clinic_api.scheduling.rederiving import rederive
from clinic_api.visits.outcomes import decide_outcomes
from clinic_api.visits.service import expire_visits
from telemed_media import logs
from telemed_media.child import Ready, read_configuration, report_ready, run_until_stopped
from telemed_media.clinic import UNUSABLE, open_clinic
from telemed_media.configuration import JobsConfiguration
from telemed_media.data_folder import DataFolder
from telemed_media.heartbeat import BEAT_S, beat

SEND_S = 1.0  # how long a message waits that nobody told us of
EXPIRE_S = 30.0
CLEAN_S = 600.0
REDERIVE_S = 3600.0  # new rules come with a new program only, so the first time does it
SCAN_S = 2.0  # how long a file waits that somebody may want to open at once
SWEEP_S = 3600.0
JOBS = system("jobs")


def main() -> None:
    """Work until the supervisor says stop."""
    logs.configure("jobs", sys.stderr)
    given = read_configuration(JobsConfiguration)

    async def serve(stop: asyncio.Event) -> None:
        folder = DataFolder(Path(given.data), demo=False)
        try:
            opening = await open_clinic(folder, given.database_url, given.public_url)
        except UNUSABLE as why:
            report_ready(given.ready_pipe, Ready(refused=str(why)))
            return
        async with opening as database:
            jobs = _jobs(given, folder, database, stop)
            beat(folder.run)
            report_ready(given.ready_pipe, Ready())
            await run_jobs(jobs, database.now, stop)

    run_until_stopped(serve)


def _jobs(
    given: JobsConfiguration, folder: DataFolder, database: Database, stop: asyncio.Event
) -> tuple[Job, ...]:
    sender = Sender(database, _smtp(given), given.mail_from, random.random, stop)

    async def checkpoint() -> datetime | None:
        await write_checkpoint(database, folder.root)
        return None

    async def expire() -> datetime | None:
        await database.write(lambda tx: expire_visits(tx, JOBS))
        return None

    async def decide() -> datetime | None:
        await database.write(lambda tx: decide_outcomes(tx, JOBS))
        return None

    async def let_go() -> datetime | None:
        many = await database.write(lambda tx: expire_holds(tx, JOBS, ExpireHolds()))
        return database.now() if many == MAX_AT_ONCE else None

    async def set_clocks() -> datetime | None:
        more = await database.write(lambda tx: rederive(tx, JOBS))
        return database.now() if more else None

    async def alive() -> datetime | None:
        await database.read(lambda tx: next_sending_at(tx, JOBS))
        beat(folder.run)
        return None

    async def tidy() -> datetime | None:
        more = await database.write(lambda tx: clean(tx, JOBS))
        return database.now() if more else None

    async def sweep_files() -> datetime | None:
        await sweep(database, JOBS)
        return None

    return (
        Job(name="outbox", every_s=SEND_S, run=sender.run),
        Job(name="audit_checkpoint", every_s=CHECKPOINT_S, run=checkpoint),
        Job(name="expire_visits", every_s=EXPIRE_S, run=expire),
        Job(name="decide_outcomes", every_s=EXPIRE_S, run=decide),
        Job(name="expire_holds", every_s=EXPIRE_S, run=let_go),
        Job(name="rederive_times", every_s=REDERIVE_S, run=set_clocks),
        Job(name="alive", every_s=BEAT_S, run=alive),
        Job(name="clean", every_s=CLEAN_S, run=tidy),
        Job(name="sweep_files", every_s=SWEEP_S, run=sweep_files),
        *_scanning(given, database),
    )


def _scanning(given: JobsConfiguration, database: Database) -> tuple[Job, ...]:
    """Without a scanner there is nothing to wait for."""
    if not given.clamd_url:
        return ()
    clamd = parse_clamd_url(given.clamd_url)

    async def scan() -> datetime | None:
        settled = await scan_waiting(database, JOBS, clamd)
        return database.now() if settled else None

    return (Job(name="scan_files", every_s=SCAN_S, run=scan),)


def _smtp(given: JobsConfiguration) -> Smtp | None:
    if not given.smtp_url:
        return None
    own_name = urlsplit(given.public_url).hostname or "localhost"
    return Smtp(parse_smtp_url(given.smtp_url), own_name, ssl.create_default_context())


if __name__ == "__main__":
    main()
