"""Which rows follow a merge, where they went, and how they go back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Column, String, Table, Text

from clinic_api.actor import Actor
from clinic_api.directory.model import Patient
from clinic_api.directory.store import patients
from clinic_api.schema import Moment, id_column, metadata, table
from clinic_api.transaction import Transaction

merges = table(
    "patient_merges",
    id_column("source_id", nullable=False, index=True),  # no foreign keys: these never follow
    id_column("target_id", nullable=False, index=True),
    Column("source_state", String(10), nullable=False),
    Column("target_state", String(10), nullable=False),
    id_column("moved_user_id"),  # the login that went from source to target
    Column("moved", Text, nullable=False),  # JSON list of Reference
    Column("undone_at", Moment),
)


class Reference(msgspec.Struct, frozen=True):
    """One row that referred to the source."""

    table: str
    column: str
    id: str


class Merge(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    version: int
    source_id: str
    target_id: str
    source_state: str
    target_state: str
    moved_user_id: str | None
    moved: tuple[Reference, ...]
    undone_at: datetime | None
    created_at: datetime


def merge(tx: Transaction, actor: Actor, source: Patient, target: Patient, version: int) -> str:
    """Returns the merge's id. Raises Refused(stale) if the source was changed meanwhile."""
    user_id = _login_of(tx, source.id)
    tx.update(
        patients,
        actor,
        source.id,
        version,
        state="merged",
        merged_into=target.id,
        user_id=None,
    )
    keeps: dict[str, Any] = {} if user_id is None else {"user_id": user_id}
    tx.update(patients, actor, target.id, state="matched", **keeps)
    moved = list(_references(tx, source.id))
    for reference in moved:
        _point(tx, actor, reference, target.id)
    return tx.insert(
        merges,
        actor,
        source_id=source.id,
        target_id=target.id,
        source_state=source.state,
        target_state=target.state,
        moved_user_id=user_id,
        moved=msgspec.json.encode(moved).decode(),
    )


def undo(tx: Transaction, actor: Actor, merge: Merge) -> None:
    """Give back what came from the source; what came to the target since stays there."""
    for reference in merge.moved:
        _point(tx, actor, reference, merge.source_id)
    moved_login = merge.moved_user_id is not None and (
        _login_of(tx, merge.target_id) == merge.moved_user_id
    )
    gives: dict[str, Any] = {"user_id": None} if moved_login else {}
    takes: dict[str, Any] = {"user_id": merge.moved_user_id} if moved_login else {}
    tx.update(patients, actor, merge.target_id, state=merge.target_state, **gives)
    tx.update(patients, actor, merge.source_id, state=merge.source_state, merged_into=None, **takes)
    tx.update(merges, actor, merge.id, undone_at=tx.now)


def merge_of(tx: Transaction, merge_id: str) -> Merge | None:
    row = tx.get(merges, merge_id)
    if row is None:
        return None
    moved = msgspec.json.decode(row.moved, type=tuple[Reference, ...])
    plain = {name: getattr(row, name) for name in Merge.__struct_fields__ if name != "moved"}
    return Merge(moved=moved, **plain)


def has_later(tx: Transaction, merge: Merge) -> bool:
    """Whether the target took part in another merge after this one that still stands."""
    target = merge.target_id
    involved = (merges.c.source_id == target) | (merges.c.target_id == target)
    later = tx.select(merges).where(
        involved,
        merges.c.undone_at.is_(None),
        merges.c.created_at >= merge.created_at,
        merges.c.id != merge.id,
    )
    return tx.first(later) is not None


def _references(tx: Transaction, patient_id: str) -> Iterator[Reference]:
    """Every row of any table that refers to the patient."""
    for each, column in _referring():
        for row in tx.all(tx.select(each, each.c.id).where(column == patient_id)):
            yield Reference(str(each.name), str(column.name), row.id)


def _referring() -> Iterator[tuple[Table, Column[str]]]:
    for each in metadata.sorted_tables:
        for column in each.c:
            own = each is patients and column.name == "merged_into"
            points = any(key.references(patients) for key in column.foreign_keys)
            if points or own:
                yield each, column


def _point(tx: Transaction, actor: Actor, reference: Reference, patient_id: str) -> None:
    each = metadata.tables[reference.table]
    values: dict[str, Any] = {reference.column: patient_id}
    tx.update(each, actor, reference.id, **values)


def _login_of(tx: Transaction, patient_id: str) -> str | None:
    row = tx.get(patients, patient_id)
    return None if row is None else row.user_id
