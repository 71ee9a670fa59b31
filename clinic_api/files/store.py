"""The table of files, and rows as values."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Column, Integer, LargeBinary, Row, String

from clinic_api.actor import Actor
from clinic_api.files.model import FileView, GivenFile, ReceivedFile
from clinic_api.schema import Moment, table
from clinic_api.transaction import Transaction

ETAG_CHARS = 32

files = table(
    "files",
    Column("purpose", String(20), nullable=False),
    Column("media_type", String(100), nullable=False),
    Column("size", Integer, nullable=False),
    Column("name", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("state", String(12), nullable=False, index=True),
    Column("finding", String(100), nullable=False),
    Column("scanned_at", Moment),
)


def insert(tx: Transaction, actor: Actor, purpose: str, file: ReceivedFile) -> None:
    tx.insert(
        files,
        actor,
        id=file.id,
        purpose=purpose,
        media_type=file.media_type,
        size=file.size,
        name=tx.seal(files.c.name, file.id, file.name),
        digest=tx.index(files.c.digest, file.sha256),
        state=file.state,
        finding="",
    )


def delete(tx: Transaction, file_id: str) -> None:
    tx.sql.execute(sa.delete(files).where(files.c.org_id == tx.org_id, files.c.id == file_id))


def file_row(tx: Transaction, file_id: str) -> Row[Any]:
    """Raises LookupError: a reference is a foreign key, so it is there."""
    row = tx.get(files, file_id)
    if row is None:
        raise LookupError(f"there is no file {file_id}")
    return row


def file_rows(tx: Transaction, file_ids: Collection[str]) -> list[Row[Any]]:
    return tx.all(tx.select(files).where(files.c.id.in_(file_ids)))


def view(tx: Transaction, row: Row[Any]) -> FileView:
    return FileView(
        name=tx.unseal(files.c.name, row.id, row.name),
        media_type=row.media_type,
        size=row.size,
        state=row.state,
        finding=row.finding,
    )


def given(tx: Transaction, row: Row[Any]) -> GivenFile:
    return GivenFile(
        id=row.id,
        name=tx.unseal(files.c.name, row.id, row.name),
        media_type=row.media_type,
        size=row.size,
        etag=f'"{bytes(row.digest).hex()[:ETAG_CHARS]}"',
    )


def quarantined(tx: Transaction, put_off_before: datetime, limit: int) -> list[Row[Any]]:
    """Those that nobody looked at, or that were put off before; the oldest first."""
    due = sa.or_(files.c.version == 1, files.c.updated_at < put_off_before)
    query = tx.select(files).where(files.c.state == "quarantined", due)
    return tx.all(query.order_by(files.c.updated_at, files.c.id).limit(limit))


def named_among(tx: Transaction, file_ids: Collection[str]) -> set[str]:
    """Those of the ids whose bytes a row still stands for."""
    query = tx.select(files, files.c.id).where(files.c.id.in_(file_ids), files.c.state != "refused")
    return {row.id for row in tx.all(query)}
