"""Imports of people: the steps of a check and of an application, each in one transaction.

`import_flows.py` puts them together. Nothing is written of anybody before the application; there,
a row and what became of it are committed together, so that whoever goes on after a crash begins
behind the last row that is done, and no row is done twice.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row

from clinic_api.actor import Actor
from clinic_api.directory import import_store as store
from clinic_api.directory.csv_cells import Context
from clinic_api.directory.csv_columns import Kind, ReadRow
from clinic_api.directory.import_check import keys_of
from clinic_api.directory.import_model import (
    ApplyImport,
    CheckedRow,
    CheckImport,
    Decision,
    Import,
    ImportRow,
    ListImportRows,
    ListImports,
    OneImport,
    Outcome,
    Report,
    Why,
)
from clinic_api.directory.import_writing import add_contacts, create
from clinic_api.directory.likeness import Known, Likeness
from clinic_api.errors import Refused
from clinic_api.files.model import GivenFile, ReceivedFile
from clinic_api.files.service import give, keep
from clinic_api.guarded import Facts, guarded, hidden, permit
from clinic_api.organisation.store import organisation
from clinic_api.paging import Page, cursor_of, position_of
from clinic_api.transaction import Transaction

KNOWN_AT_ONCE = 1000
_LINES_NAMED = 20


class AskKnown(msgspec.Struct, frozen=True, kw_only=True):
    """Who comes behind this id."""

    kind: Kind
    after_id: str


class KeepImport(msgspec.Struct, frozen=True, kw_only=True):
    """What a check found in a file that is on disk."""

    kind: Kind
    file: ReceivedFile
    report: Report


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """What an application needs to go on."""

    kind: Kind
    file: GivenFile
    context: Context
    report: Report


class ApplyRows(msgspec.Struct, frozen=True, kw_only=True):
    """The rows behind the first `done` ones, and what was decided on their lines."""

    import_id: str
    done: int
    rows: tuple[ReadRow, ...]
    began_at: datetime  # of the check
    checked: dict[int, CheckedRow]
    decisions: dict[int, Decision]


@guarded("import.check", only_asks=True)
def may_check(tx: Transaction, actor: Actor, command: CheckImport) -> Context:
    """Before the file is taken, and what its cells are read by."""
    del actor, command
    return _context(tx)


@guarded("import.check", only_asks=True)
def known_people(tx: Transaction, actor: Actor, command: AskKnown) -> list[Known]:
    """KNOWN_AT_ONCE of them."""
    del actor
    return store.known(tx, command.kind, command.after_id, KNOWN_AT_ONCE)


@guarded("import.check", only_asks=True)
def taken_addresses(tx: Transaction, actor: Actor, command: CheckImport) -> frozenset[str]:
    """Of practitioners."""
    del actor
    return store.taken_addresses(tx) if command.kind == "practitioners" else frozenset()


@guarded("import.check")
def keep_import(tx: Transaction, actor: Actor, command: KeepImport) -> Import:
    """Kept for a day, sealed, with its file."""
    keep(tx, actor, "import", command.file)
    import_id = store.insert(tx, actor, command.kind, command.file.id, command.report)
    tx.note(actor, "import", import_id, kind=command.kind, rows=str(command.report.rows))
    return store.import_of(tx, _import(tx, actor, import_id))


@guarded("import.read")
def list_imports(tx: Transaction, actor: Actor, command: ListImports) -> Page[Import]:
    """Those of the last day."""
    found = store.listed(tx, command.cursor, command.limit)
    tx.note(actor, "import", shown=str(len(found.items)))
    return found


@guarded("import.read")
def read_import(tx: Transaction, actor: Actor, command: OneImport) -> Import:
    """How far it is. Raises Refused(not_found), after a day too."""
    row = _import(tx, actor, command.import_id)
    tx.note(actor, "import", row.id)
    return store.import_of(tx, row)


@guarded("import.read")
def list_import_rows(tx: Transaction, actor: Actor, command: ListImportRows) -> Page[ImportRow]:
    """What has to be looked at. Raises Refused: not_found, invalid."""
    row = _import(tx, actor, command.import_id)
    scope = f"import {row.id}"
    after = int(position_of(tx, scope, command.cursor)[0]) if command.cursor else 0
    lines = {line.line: line for line in store.report_of(tx, row).lines}
    for line in store.refused_lines(tx, row.id):
        lines.setdefault(line, CheckedRow(line=line, name=""))
    behind = sorted(line for line in lines if line > after)
    shown = behind[: command.limit]
    done = store.outcomes(tx, row.id, shown)
    tx.note(actor, "import", row.id, shown=str(len(shown)))
    more = len(behind) > len(shown)
    items = tuple(_import_row(lines[line], done.get(line)) for line in shown)
    return Page(items, cursor_of(tx, scope, str(shown[-1])) if more else None)


@guarded("import.apply", only_asks=True)
def begin(tx: Transaction, actor: Actor, command: ApplyImport) -> Begun:
    """Raises Refused: not_found, invalid (a decision is missing or does not fit),
    file_quarantined, file_infected."""
    row = _import(tx, actor, command.import_id)
    report = store.report_of(tx, row)
    _check_decisions(row.kind, report, command.decisions)
    file = give(tx, row.file_id)
    return Begun(kind=row.kind, file=file, context=_context(tx), report=report)


@guarded("import.apply")
def apply_rows(tx: Transaction, actor: Actor, command: ApplyRows) -> Import:
    """Raises Refused: not_found, conflict (somebody else applied these meanwhile)."""
    row = _import(tx, actor, command.import_id)
    tx.note(actor, "import", row.id, rows=str(len(command.rows)))
    if row.done != command.done:
        raise Refused("conflict", "Somebody else goes on with this import.")
    done = row.done + len(command.rows)
    state = "applied" if done == row.rows else "applying"
    tx.update(store.imports, actor, row.id, row.version, done=done, state=state)
    newer = Likeness(store.known_since(tx, row.kind, row.id, command.began_at))
    for each in command.rows:
        outcome, why, record_id = _apply(tx, actor, each, command, newer)
        store.settle(tx, actor, row.id, each.line, outcome, why, record_id)
        if record_id is None:
            tx.note(actor, "import", row.id, line=str(each.line), outcome=outcome)
    return store.import_of(tx, _import(tx, actor, row.id))


def _apply(
    tx: Transaction, actor: Actor, row: ReadRow, command: ApplyRows, newer: Likeness
) -> tuple[Outcome, Why, str | None]:
    checked = command.checked.get(row.line)
    if row.value is None or (checked is not None and checked.errors):
        return "skipped", "wrong", None
    decision = command.decisions.get(row.line)
    if decision is not None and decision.action == "skip":
        return "skipped", "decided", None
    told = {each.record_id for each in checked.candidates} if checked is not None else set()
    if any(each.record_id not in told for each in newer.candidates(keys_of(row))):
        return "refused", "new_likeness", None
    try:
        if decision is not None and decision.record_id is not None:
            return "updated", "decided", add_contacts(tx, actor, decision.record_id, row)
        return "created", "", create(tx, actor, row)
    except Refused:
        return "refused", "conflict", None


def _check_decisions(kind: Kind, report: Report, decisions: tuple[Decision, ...]) -> None:
    alike = {line.line: line for line in report.lines if not line.errors}
    given = {decision.line: decision for decision in decisions}
    if len(given) < len(decisions):
        raise _wrong("A line is there twice.")
    unknown = sorted(given.keys() - alike.keys())
    if unknown:
        raise _wrong(f"There is nothing to decide on {_lines(unknown)}.")
    missing = sorted(alike.keys() - given.keys())
    if missing:
        raise _wrong(f"Please decide on {_lines(missing)}.")
    for line, decision in given.items():
        records = {each.record_id for each in alike[line].candidates}
        updates = decision.action == "update_contacts"
        fits = decision.record_id in records - {None} if updates else decision.record_id is None
        if not fits or (updates and kind != "patients"):
            raise _wrong(f"Line {line} cannot be added to this record.")


def _wrong(sentence: str) -> Refused:
    return Refused("invalid", fields={"decisions": sentence})


def _lines(lines: list[int]) -> str:
    named = ", ".join(map(str, lines[:_LINES_NAMED]))
    more = len(lines) - _LINES_NAMED
    return f"line {named}" + (f" and {more} more" if more > 0 else "")


def _import_row(checked: CheckedRow, done: Row[Any] | None) -> ImportRow:
    shown = {name: getattr(checked, name) for name in CheckedRow.__struct_fields__}
    if done is None:
        return ImportRow(**shown)
    return ImportRow(**shown, outcome=done.outcome, why=done.why, record_id=done.record_id)


def _import(tx: Transaction, actor: Actor, import_id: str) -> Row[Any]:
    row = store.import_row(tx, import_id)
    if row is None:
        raise hidden(tx, actor, "import", import_id)
    permit(tx, actor, Facts(kind="import", id=row.id))
    return row


def _context(tx: Transaction) -> Context:
    return Context(organisation(tx).country, tx.now.date())
