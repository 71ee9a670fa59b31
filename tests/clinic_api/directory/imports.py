"""How tests bring a file of people in: checked and applied as over HTTP."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from clinic_api.actor import Actor
from clinic_api.directory.csv_columns import Kind
from clinic_api.directory.csv_sheet import as_utf_8
from clinic_api.directory.import_flows import apply_import, check_import
from clinic_api.directory.import_model import (
    ApplyImport,
    CheckImport,
    Decision,
    Import,
    ImportRow,
    ListImportRows,
)
from clinic_api.directory.importing import list_import_rows
from clinic_api.files.disk import disk_of
from clinic_api.files.model import ReceivedFile
from clinic_api.ids import new_id
from tests.clinic_api.visits.cast import Clinic, user_id

ADMIN_ID = user_id(8)


def ada(clinic: Clinic) -> Actor:
    """An admin who has just shown her code."""
    return Actor(
        kind="user",
        id=ADMIN_ID,
        roles=frozenset({"admin"}),
        stepped_up_at=clinic.database.now() - timedelta(seconds=1),
    )


async def checked(clinic: Clinic, data: bytes | str, kind: Kind = "patients") -> Import:
    raw = data.encode() if isinstance(data, str) else data
    file = await asyncio.to_thread(_stored, clinic, as_utf_8(raw))
    return await check_import(clinic.database, ada(clinic), CheckImport(kind=kind), file)


async def applied(clinic: Clinic, one: Import, *decisions: Decision) -> Import:
    command = ApplyImport(import_id=one.id, decisions=decisions)
    return await apply_import(clinic.database, ada(clinic), command)


async def rows_of(clinic: Clinic, one: Import) -> tuple[ImportRow, ...]:
    page = await clinic.see(list_import_rows, ada(clinic), ListImportRows(import_id=one.id))
    return page.items


def _stored(clinic: Clinic, data: bytes) -> ReceivedFile:
    file_id = new_id(clinic.database.now())
    draft = disk_of(clinic.database).draft(file_id, "people.csv", 1 << 23)
    draft.write(data)
    written = draft.finish()
    return ReceivedFile(
        id=file_id,
        name="people.csv",
        media_type=written.media_type,
        size=written.size,
        sha256=written.sha256,
        state="received",
    )
