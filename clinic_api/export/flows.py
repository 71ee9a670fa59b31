"""What takes longer than a transaction: printing, and streaming a copy of a record."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from clinic_api.actor import Actor
from clinic_api.db import Database
from clinic_api.export.model import OneVisit
from clinic_api.export.press import printed
from clinic_api.export.service import read_summary
from clinic_api.export.summary import summary
from clinic_api.files.model import Streamed
from clinic_api.http.route import flow

PDF = "application/pdf"


@flow("visit.read_summary")
async def print_summary(database: Database, actor: Actor, command: OneVisit) -> Streamed:
    """The summary of a visit that has ended, as PDF. Raises Refused: not_found, illegal_event,
    unavailable."""
    facts = await database.read(lambda tx: read_summary(tx, actor, command))
    made = await printed(summary(facts, database.now()))
    day = (facts.visit.ended_at or database.now()).date()
    return Streamed(name=f"visit-{day}.pdf", media_type=PDF, parts=_one(made))


async def _one(data: bytes) -> AsyncGenerator[bytes, None]:
    yield data
