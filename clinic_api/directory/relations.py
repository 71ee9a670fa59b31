"""Who is whose: facts for permissions. Read inside other services; nothing here is a service."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa
from sqlalchemy import bindparam

from clinic_api.actor import Actor
from clinic_api.directory.relation_store import care_relations, proxies, standing
from clinic_api.directory.store import patients, practitioners
from clinic_api.guarded import Facts
from clinic_api.schema import Moment
from clinic_api.transaction import Transaction, prepared


class UserRelations(msgspec.Struct, frozen=True):
    """What an `Actor` has to know of the people behind a login."""

    patient_ids: frozenset[str]  # the own record, and those of wards whose record may be read
    practitioner_id: str | None


def of_user(tx: Transaction, user_id: str) -> UserRelations:
    """One read, once per request, when the session is resolved."""
    found = tx.all_of(_OF_USER, user_id=user_id, now=tx.now)
    treats = [row.id for row in found if row.kind == "treats"]
    return UserRelations(
        frozenset(row.id for row in found if row.kind != "treats"), next(iter(treats), None)
    )


def _named(kind: str, column: sa.Column[str]) -> tuple[sa.ColumnElement[str], ...]:
    return sa.literal(kind).label("kind"), column.label("id")


_USER_ID: sa.BindParameter[str] = bindparam("user_id")
_OF_USER = sa.union_all(
    prepared(patients, *_named("own", patients.c.id)).where(patients.c.user_id == _USER_ID),
    prepared(proxies, *_named("ward", proxies.c.patient_id)).where(
        proxies.c.user_id == _USER_ID,
        proxies.c.scope == "record",
        standing(bindparam("now", type_=Moment())),
    ),
    prepared(practitioners, *_named("treats", practitioners.c.id)).where(
        practitioners.c.user_id == _USER_ID, practitioners.c.active
    ),
)
_TREATING = (
    prepared(care_relations, care_relations.c.practitioner_id)
    .where(care_relations.c.patient_id == bindparam("patient_id"))
    .distinct()
)
_MERGED_INTO = prepared(patients, patients.c.merged_into).where(
    patients.c.id == bindparam("patient_id")
)


def treating_practitioners(tx: Transaction, patient_id: str) -> tuple[str, ...]:
    """Who has, or had, a visit with the patient, or made the record while treating."""
    rows = tx.all_of(_TREATING, patient_id=patient_id)
    return tuple(row.practitioner_id for row in rows)


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
    row = tx.first_of(_MERGED_INTO, patient_id=patient_id)
    return patient_id if row is None or row.merged_into is None else str(row.merged_into)
