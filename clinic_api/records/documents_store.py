"""The table of documents, and rows as values."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, LargeBinary, Row, Select, String

from clinic_api.actor import Actor
from clinic_api.files.model import FileView
from clinic_api.files.service import show
from clinic_api.paging import Page, page
from clinic_api.records.documents_model import AddDocument, Document, ListDocuments, Side
from clinic_api.schema import Moment, table
from clinic_api.transaction import Transaction

documents = table(
    "documents",
    Column("patient_id", String(36), ForeignKey("patients.id"), nullable=False, index=True),
    Column("visit_id", String(36), ForeignKey("visits.id"), index=True),
    Column("file_id", String(36), ForeignKey("files.id"), nullable=False, unique=True),
    Column("kind", String(20), nullable=False),
    Column("title", LargeBinary, nullable=False),
    Column("side", String(10), nullable=False),
    Column("released_at", Moment),
    Column("withdrawn_at", Moment),
)


def insert(
    tx: Transaction, actor: Actor, asked: AddDocument, file_id: str, title: str, side: Side
) -> str:
    row_id = tx.new_id()
    return tx.insert(
        documents,
        actor,
        id=row_id,
        patient_id=asked.patient_id,
        visit_id=asked.visit_id,
        file_id=file_id,
        kind=asked.kind,
        title=tx.seal(documents.c.title, row_id, title),
        side=side,
        released_at=tx.now if side == "patient" else None,
    )


def brought_since(tx: Transaction, patient_id: str, since: datetime) -> int:
    """How many documents the patient's side brought."""
    query = tx.select(documents, sa.func.count()).where(
        documents.c.patient_id == patient_id,
        documents.c.side == "patient",
        documents.c.created_at > since,
    )
    return int(tx.sql.execute(query).scalar_one())


def document_row(tx: Transaction, document_id: str) -> Row[Any] | None:
    return tx.get(documents, document_id)


def document_of(tx: Transaction, row: Row[Any]) -> Document:
    (document,) = _documents_of(tx, (row,))
    return document


def _documents_of(tx: Transaction, rows: tuple[Row[Any], ...]) -> tuple[Document, ...]:
    shown = show(tx, [row.file_id for row in rows])
    return tuple(_document_of(tx, row, shown[row.file_id]) for row in rows)


def _document_of(tx: Transaction, row: Row[Any], file: FileView) -> Document:
    return Document(
        id=row.id,
        version=row.version,
        patient_id=row.patient_id,
        visit_id=row.visit_id,
        kind=row.kind,
        title=tx.unseal(documents.c.title, row.id, row.title),
        side=row.side,
        file=file,
        created_at=row.created_at,
        released_at=row.released_at,
        withdrawn_at=row.withdrawn_at,
    )


def listed(tx: Transaction, command: ListDocuments, *, seen_by_patient: bool) -> Page[Document]:
    """Newest first; for the patient, only what is released and not withdrawn."""
    query = tx.select(documents).where(documents.c.patient_id == command.patient_id)
    rows: Page[Row[Any]] = page(
        tx,
        documents,
        _released(query) if seen_by_patient else query,
        lambda row: row,
        cursor=command.cursor,
        limit=command.limit,
        newest_first=True,
    )
    return Page(_documents_of(tx, rows.items), rows.next)


def _released(query: Select[Any]) -> Select[Any]:
    return query.where(documents.c.released_at.is_not(None), documents.c.withdrawn_at.is_(None))
