"""The table of what people said after visits."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, Integer, LargeBinary, Row, String
from sqlalchemy.exc import IntegrityError

from clinic_api.actor import Actor
from clinic_api.errors import Refused
from clinic_api.schema import table
from clinic_api.transaction import Transaction

visit_surveys = table(
    "visit_surveys",
    Column("visit_id", String(36), ForeignKey("visits.id"), nullable=False),
    Column(
        "participant_id", String(36), ForeignKey("participants.id"), nullable=False, unique=True
    ),
    Column("practitioner_id", String(36), ForeignKey("practitioners.id"), index=True),
    Column("technical", Integer, nullable=False),
    Column("recommend", Integer, nullable=False),
    Column("remark", LargeBinary),
)


class Survey(msgspec.Struct, frozen=True, kw_only=True):
    technical: int
    recommend: int
    remark: str


def has_answered(tx: Transaction, participant_id: str) -> bool:
    mine = visit_surveys.c.participant_id == participant_id
    return tx.first(tx.select(visit_surveys).where(mine)) is not None


def insert(tx: Transaction, actor: Actor, *, remark: str, **values: Any) -> None:
    """Raises Refused(conflict) for a seat's second answer."""
    row_id = tx.new_id()
    sealed = tx.seal(visit_surveys.c.remark, row_id, remark) if remark else None
    try:
        with tx.sql.begin_nested():
            tx.insert(visit_surveys, actor, id=row_id, remark=sealed, **values)
    except IntegrityError:
        raise Refused("conflict") from None


def in_steps(tx: Transaction, practitioner_id: str, step: int, limit: int) -> list[Survey]:
    """The newest `limit` of as many answers as make full steps, counted from the first."""
    mine = visit_surveys.c.practitioner_id == practitioner_id
    count = tx.select(visit_surveys, sa.func.count()).where(mine)
    whole = int(tx.sql.execute(count).scalar_one()) // step * step
    order = (visit_surveys.c.created_at, visit_surveys.c.id)
    query = tx.select(visit_surveys).where(mine).order_by(*order)
    newest = query.offset(max(whole - limit, 0)).limit(min(whole, limit))
    return [_survey(tx, row) for row in tx.all(newest)]


def _survey(tx: Transaction, row: Row[Any]) -> Survey:
    sealed = row.remark
    return Survey(
        technical=row.technical,
        recommend=row.recommend,
        remark="" if sealed is None else tx.unseal(visit_surveys.c.remark, row.id, sealed),
    )
