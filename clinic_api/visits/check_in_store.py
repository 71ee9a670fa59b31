"""The table of what people said at check-in."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec
import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, LargeBinary, Row, String

from clinic_api.actor import Actor
from clinic_api.schema import table
from clinic_api.transaction import Transaction

IdentityMethod = Literal["login", "link", "second_fact"]

check_ins = table(
    "check_ins",
    Column("visit_id", String(36), ForeignKey("visits.id"), nullable=False, index=True),
    Column("participant_id", String(36), ForeignKey("participants.id"), nullable=False),
    Column("patient_id", String(36), ForeignKey("patients.id"), index=True),
    Column("identity_method", String(12), nullable=False),
    Column("answers", LargeBinary, nullable=False),  # JSON of Answers
)


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """Where the patient is now, how to call back, whom to tell, who else hears it."""

    location: str
    callback: str
    emergency_contact: str
    others_present: str


class CheckIn(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    visit_id: str
    participant_id: str
    identity_method: IdentityMethod
    answers: Answers
    at: datetime


def insert_check_in(
    tx: Transaction,
    actor: Actor,
    answers: Answers,
    *,
    visit_id: str,
    participant_id: str,
    patient_id: str | None,
    identity_method: IdentityMethod,
) -> str:
    row_id = tx.new_id()
    text = msgspec.json.encode(answers).decode()
    return tx.insert(
        check_ins,
        actor,
        id=row_id,
        visit_id=visit_id,
        participant_id=participant_id,
        patient_id=patient_id,
        identity_method=identity_method,
        answers=tx.seal(check_ins.c.answers, row_id, text),
    )


def newest_of_visit(tx: Transaction, visit_id: str) -> CheckIn | None:
    return _newest(tx, check_ins.c.visit_id == visit_id)


def newest_of_patient(tx: Transaction, patient_id: str) -> CheckIn | None:
    return _newest(tx, check_ins.c.patient_id == patient_id)


def _newest(tx: Transaction, narrow: sa.ColumnElement[bool]) -> CheckIn | None:
    query = tx.select(check_ins).where(narrow)
    row = tx.first(query.order_by(check_ins.c.created_at.desc(), check_ins.c.id.desc()))
    return None if row is None else _check_in(tx, row)


def _check_in(tx: Transaction, row: Row[Any]) -> CheckIn:
    text = tx.unseal(check_ins.c.answers, row.id, row.answers)
    return CheckIn(
        id=row.id,
        visit_id=row.visit_id,
        participant_id=row.participant_id,
        identity_method=row.identity_method,
        answers=msgspec.json.decode(text, type=Answers),
        at=row.created_at,
    )
