"""The table of clinical lists, and rows as values."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, LargeBinary, Row, String

from clinic_api.actor import Actor
from clinic_api.records.entry import EntryState
from clinic_api.records.lists_model import (
    DETAILS,
    Allergy,
    Detail,
    Entry,
    ListKind,
    Medicine,
    Problem,
    Source,
    kind_of,
)
from clinic_api.schema import Moment, table
from clinic_api.transaction import Transaction

entries = table(
    "list_entries",
    Column("patient_id", String(36), ForeignKey("patients.id"), nullable=False, index=True),
    Column("kind", String(10), nullable=False),
    Column("state", String(20), nullable=False),
    Column("source", String(10), nullable=False),
    Column("detail", LargeBinary, nullable=False),
    Column("confirmed_by", String(80), nullable=False),
    Column("confirmed_at", Moment),
    Column("withdrawn_because", LargeBinary),
)


def insert_entry(
    tx: Transaction, actor: Actor, patient_id: str, source: Source, detail: Detail
) -> str:
    row_id = tx.new_id()
    is_staffs = source == "staff"
    return tx.insert(
        entries,
        actor,
        id=row_id,
        patient_id=patient_id,
        kind=kind_of(detail),
        state="active",
        source=source,
        detail=_sealed(tx, row_id, detail),
        confirmed_by=actor.label if is_staffs else "",
        confirmed_at=tx.now if is_staffs else None,
    )


def update_entry(
    tx: Transaction, actor: Actor, held: Entry, version: int, detail: Detail, *, confirmed: bool
) -> None:
    """Raises Refused(stale)."""
    tx.update(
        entries,
        actor,
        held.id,
        version,
        detail=_sealed(tx, held.id, detail),
        **_confirmation(tx, actor, confirmed=confirmed),
    )


def confirm_entry(tx: Transaction, actor: Actor, entry_id: str, version: int) -> None:
    """Raises Refused(stale)."""
    tx.update(entries, actor, entry_id, version, **_confirmation(tx, actor, confirmed=True))


def move_entry(
    tx: Transaction, actor: Actor, entry_id: str, version: int, state: EntryState, because: str
) -> None:
    """Raises Refused(stale)."""
    values: dict[str, Any] = {"state": state}
    if because:
        values["withdrawn_because"] = tx.seal(entries.c.withdrawn_because, entry_id, because)
    tx.update(entries, actor, entry_id, version, **values)


def entry(tx: Transaction, entry_id: str) -> Entry | None:
    row = tx.get(entries, entry_id)
    return None if row is None else _entry(tx, row)


def entries_of(tx: Transaction, patient_id: str) -> list[Entry]:
    """All of a patient's, oldest first."""
    query = tx.select(entries).where(entries.c.patient_id == patient_id)
    ordered = query.order_by(entries.c.created_at, entries.c.id)
    return [_entry(tx, row) for row in tx.all(ordered)]


def count_entries(tx: Transaction, patient_id: str) -> int:
    query = tx.select(entries, sa.func.count()).where(entries.c.patient_id == patient_id)
    return int(tx.sql.execute(query).scalar_one())


def _confirmation(tx: Transaction, actor: Actor, *, confirmed: bool) -> dict[str, Any]:
    if confirmed:
        return {"confirmed_by": actor.label, "confirmed_at": tx.now}
    return {"confirmed_by": "", "confirmed_at": None}


def _sealed(tx: Transaction, row_id: str, detail: Detail) -> bytes:
    return tx.seal(entries.c.detail, row_id, msgspec.json.encode(detail).decode())


def _entry(tx: Transaction, row: Row[Any]) -> Entry:
    kind: ListKind = row.kind
    text = tx.unseal(entries.c.detail, row.id, row.detail)
    detail = msgspec.json.decode(text, type=DETAILS[kind])
    because = row.withdrawn_because
    column = entries.c.withdrawn_because
    return Entry(
        id=row.id,
        version=row.version,
        patient_id=row.patient_id,
        kind=kind,
        state=row.state,
        source=row.source,
        noted_by=row.created_by,
        noted_at=row.created_at,
        confirmed_by=row.confirmed_by,
        confirmed_at=row.confirmed_at,
        withdrawn_because="" if because is None else tx.unseal(column, row.id, because),
        problem=detail if isinstance(detail, Problem) else None,
        allergy=detail if isinstance(detail, Allergy) else None,
        medicine=detail if isinstance(detail, Medicine) else None,
    )
