"""The table of exports, and rows as values."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, Row, String

from clinic_api.actor import Actor
from clinic_api.export.model import Export
from clinic_api.schema import Moment, table
from clinic_api.transaction import Transaction

exports = table(
    "exports",
    Column("patient_id", String(36), ForeignKey("patients.id"), nullable=False, index=True),
    Column("expires_at", Moment, nullable=False),
    Column("taken_at", Moment),
)


def insert(tx: Transaction, actor: Actor, patient_id: str, expires_at: datetime) -> str:
    return tx.insert(exports, actor, patient_id=patient_id, expires_at=expires_at)


def take(tx: Transaction, actor: Actor, held: Export) -> None:
    """Raises Refused(stale) where somebody was quicker."""
    tx.update(exports, actor, held.id, held.version, taken_at=tx.now)


def put_back(tx: Transaction, actor: Actor, export_id: str) -> None:
    tx.update(exports, actor, export_id, taken_at=None)


def export_row(tx: Transaction, export_id: str) -> Row[Any] | None:
    return tx.get(exports, export_id)


def export_of(row: Row[Any]) -> Export:
    return Export(**{name: getattr(row, name) for name in Export.__struct_fields__})


def asked_since(tx: Transaction, patient_id: str, since: datetime) -> int:
    """How many copies of a record were asked for."""
    query = tx.select(exports, sa.func.count()).where(
        exports.c.patient_id == patient_id, exports.c.created_at > since
    )
    return int(tx.sql.execute(query).scalar_one())
