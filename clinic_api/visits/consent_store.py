"""Tables of consent texts and consents, and rows as values."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, Integer, Row, String, Text, UniqueConstraint

from clinic_api.actor import Actor
from clinic_api.schema import Moment, table
from clinic_api.transaction import Transaction
from clinic_api.visits.consent import State, after
from clinic_api.visits.model import Participant

consent_texts = table(
    "consent_texts",
    Column("kind", String(20), nullable=False),
    Column("language", String(35), nullable=False),
    Column("number", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    UniqueConstraint("kind", "language", "number"),
)

consents = table(
    "consents",
    Column("visit_id", String(36), ForeignKey("visits.id"), nullable=False),
    Column("participant_id", String(36), ForeignKey("participants.id"), nullable=False, index=True),
    Column("patient_id", String(36), ForeignKey("patients.id"), index=True),
    Column("text_id", String(36), ForeignKey("consent_texts.id"), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("language", String(35), nullable=False),
    Column("signer", String(80), nullable=False),  # label of the actor
    Column("state", String(10), nullable=False),
    Column("decided_at", Moment, nullable=False),
)


class ConsentText(msgspec.Struct, frozen=True, kw_only=True):
    """A published text; `number` counts the versions of its kind in its language."""

    id: str
    kind: str
    language: str
    number: int
    text: str
    sha256: str


class HeldConsent(msgspec.Struct, frozen=True, kw_only=True):
    """A decision about one text."""

    id: str
    version: int
    kind: str
    text_id: str
    text_version: int
    language: str
    sha256: str
    state: State
    decided_at: datetime


def insert_text(
    tx: Transaction, actor: Actor, kind: str, language: str, text: str, sha256: str
) -> str:
    newest = tx.select(consent_texts, sa.func.max(consent_texts.c.number)).where(
        consent_texts.c.kind == kind, consent_texts.c.language == language
    )
    number = int(tx.all(newest)[0][0] or 0) + 1
    return tx.insert(
        consent_texts,
        actor,
        kind=kind,
        language=language,
        number=number,
        text=text,
        sha256=sha256,
    )


def text(tx: Transaction, text_id: str) -> ConsentText | None:
    row = tx.get(consent_texts, text_id)
    return None if row is None else _text(row)


def newest_texts(tx: Transaction) -> list[ConsentText]:
    """One per kind and language."""
    rows = tx.all(tx.select(consent_texts).order_by(consent_texts.c.number))
    newest = {(row.kind, row.language): _text(row) for row in rows}
    return list(newest.values())


def insert_consent(
    tx: Transaction,
    actor: Actor,
    visit_id: str,
    seat: Participant,
    about: ConsentText,
    state: State,
) -> str:
    return tx.insert(
        consents,
        actor,
        visit_id=visit_id,
        participant_id=seat.id,
        patient_id=seat.patient_id,
        text_id=about.id,
        sha256=about.sha256,
        language=about.language,
        signer=actor.label,
        state=state,
        decided_at=tx.now,
    )


def move_consent(tx: Transaction, actor: Actor, held: HeldConsent, state: State) -> None:
    tx.update(consents, actor, held.id, held.version, state=state, decided_at=tx.now)


def supersede(
    tx: Transaction, actor: Actor, patient_id: str | None, participant_id: str, kind: str
) -> None:
    """What stood for an older text, or an older answer, does not stand beside a new one."""
    for held in consents_of(tx, patient_id, participant_id):
        if held.kind == kind and held.state == "given":
            move_consent(tx, actor, held, after(held.state, "supersede"))


def consents_of(tx: Transaction, patient_id: str | None, participant_id: str) -> list[HeldConsent]:
    """Every decision for this patient, whoever signed; for a guest, the seat's own."""
    by = consents.c.participant_id == participant_id
    if patient_id is not None:
        by = consents.c.patient_id == patient_id
    query = (
        tx.select(
            consents,
            consents,
            consent_texts.c.kind,
            consent_texts.c.number.label("text_version"),
        )
        .join(consent_texts, consent_texts.c.id == consents.c.text_id)
        .where(by)
        .order_by(consents.c.id)
    )
    return [_held(row) for row in tx.all(query)]


def standing_consent(
    tx: Transaction, patient_id: str | None, participant_id: str, text_id: str
) -> HeldConsent | None:
    """The one that is given; a later answer supersedes it, so there is no second."""
    held = consents_of(tx, patient_id, participant_id)
    return next((one for one in held if one.text_id == text_id and one.state == "given"), None)


def _text(row: Row[Any]) -> ConsentText:
    return ConsentText(**{name: getattr(row, name) for name in ConsentText.__struct_fields__})


def _held(row: Row[Any]) -> HeldConsent:
    return HeldConsent(**{name: getattr(row, name) for name in HeldConsent.__struct_fields__})
