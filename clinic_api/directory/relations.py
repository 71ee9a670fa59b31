"""Who is whose: facts for permissions. Read inside other services; nothing here is a service."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from clinic_api.actor import Actor
from clinic_api.directory.model import stands
from clinic_api.directory.relation_store import care_relations, proxies_held
from clinic_api.directory.store import patients, practitioner_of
from clinic_api.guarded import Facts
from clinic_api.transaction import Transaction


class UserRelations(msgspec.Struct, frozen=True):
    """What an `Actor` has to know of the people behind a login."""

    patient_ids: frozenset[str]  # the own record, and those of wards whose record may be read
    practitioner_id: str | None


def of_user(tx: Transaction, user_id: str) -> UserRelations:
    """Read once per request, when the session is resolved."""
    own = tx.all(tx.select(patients, patients.c.id).where(patients.c.user_id == user_id))
    wards = [
        proxy.patient_id
        for proxy in proxies_held(tx, user_id)
        if proxy.scope == "record" and stands(proxy, tx.now)
    ]
    practitioner = practitioner_of(tx, user_id)
    treats = practitioner.id if practitioner is not None and practitioner.active else None
    return UserRelations(frozenset([row.id for row in own] + wards), treats)


def treating_practitioners(tx: Transaction, patient_id: str) -> tuple[str, ...]:
    """Who has, or had, a visit with the patient, or made the record while treating."""
    column = care_relations.c.practitioner_id
    query = tx.select(care_relations, column).where(care_relations.c.patient_id == patient_id)
    return tuple(row.practitioner_id for row in tx.all(query.distinct()))


def facts_of(tx: Transaction, patient_id: str) -> Facts:
    """Whose a record is."""
    return Facts(
        kind="patient",
        id=patient_id,
        patient_ids=(patient_id,),
        practitioner_ids=treating_practitioners(tx, patient_id),
    )


def relate(tx: Transaction, actor: Actor, patient_id: str, practitioner_id: str) -> None:
    """From now on the practitioner treats the patient; a second time changes nothing."""
    held = sa.and_(
        care_relations.c.patient_id == patient_id,
        care_relations.c.practitioner_id == practitioner_id,
    )
    if tx.first(tx.select(care_relations).where(held)) is None:
        tx.insert(care_relations, actor, patient_id=patient_id, practitioner_id=practitioner_id)


def current_id(tx: Transaction, patient_id: str) -> str:
    """The record that a merged one went into, else the same id."""
    query = tx.select(patients, patients.c.merged_into).where(patients.c.id == patient_id)
    row = tx.first(query)
    return patient_id if row is None or row.merged_into is None else str(row.merged_into)
