"""How the front knows that the jobs do their work: they touch a file each time that they did some.

The jobs write once a pass that needs the database and no other machine, so that neither a silent
mail server nor a quiet night looks like death. Mail that is due and does not leave is a second
sign, in the outbox itself.
"""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

from clinic_api.actor import system
from clinic_api.db import Database
from clinic_api.errors import Refused
from clinic_api.outbox_sending import next_sending_at

FILE = "jobs.alive"  # in `run`
BEAT_S = 10.0
STALE_AFTER_S = 60.0  # a restarted process beats within 3; a pass on a busy disk takes less than 5
MAIL_LATE_AFTER = timedelta(minutes=10)  # a lease lasts 3; a failed try moves the time on
_WATCH = system("readyz")


def beat(folder: Path) -> None:
    """In the jobs: work was done just now. Raises OSError."""
    (folder / FILE).touch(mode=0o600)


def beats(folder: Path) -> bool:
    """In the front: whether the jobs worked in the last minute."""
    try:
        at = (folder / FILE).stat().st_mtime
    except OSError:
        return False
    return abs(time.time() - at) < STALE_AFTER_S


async def mail_leaves(database: Database) -> bool:
    """Whether nothing that was due long ago still waits for its first or next try."""
    try:
        due_at = await database.read(lambda tx: next_sending_at(tx, _WATCH))
    except Refused:
        return False
    return due_at is None or database.now() - due_at < MAIL_LATE_AFTER
