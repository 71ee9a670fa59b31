"""Tables of threads, messages and who has read how far; rows as values."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    Row,
    String,
    Text,
    UniqueConstraint,
)

from clinic_api.actor import Actor
from clinic_api.messages.model import Message, Side, Thread, ThreadKind, ThreadState
from clinic_api.paging import Page, page
from clinic_api.schema import Moment, id_column, table
from clinic_api.transaction import Transaction

threads = table(
    "threads",
    Column("patient_id", String(36), ForeignKey("patients.id"), nullable=False, index=True),
    Column("kind", String(10), nullable=False),
    Column("state", String(10), nullable=False),
    Column("subject", LargeBinary, nullable=False),
    Column("last_at", Moment, nullable=False),
    Column("last_side", String(10), nullable=False),
)

messages = table(
    "thread_messages",
    Column("thread_id", String(36), ForeignKey("threads.id"), nullable=False),
    Column("side", String(10), nullable=False),
    id_column("user_id", nullable=False),  # who wrote it
    Column("author", String(200), nullable=False),
    Column("text", LargeBinary, nullable=False),
    Column("document_ids", Text, nullable=False),  # JSON list
    Index("ix_thread_messages_thread", "thread_id", "id"),
)

reads = table(
    "thread_reads",
    Column("thread_id", String(36), ForeignKey("threads.id"), nullable=False),
    id_column("user_id", nullable=False),
    Column("seen_at", Moment, nullable=False),  # when the newest that was seen was written
    UniqueConstraint("thread_id", "user_id"),
)


def insert_thread(
    tx: Transaction, actor: Actor, patient_id: str, kind: ThreadKind, subject: str, side: Side
) -> str:
    row_id = tx.new_id()
    return tx.insert(
        threads,
        actor,
        id=row_id,
        patient_id=patient_id,
        kind=kind,
        state="open",
        subject=tx.seal(threads.c.subject, row_id, subject),
        last_at=tx.now,
        last_side=side,
    )


def insert_message(
    tx: Transaction,
    actor: Actor,
    thread_id: str,
    side: Side,
    author: str,
    text: str,
    document_ids: tuple[str, ...],
) -> str:
    row_id = tx.new_id()
    tx.insert(
        messages,
        actor,
        id=row_id,
        thread_id=thread_id,
        side=side,
        user_id=actor.id,
        author=author,
        text=tx.seal(messages.c.text, row_id, text),
        document_ids=msgspec.json.encode(document_ids).decode(),
    )
    tx.update(threads, actor, thread_id, state="open", last_at=tx.now, last_side=side)
    return row_id


def move_thread(
    tx: Transaction, actor: Actor, thread_id: str, version: int, state: ThreadState
) -> None:
    """Raises Refused(stale)."""
    tx.update(threads, actor, thread_id, version, state=state)


def thread(tx: Transaction, thread_id: str, reader: str) -> Thread | None:
    row = tx.get(threads, thread_id)
    return None if row is None else _thread(tx, row, reader)


def message(tx: Transaction, message_id: str) -> Message | None:
    row = tx.get(messages, message_id)
    return None if row is None else _message(tx, row)


def list_threads(
    tx: Transaction,
    narrow: list[sa.ColumnElement[bool]],
    reader: str,
    cursor: str,
    limit: int,
) -> Page[Thread]:
    query = tx.select(threads).where(*narrow)
    return page(
        tx,
        threads,
        query,
        lambda row: _thread(tx, row, reader),
        cursor=cursor,
        limit=limit,
        newest_first=True,
    )


def list_messages(tx: Transaction, thread_id: str, cursor: str, limit: int) -> Page[Message]:
    query = tx.select(messages).where(messages.c.thread_id == thread_id)
    return page(
        tx,
        messages,
        query,
        lambda row: _message(tx, row),
        cursor=cursor,
        limit=limit,
        newest_first=True,
    )


def written_since(tx: Transaction, user_id: str, since: datetime) -> int:
    """How many messages somebody wrote."""
    query = tx.select(messages, sa.func.count()).where(
        messages.c.user_id == user_id, messages.c.created_at >= since
    )
    return int(tx.sql.execute(query).scalar_one())


def first_unread(tx: Transaction, thread_id: str, reader: str) -> str:
    """The id of the oldest message that the reader has not seen; "" where there is none."""
    query = _unread(tx, messages.c.id, thread_id, reader)
    row = tx.first(query.order_by(messages.c.created_at, messages.c.id))
    return "" if row is None else str(row.id)


def mark_read(tx: Transaction, actor: Actor, thread_id: str, seen_at: datetime) -> None:
    """Never back to an older message."""
    own = (reads.c.thread_id == thread_id, reads.c.user_id == actor.id)
    row = tx.first(tx.select(reads).where(*own))
    if row is None:
        tx.insert(reads, actor, thread_id=thread_id, user_id=actor.id, seen_at=seen_at)
    elif row.seen_at < seen_at:
        tx.update(reads, actor, row.id, seen_at=seen_at)


def _unread(tx: Transaction, what: Any, thread_id: str, reader: str) -> sa.Select[Any]:
    """Messages that somebody else wrote after what the reader has seen."""
    own = (reads.c.thread_id == thread_id, reads.c.user_id == reader)
    row = tx.first(tx.select(reads, reads.c.seen_at).where(*own))
    query = tx.select(messages, what).where(
        messages.c.thread_id == thread_id, messages.c.user_id != reader
    )
    return query if row is None else query.where(messages.c.created_at > row.seen_at)


def _thread(tx: Transaction, row: Row[Any], reader: str) -> Thread:
    unread = _unread(tx, sa.func.count(), row.id, reader)
    return Thread(
        id=row.id,
        version=row.version,
        patient_id=row.patient_id,
        kind=row.kind,
        state=row.state,
        subject=tx.unseal(threads.c.subject, row.id, row.subject),
        last_at=row.last_at,
        last_side=row.last_side,
        unread=int(tx.sql.execute(unread).scalar_one()),
    )


def _message(tx: Transaction, row: Row[Any]) -> Message:
    return Message(
        id=row.id,
        thread_id=row.thread_id,
        side=row.side,
        author=row.author,
        text=tx.unseal(messages.c.text, row.id, row.text),
        document_ids=msgspec.json.decode(row.document_ids, type=tuple[str, ...]),
        at=row.created_at,
    )
