"""What takes longer than a transaction: printing, and streaming a copy of a record."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from clinic_api.actor import Actor, system
from clinic_api.db import Database
from clinic_api.export.archive import archive
from clinic_api.export.model import Export, OneExport, OneVisit
from clinic_api.export.press import printed
from clinic_api.export.service import read_summary, return_export, take_export
from clinic_api.export.summary import summary
from clinic_api.export.words import zone
from clinic_api.files.model import Streamed
from clinic_api.http.route import flow

PDF, ZIP = "application/pdf", "application/zip"
SERVER = system("export")


@flow("visit.read_summary")
async def print_summary(database: Database, actor: Actor, command: OneVisit) -> Streamed:
    """The summary of a visit that has ended, as PDF. Raises Refused: not_found, illegal_event,
    unavailable."""
    facts = await database.read(lambda tx: read_summary(tx, actor, command))
    made = await printed(summary(facts, database.now()))
    ended_at = facts.visit.ended_at or database.now()
    day = ended_at.astimezone(zone(facts.organisation.time_zone)).date()
    return Streamed(name=f"visit-{day}.pdf", media_type=PDF, parts=_one(made))


@flow("export.download")
async def download_export(database: Database, actor: Actor, command: OneExport) -> Streamed:
    """The copy itself, as a ZIP archive; once it has arrived whole, it is gone. Raises Refused:
    not_found, gone, unavailable."""
    held = await database.write(lambda tx: take_export(tx, actor, command))
    day = database.now().date()
    return Streamed(name=f"record-{day}.zip", media_type=ZIP, parts=_fetched(database, held))


async def _one(data: bytes) -> AsyncGenerator[bytes, None]:
    yield data


async def _fetched(database: Database, held: Export) -> AsyncGenerator[bytes, None]:
    """Given back where it was not taken to the end."""
    whole = False
    try:
        async for data in archive(database, held):
            yield data
        whole = True
    finally:
        if not whole:
            await database.write(lambda tx: return_export(tx, SERVER, OneExport(held.id)))
