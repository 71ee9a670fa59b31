"""Tables of notes, addenda and templates; rows as values."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, LargeBinary, Row, String

from clinic_api.actor import Actor
from clinic_api.paging import Page, page
from clinic_api.records.note import NoteState, Sections
from clinic_api.schema import Moment, id_column, table
from clinic_api.transaction import Transaction

notes = table(
    "notes",
    Column("patient_id", String(36), ForeignKey("patients.id"), nullable=False, index=True),
    Column("visit_id", String(36), ForeignKey("visits.id"), index=True),
    Column(
        "practitioner_id", String(36), ForeignKey("practitioners.id"), nullable=False, index=True
    ),
    Column("state", String(10), nullable=False),
    Column("sections", LargeBinary, nullable=False),
    Column("signed_at", Moment),
    Column("signed_by", String(80), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("withheld", String(20), nullable=False),  # why the patient does not read it; "": reads
)

addenda = table(
    "note_addenda",
    Column("note_id", String(36), ForeignKey("notes.id"), nullable=False, index=True),
    Column("text", LargeBinary, nullable=False),
    Column("signed_at", Moment, nullable=False),
    Column("signed_by", String(80), nullable=False),
    Column("author", String(200), nullable=False),
    Column("digest", String(64), nullable=False),
)

templates = table(
    "note_templates",
    id_column("practitioner_id", index=True),  # None: everybody's
    Column("name", String(200), nullable=False),
    Column("sections", LargeBinary, nullable=False),
    Column("ended_at", Moment),
)


class Addendum(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    text: str
    author: str
    signed_at: datetime
    digest: str  # SHA-256 in hex


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """A note with its addenda, oldest first; `digest` is "" until it is signed."""

    id: str
    version: int
    patient_id: str
    visit_id: str | None
    practitioner_id: str
    state: NoteState
    sections: Sections
    signed_at: datetime | None
    digest: str
    withheld: str
    saved_at: datetime
    addenda: tuple[Addendum, ...]


class NoteHead(msgspec.Struct, frozen=True, kw_only=True):
    """A note without its text, for lists."""

    id: str
    version: int
    patient_id: str
    visit_id: str | None
    practitioner_id: str
    state: NoteState
    signed_at: datetime | None
    withheld: str
    saved_at: datetime


class Template(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    version: int
    practitioner_id: str | None
    name: str
    sections: Sections


def insert_note(
    tx: Transaction,
    actor: Actor,
    patient_id: str,
    visit_id: str | None,
    practitioner_id: str,
    sections: Sections,
) -> str:
    row_id = tx.new_id()
    return tx.insert(
        notes,
        actor,
        id=row_id,
        patient_id=patient_id,
        visit_id=visit_id,
        practitioner_id=practitioner_id,
        state="drafted",
        sections=_sealed(tx, notes.c.sections, row_id, sections),
        signed_by="",
        digest="",
        withheld="",
    )


def save_note(
    tx: Transaction, actor: Actor, note_id: str, version: int, sections: Sections
) -> None:
    """Raises Refused(stale)."""
    sealed = _sealed(tx, notes.c.sections, note_id, sections)
    tx.update(notes, actor, note_id, version, sections=sealed)


def move_note(
    tx: Transaction, actor: Actor, note_id: str, version: int, state: NoteState, **values: Any
) -> None:
    """Raises Refused(stale)."""
    tx.update(notes, actor, note_id, version, state=state, **values)


def insert_addendum(
    tx: Transaction, actor: Actor, note_id: str, text: str, author: str, digest: str
) -> None:
    row_id = tx.new_id()
    tx.insert(
        addenda,
        actor,
        id=row_id,
        note_id=note_id,
        text=tx.seal(addenda.c.text, row_id, text),
        signed_at=tx.now,
        signed_by=actor.label,
        author=author,
        digest=digest,
    )


def note(tx: Transaction, note_id: str) -> Note | None:
    row = tx.get(notes, note_id)
    return None if row is None else _note(tx, row)


def draft_of_visit(tx: Transaction, visit_id: str, practitioner_id: str) -> Note | None:
    """The one that is not signed yet."""
    row = tx.first(
        tx.select(notes).where(
            notes.c.visit_id == visit_id,
            notes.c.practitioner_id == practitioner_id,
            notes.c.state == "drafted",
        )
    )
    return None if row is None else _note(tx, row)


def list_heads(
    tx: Transaction, narrow: list[sa.ColumnElement[bool]], cursor: str, limit: int
) -> Page[NoteHead]:
    """Newest first."""
    query = tx.select(notes).where(notes.c.state != "discarded", *narrow)
    return page(tx, notes, query, _head, cursor=cursor, limit=limit, newest_first=True)


def insert_template(
    tx: Transaction, actor: Actor, practitioner_id: str | None, name: str, sections: Sections
) -> str:
    row_id = tx.new_id()
    sealed = _sealed(tx, templates.c.sections, row_id, sections)
    return tx.insert(
        templates, actor, id=row_id, practitioner_id=practitioner_id, name=name, sections=sealed
    )


def update_template(
    tx: Transaction,
    actor: Actor,
    template_id: str,
    version: int,
    name: str,
    sections: Sections,
    ended_at: datetime | None,
) -> None:
    """Raises Refused(stale)."""
    sealed = _sealed(tx, templates.c.sections, template_id, sections)
    tx.update(templates, actor, template_id, version, name=name, sections=sealed, ended_at=ended_at)


def template(tx: Transaction, template_id: str) -> Template | None:
    row = tx.get(templates, template_id)
    return None if row is None or row.ended_at is not None else _template(tx, row)


def list_templates(
    tx: Transaction, practitioner_id: str | None, cursor: str, limit: int
) -> Page[Template]:
    """Everybody's, and those of one practitioner."""
    held = templates.c.practitioner_id
    query = tx.select(templates).where(
        templates.c.ended_at.is_(None), sa.or_(held.is_(None), held == practitioner_id)
    )
    return page(tx, templates, query, lambda row: _template(tx, row), cursor=cursor, limit=limit)


def _sealed(tx: Transaction, column: Column[Any], row_id: str, sections: Sections) -> bytes:
    return tx.seal(column, row_id, msgspec.json.encode(sections).decode())


def _opened(tx: Transaction, column: Column[Any], row: Row[Any]) -> Sections:
    return msgspec.json.decode(tx.unseal(column, row.id, row.sections), type=Sections)


def _note(tx: Transaction, row: Row[Any]) -> Note:
    query = tx.select(addenda).where(addenda.c.note_id == row.id)
    added = tx.all(query.order_by(addenda.c.created_at, addenda.c.id))
    return Note(
        id=row.id,
        version=row.version,
        patient_id=row.patient_id,
        visit_id=row.visit_id,
        practitioner_id=row.practitioner_id,
        state=row.state,
        sections=_opened(tx, notes.c.sections, row),
        signed_at=row.signed_at,
        digest=row.digest,
        withheld=row.withheld,
        saved_at=row.updated_at,
        addenda=tuple(
            Addendum(
                id=one.id,
                text=tx.unseal(addenda.c.text, one.id, one.text),
                author=one.author,
                signed_at=one.signed_at,
                digest=one.digest,
            )
            for one in added
        ),
    )


def _head(row: Row[Any]) -> NoteHead:
    names = (name for name in NoteHead.__struct_fields__ if name != "saved_at")
    return NoteHead(saved_at=row.updated_at, **{name: getattr(row, name) for name in names})


def _template(tx: Transaction, row: Row[Any]) -> Template:
    return Template(
        id=row.id,
        version=row.version,
        practitioner_id=row.practitioner_id,
        name=row.name,
        sections=_opened(tx, templates.c.sections, row),
    )
