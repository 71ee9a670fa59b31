"""SQL of the outbox. A row holds ids and a contact; the text is made when it is sent or shown."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Column, Index, Row, Select, String, UniqueConstraint
from sqlalchemy.exc import IntegrityError

from clinic_api.actor import Actor
from clinic_api.outbox_states import OPEN, OVER, UNSENT
from clinic_api.schema import Moment, table
from clinic_api.transaction import Transaction

outbox = table(
    "outbox",
    Column("kind", String(40), nullable=False),
    Column("audience", String(10), nullable=False),  # patient | staff
    Column("dedupe_key", String(200), nullable=False),
    Column("recipient", String(254), nullable=False),  # e-mail address; RFC 5321 4.5.3.1.3
    Column("language", String(35), nullable=False),  # BCP 47
    Column("about", String(500), nullable=False),  # JSON of ids
    Column("state", String(10), nullable=False),
    Column("reason", String(40), nullable=False),  # why it is not sent yet, a code; "" if none
    Column("attempts", sa.Integer, nullable=False),
    Column("due_at", Moment, nullable=False),  # not before, next attempt, or end of the lease
    Column("expires_at", Moment, nullable=False),
    Column("over_at", Moment),  # sent, dead, expired or withdrawn
    UniqueConstraint("org_id", "dedupe_key"),
    Index(None, "state", "due_at"),
)


def by_key(tx: Transaction, dedupe_key: str) -> str | None:
    """The id of the message with this key."""
    row = tx.first(tx.select(outbox, outbox.c.id).where(outbox.c.dedupe_key == dedupe_key))
    return None if row is None else str(row.id)


def add(tx: Transaction, actor: Actor, dedupe_key: str, **values: Any) -> str:
    """The new row's id, or that of the row that has the key already."""
    known = by_key(tx, dedupe_key)
    if known is not None:
        return known
    try:
        with tx.sql.begin_nested():
            return tx.insert(outbox, actor, dedupe_key=dedupe_key, **values)
    except IntegrityError:  # on PostgreSQL another writer may have come between
        known = by_key(tx, dedupe_key)
        if known is None:
            raise
        return known


def due(tx: Transaction, limit: int) -> list[Row[Any]]:
    """What may be sent now, longest due first; locked, and without what another sender locks."""
    query = _open(tx).where(outbox.c.due_at <= tx.now, outbox.c.expires_at > tx.now)
    return tx.all(query.order_by(outbox.c.due_at).limit(limit).with_for_update(skip_locked=True))


def overdue(tx: Transaction, limit: int) -> list[Row[Any]]:
    """What has expired unsent."""
    query = _open(tx).where(outbox.c.expires_at <= tx.now)
    return tx.all(query.order_by(outbox.c.expires_at).limit(limit))


def without_reason(tx: Transaction, limit: int) -> list[Row[Any]]:
    """What is due for the first time and has no reason for waiting yet."""
    query = tx.select(outbox).where(outbox.c.state == "queued", outbox.c.due_at <= tx.now)
    return tx.all(query.where(outbox.c.reason == "").order_by(outbox.c.due_at).limit(limit))


def next_expiry_at(tx: Transaction) -> datetime | None:
    """When the first open message expires."""
    return _first(tx, outbox.c.expires_at, outbox.c.state.in_(OPEN))


def next_due_at(tx: Transaction) -> datetime | None:
    """When the first open message is due."""
    return _first(tx, outbox.c.due_at, outbox.c.state.in_(OPEN))


def next_unexplained_at(tx: Transaction) -> datetime | None:
    """When the first message is due that has no reason for waiting yet."""
    return _first(tx, outbox.c.due_at, outbox.c.state == "queued", outbox.c.reason == "")


def unsent(tx: Transaction, audiences: Collection[str]) -> list[Row[Any]]:
    """Rows of state, reason, count."""
    columns = (outbox.c.state, outbox.c.reason, sa.func.count().label("messages"))
    query = tx.select(outbox, *columns).where(
        outbox.c.audience.in_(audiences), outbox.c.state.in_(UNSENT), outbox.c.due_at <= tx.now
    )
    return tx.all(query.group_by(outbox.c.state, outbox.c.reason))


def listed(tx: Transaction, audiences: Collection[str], states: Collection[str]) -> Select[Any]:
    """The query of staff's list, for a page of it."""
    return tx.select(outbox).where(outbox.c.audience.in_(audiences), outbox.c.state.in_(states))


def forget(tx: Transaction, before: datetime, limit: int) -> int:
    """Delete messages that were over before then; how many."""
    old = tx.select(outbox, outbox.c.id).where(outbox.c.state.in_(OVER), outbox.c.over_at < before)
    return tx.sql.execute(sa.delete(outbox).where(outbox.c.id.in_(old.limit(limit)))).rowcount


def _open(tx: Transaction) -> Select[Any]:
    return tx.select(outbox).where(outbox.c.state.in_(OPEN))


def _first(
    tx: Transaction, moment: Column[datetime], *where: sa.ColumnElement[bool]
) -> datetime | None:
    row = tx.first(tx.select(outbox, sa.func.min(moment).label("first")).where(*where))
    return None if row is None else row.first
