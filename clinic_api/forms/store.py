"""Tables of forms and of what was answered, and rows as values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec
from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    Row,
    String,
    Text,
    UniqueConstraint,
)

from clinic_api.actor import Actor
from clinic_api.errors import Refused
from clinic_api.forms.answers import Answer
from clinic_api.forms.definition import Definition
from clinic_api.paging import Page, page
from clinic_api.schema import Moment, id_column, table
from clinic_api.transaction import Transaction

AnswersState = Literal["draft", "submitted"]

forms = table(
    "forms",
    Column("name", String(200), nullable=False),
    Column("number", Integer, nullable=False),  # of the newest version
    Column("active", Boolean, nullable=False),
)

form_versions = table(
    "form_versions",
    Column("form_id", String(36), ForeignKey("forms.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("definition", Text, nullable=False),  # JSON
    UniqueConstraint("form_id", "number"),
)

form_answers = table(
    "form_answers",
    Column("form_version_id", String(36), ForeignKey("form_versions.id"), nullable=False),
    Column("patient_id", String(36), ForeignKey("patients.id"), nullable=False, index=True),
    id_column("visit_id", nullable=False, unique=True),  # visits are above this layer
    Column("state", String(10), nullable=False),
    Column("answers", LargeBinary, nullable=False),
    Column("submitted_at", Moment),
)


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """A form with its newest questions; `number` counts their versions."""

    id: str
    version: int
    name: str
    active: bool
    number: int
    definition: Definition


class FormAnswers(msgspec.Struct, frozen=True, kw_only=True):
    """What was answered for one visit, with the questions as they were asked."""

    id: str
    version: int
    form_id: str
    number: int
    patient_id: str
    visit_id: str
    state: AnswersState
    answers: dict[str, Answer]
    submitted_at: datetime | None
    definition: Definition


def insert_form(tx: Transaction, actor: Actor, name: str, definition: Definition) -> str:
    form_id = tx.insert(forms, actor, name=name, number=1, active=True)
    _insert_version(tx, actor, form_id, 1, definition)
    return form_id


def update_form(
    tx: Transaction,
    actor: Actor,
    held: Form,
    version: int,
    name: str,
    definition: Definition,
    active: bool,
) -> None:
    """Other questions are the next version. Raises Refused(stale)."""
    number = held.number + (definition != held.definition)
    tx.update(forms, actor, held.id, version, name=name, number=number, active=active)
    if number > held.number:
        _insert_version(tx, actor, held.id, number, definition)


def form(tx: Transaction, form_id: str) -> Form | None:
    row = tx.get(forms, form_id)
    return None if row is None else _form(tx, row)


def list_forms(tx: Transaction, cursor: str, limit: int) -> Page[Form]:
    return page(tx, forms, tx.select(forms), lambda row: _form(tx, row), cursor=cursor, limit=limit)


def answers_of_visit(tx: Transaction, visit_id: str) -> FormAnswers | None:
    row = tx.first(tx.select(form_answers).where(form_answers.c.visit_id == visit_id))
    return None if row is None else _answers(tx, row)


def insert_answers(
    tx: Transaction, actor: Actor, form_id: str, number: int, patient_id: str, visit_id: str
) -> None:
    """An empty draft, of the newest questions. Raises Refused(not_found)."""
    held = _version_row(tx, form_id, number)
    row_id = tx.new_id()
    tx.insert(
        form_answers,
        actor,
        id=row_id,
        form_version_id=held.id,
        patient_id=patient_id,
        visit_id=visit_id,
        state="draft",
        answers=tx.seal(form_answers.c.answers, row_id, "{}"),
    )


def write_answers(
    tx: Transaction,
    actor: Actor,
    held: FormAnswers,
    version: int,
    answers: Mapping[str, Answer],
    state: AnswersState,
) -> None:
    """Raises Refused(stale)."""
    text = msgspec.json.encode(answers).decode()
    tx.update(
        form_answers,
        actor,
        held.id,
        version,
        state=state,
        answers=tx.seal(form_answers.c.answers, held.id, text),
        submitted_at=tx.now if state == "submitted" else None,
    )


def _insert_version(
    tx: Transaction, actor: Actor, form_id: str, number: int, definition: Definition
) -> None:
    text = msgspec.json.encode(definition).decode()
    tx.insert(form_versions, actor, form_id=form_id, number=number, definition=text)


def _version_row(tx: Transaction, form_id: str, number: int) -> Row[Any]:
    held = (form_versions.c.form_id == form_id, form_versions.c.number == number)
    row = tx.first(tx.select(form_versions).where(*held))
    if row is None:
        raise Refused("not_found")
    return row


def _form(tx: Transaction, row: Row[Any]) -> Form:
    held = _version_row(tx, row.id, row.number)
    return Form(
        id=row.id,
        version=row.version,
        name=row.name,
        active=row.active,
        number=row.number,
        definition=msgspec.json.decode(held.definition, type=Definition),
    )


def _answers(tx: Transaction, row: Row[Any]) -> FormAnswers:
    held = tx.get(form_versions, row.form_version_id)
    assert held is not None, "a foreign key"
    text = tx.unseal(form_answers.c.answers, row.id, row.answers)
    return FormAnswers(
        id=row.id,
        version=row.version,
        form_id=held.form_id,
        number=held.number,
        patient_id=row.patient_id,
        visit_id=row.visit_id,
        state=row.state,
        answers=msgspec.json.decode(text, type=dict[str, Answer]),
        submitted_at=row.submitted_at,
        definition=msgspec.json.decode(held.definition, type=Definition),
    )
