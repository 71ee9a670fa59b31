"""What an import does outside of transactions: it reads the file and goes from part to part.

A file is taken apart in a thread; what there is already is read in parts, and rows are written in
parts, so that nobody else waits for an import.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from clinic_api.actor import Actor
from clinic_api.db import Database, Work
from clinic_api.directory.csv_cells import Context
from clinic_api.directory.csv_columns import Kind, Layout, ReadRow, layout_of
from clinic_api.directory.csv_sheet import Sheet, Unreadable, read_sheet
from clinic_api.directory.import_check import Existing, check, read_rows
from clinic_api.directory.import_model import ApplyImport, CheckImport, Import, OneImport
from clinic_api.directory.importing import (
    KNOWN_AT_ONCE,
    ApplyRows,
    AskKnown,
    KeepImport,
    apply_rows,
    begin,
    keep_import,
    known_people,
    may_check,
    read_import,
    taken_addresses,
)
from clinic_api.directory.likeness import Known
from clinic_api.errors import Refused
from clinic_api.files.disk import disk_of
from clinic_api.files.model import ReceivedFile
from clinic_api.http.route import flow

ROWS_AT_ONCE = 200  # in one transaction
ANSWER_AFTER = timedelta(seconds=20)  # proxies cut requests off after 60 s (nginx)


@flow("import.check")
async def check_import(
    database: Database, actor: Actor, command: CheckImport, file: ReceivedFile
) -> Import:
    """A dry run: what would be wrong, and who may be here already. Nobody's record is written.

    Raises Refused(invalid) for a file that cannot be read as a table.
    """
    context = await database.read(lambda tx: may_check(tx, actor, command))
    sheet, layout = await _read(database, command.kind, file.id, file.size)
    existing = Existing(
        read_from=database.now(),
        records=await _known(database, actor, command.kind),
        addresses=await database.read(lambda tx: taken_addresses(tx, actor, command)),
    )
    report = await asyncio.to_thread(check, sheet, layout, context, existing)
    kept = KeepImport(kind=command.kind, file=file, report=report)
    return await database.write(lambda tx: keep_import(tx, actor, kept))


@flow("import.apply")
async def apply_import(database: Database, actor: Actor, command: ApplyImport) -> Import:
    """Write the rows that are right, as was decided. While the state is `applying`, ask again with
    the same decisions to go on: it goes on behind what is done, after a crash too.

    Raises Refused: not_found, invalid, conflict (somebody else goes on with it).
    """
    begun = await database.read(lambda tx: begin(tx, actor, command))
    until = database.now() + ANSWER_AFTER
    file = begun.file
    sheet, layout = await _read(database, begun.kind, file.id, file.size)
    one = OneImport(command.import_id)
    state = await database.read(lambda tx: read_import(tx, actor, one))
    checked = {line.line: line for line in begun.report.lines}
    decisions = {decision.line: decision for decision in command.decisions}
    while state.done < state.rows:
        part = Sheet(sheet.header, sheet.rows[state.done : state.done + ROWS_AT_ONCE])
        rows = await asyncio.to_thread(_rows, part, layout, begun.context)
        asked = ApplyRows(
            import_id=command.import_id,
            done=state.done,
            rows=rows,
            began_at=begun.report.began_at,
            checked=checked,
            decisions=decisions,
        )
        state = await database.write(_applying(actor, asked))
        if database.now() >= until:
            break
    return state


def _applying(actor: Actor, asked: ApplyRows) -> Work[Import]:
    return lambda tx: apply_rows(tx, actor, asked)


async def _read(database: Database, kind: Kind, file_id: str, size: int) -> tuple[Sheet, Layout]:
    """Raises Refused: invalid, file_damaged."""
    disk = disk_of(database)

    def run() -> tuple[Sheet, Layout]:
        sheet = read_sheet(b"".join(disk.chunks(file_id, size)).decode())
        return sheet, layout_of(sheet, kind)

    try:
        return await asyncio.to_thread(run)
    except Unreadable as why:
        raise Refused("invalid", fields={"file": str(why)}) from None


async def _known(database: Database, actor: Actor, kind: Kind) -> tuple[Known, ...]:
    found: list[Known] = []
    while True:
        asked = AskKnown(kind=kind, after_id=found[-1].record_id if found else "")
        part = await database.read(_knowing(actor, asked))
        found += part
        if len(part) < KNOWN_AT_ONCE:
            return tuple(found)


def _knowing(actor: Actor, asked: AskKnown) -> Work[list[Known]]:
    return lambda tx: known_people(tx, actor, asked)


def _rows(part: Sheet, layout: Layout, context: Context) -> tuple[ReadRow, ...]:
    return tuple(read_rows(part, layout, context))
