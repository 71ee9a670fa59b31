"""Tables of imports, what became of their rows, and by what people are known."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, Integer, LargeBinary, Row, String, UniqueConstraint

from clinic_api.actor import Actor
from clinic_api.directory.csv_columns import Kind
from clinic_api.directory.import_model import Import, Outcome, Report, Why
from clinic_api.directory.likeness import Known, patient_keys, practitioner_keys
from clinic_api.directory.store import patients, practitioners
from clinic_api.files.service import drop
from clinic_api.paging import Page, page
from clinic_api.schema import Moment, id_column, table
from clinic_api.transaction import Transaction

KEPT = timedelta(hours=24)
_FORGOTTEN_AT_ONCE = 5

imports = table(
    "imports",
    Column("kind", String(20), nullable=False),
    Column("state", String(10), nullable=False),
    Column("file_id", String(36), ForeignKey("files.id"), nullable=False),
    Column("rows", Integer, nullable=False),
    Column("wrong", Integer, nullable=False),
    Column("alike", Integer, nullable=False),
    Column("done", Integer, nullable=False),
    Column("report", LargeBinary, nullable=False),  # JSON
    Column("expires_at", Moment, nullable=False, index=True),
)

import_rows = table(
    "import_rows",
    Column("import_id", String(36), ForeignKey("imports.id"), nullable=False),
    Column("line", Integer, nullable=False),
    Column("outcome", String(10), nullable=False),
    Column("why", String(20), nullable=False),
    id_column("record_id"),  # of a patient or a practitioner, as it was then
    UniqueConstraint("import_id", "line"),
)


def insert(tx: Transaction, actor: Actor, kind: Kind, file_id: str, report: Report) -> str:
    row_id = tx.new_id()
    return tx.insert(
        imports,
        actor,
        id=row_id,
        kind=kind,
        state="checked",
        file_id=file_id,
        rows=report.rows,
        wrong=report.wrong,
        alike=report.alike,
        done=0,
        report=tx.seal(imports.c.report, row_id, msgspec.json.encode(report).decode()),
        expires_at=tx.now + KEPT,
    )


def import_row(tx: Transaction, import_id: str) -> Row[Any] | None:
    """None where its day is over."""
    row = tx.get(imports, import_id)
    return None if row is None or row.expires_at <= tx.now else row


def report_of(tx: Transaction, row: Row[Any]) -> Report:
    return msgspec.json.decode(tx.unseal(imports.c.report, row.id, row.report), type=Report)


def listed(tx: Transaction, cursor: str, limit: int) -> Page[Import]:
    query = tx.select(imports).where(imports.c.expires_at > tx.now)
    rows: Page[Row[Any]] = page(
        tx, imports, query, lambda row: row, cursor=cursor, limit=limit, newest_first=True
    )
    return Page(tuple(import_of(tx, row) for row in rows.items), rows.next)


def import_of(tx: Transaction, row: Row[Any]) -> Import:
    counted = (
        tx.select(import_rows, import_rows.c.outcome, sa.func.count().label("times"))
        .where(import_rows.c.import_id == row.id)
        .group_by(import_rows.c.outcome)
    )
    times: dict[str, int] = {each.outcome: each.times for each in tx.all(counted)}
    return Import(
        id=row.id,
        version=row.version,
        kind=row.kind,
        state=row.state,
        rows=row.rows,
        wrong=row.wrong,
        alike=row.alike,
        unknown_columns=report_of(tx, row).unknown_columns,
        done=row.done,
        created=times.get("created", 0),
        updated=times.get("updated", 0),
        skipped=times.get("skipped", 0),
        refused=times.get("refused", 0),
        created_at=row.created_at,
        expires_at=row.expires_at,
    )


def settle(
    tx: Transaction,
    actor: Actor,
    import_id: str,
    line: int,
    outcome: Outcome,
    why: Why,
    record_id: str | None,
) -> None:
    """What became of one line; once."""
    values: dict[str, Any] = {"outcome": outcome, "why": why, "record_id": record_id}
    tx.insert(import_rows, actor, import_id=import_id, line=line, **values)


def outcomes(tx: Transaction, import_id: str, lines: Collection[int]) -> dict[int, Row[Any]]:
    query = tx.select(import_rows).where(
        import_rows.c.import_id == import_id, import_rows.c.line.in_(lines)
    )
    return {row.line: row for row in tx.all(query)}


def refused_lines(tx: Transaction, import_id: str) -> list[int]:
    query = tx.select(import_rows, import_rows.c.line).where(
        import_rows.c.import_id == import_id, import_rows.c.outcome == "refused"
    )
    return [row.line for row in tx.all(query)]


def known(tx: Transaction, kind: Kind, after_id: str, limit: int) -> list[Known]:
    """By id; those that were merged into another record are left out."""
    each = patients if kind == "patients" else practitioners
    query = tx.select(each).where(each.c.id > after_id).order_by(each.c.id).limit(limit)
    if kind == "patients":
        query = query.where(patients.c.state != "merged")
    return [_known(kind, row) for row in tx.all(query)]


def known_since(tx: Transaction, kind: Kind, import_id: str, began_at: datetime) -> list[Known]:
    """Records that others made or changed since the check began."""
    each = patients if kind == "patients" else practitioners
    own = tx.select(import_rows, import_rows.c.record_id).where(
        import_rows.c.import_id == import_id, import_rows.c.record_id.is_not(None)
    )
    query = tx.select(each).where(each.c.updated_at >= began_at, each.c.id.not_in(own))
    if kind == "patients":
        query = query.where(patients.c.state != "merged")
    return [_known(kind, row) for row in tx.all(query)]


def taken_addresses(tx: Transaction) -> frozenset[str]:
    """Of practitioners."""
    query = tx.select(practitioners, practitioners.c.address)
    rows = tx.all(query.where(practitioners.c.address.is_not(None)))
    return frozenset(row.address for row in rows)


def forget(tx: Transaction) -> int:
    """Delete imports whose day is over, with their files; how many."""
    query = tx.select(imports).where(imports.c.expires_at <= tx.now).limit(_FORGOTTEN_AT_ONCE)
    over = tx.all(query)
    for row in over:
        tx.sql.execute(sa.delete(import_rows).where(import_rows.c.import_id == row.id))
        tx.sql.execute(sa.delete(imports).where(imports.c.id == row.id))
        drop(tx, row.file_id)
    return len(over)


def _known(kind: Kind, row: Row[Any]) -> Known:
    if kind == "practitioners":
        return Known(row.id, practitioner_keys(row.name))
    phones = msgspec.json.decode(row.phones, type=tuple[str, ...])
    emails = msgspec.json.decode(row.emails, type=tuple[str, ...])
    return Known(row.id, patient_keys(row.name, row.birth_date, phones, emails))
