"""Tables of patients and practitioners, and rows as values."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Boolean, Column, Date, ForeignKey, LargeBinary, Row, String, Text
from sqlalchemy.exc import IntegrityError

from clinic_api.actor import Actor
from clinic_api.directory.contacts import folded
from clinic_api.directory.model import (
    Address,
    ContactRule,
    EmergencyContact,
    Patient,
    PatientDetails,
    PatientSummary,
    Practitioner,
)
from clinic_api.errors import Refused
from clinic_api.paging import Page, page
from clinic_api.schema import id_column, table
from clinic_api.transaction import Transaction

_SEARCH_CHARS = 400  # taking characters apart may lengthen a name threefold and more

patients = table(
    "patients",
    Column("name", String(200), nullable=False),
    Column("search_name", String(_SEARCH_CHARS), nullable=False, index=True),
    Column("birth_date", Date, index=True),
    Column("sex", String(10), nullable=False),
    Column("language", String(35), nullable=False),
    Column("phones", Text, nullable=False),  # JSON list of E.164
    Column("emails", Text, nullable=False),  # JSON list
    Column("address", LargeBinary, nullable=False),
    Column("emergency", LargeBinary, nullable=False),
    Column("contact_rules", LargeBinary, nullable=False),
    Column("state", String(10), nullable=False),
    id_column("user_id", unique=True),
    Column("merged_into", String(36), ForeignKey("patients.id")),
)

practitioners = table(
    "practitioners",
    id_column("user_id", unique=True),
    Column("name", String(200), nullable=False),
    Column("speciality", String(100), nullable=False),
    Column("languages", Text, nullable=False),  # JSON list of BCP 47 tags
    Column("address", String(60), unique=True),
    Column("accepts_walk_ins", Boolean, nullable=False),
    Column("active", Boolean, nullable=False),
    # the profile: see profile_store.py
    Column("public", Boolean, nullable=False),
    Column("title", String(100), nullable=False),
    Column("specialties", Text, nullable=False),  # JSON list
    Column("search_specialties", Text, nullable=False),
    Column("education", LargeBinary, nullable=False),
    Column("biography", LargeBinary, nullable=False),
    Column("licences", Text, nullable=False),  # JSON list
    Column("photo_id", String(36), ForeignKey("files.id")),
)


_TAKEN = "This address or this login belongs to another practitioner."


# patients


def insert_patient(
    tx: Transaction, actor: Actor, details: PatientDetails, state: str, user_id: str | None
) -> str:
    row_id = tx.new_id()
    values = _patient_values(tx, row_id, details)
    return tx.insert(patients, actor, id=row_id, state=state, user_id=user_id, **values)


def update_patient(
    tx: Transaction, actor: Actor, patient_id: str, version: int, details: PatientDetails
) -> int:
    values = _patient_values(tx, patient_id, details)
    return tx.update(patients, actor, patient_id, version, **values)


def patient(tx: Transaction, patient_id: str) -> Patient | None:
    row = tx.get(patients, patient_id)
    return None if row is None else _patient(tx, row)


def search_patients(
    tx: Transaction, words: list[str], part: str, cursor: str, limit: int
) -> Page[PatientSummary]:
    """By every one of `words` in the name, or `part` in a phone number or e-mail address; without
    both, everybody."""
    query = tx.select(patients).where(patients.c.state != "merged")
    query = query.where(*(_contains(patients.c.search_name, word) for word in words))
    if part:
        held = [_contains(column, part) for column in (patients.c.phones, patients.c.emails)]
        query = query.where(sa.or_(*held))
    return page(tx, patients, query, _summary, cursor=cursor, limit=limit)


def patients_born_on(tx: Transaction, day: date) -> list[PatientSummary]:
    """Records that were not merged into another one."""
    query = tx.select(patients).where(patients.c.birth_date == day, patients.c.state != "merged")
    return [_summary(row) for row in tx.all(query.order_by(patients.c.id))]


def patients_by_contact(tx: Transaction, contact: str) -> list[str]:
    """Ids of those who have exactly this phone number or e-mail address on file."""
    quoted = msgspec.json.encode(contact).decode()
    held = [_contains(column, quoted) for column in (patients.c.phones, patients.c.emails)]
    query = tx.select(patients, patients.c.id).where(sa.or_(*held), patients.c.state != "merged")
    return [row.id for row in tx.all(query)]


def _summary(row: Row[Any]) -> PatientSummary:
    return PatientSummary(
        id=row.id,
        name=row.name,
        birth_date=row.birth_date,
        sex=row.sex,
        state=row.state,
        phones=msgspec.json.decode(row.phones, type=tuple[str, ...]),
    )


def _contains(column: Column[Any], part: str) -> sa.ColumnElement[bool]:
    return column.contains(part, autoescape=True)


def _patient_values(tx: Transaction, row_id: str, details: PatientDetails) -> dict[str, Any]:
    def sealed(column: Column[Any], value: object) -> bytes:
        return tx.seal(column, row_id, _json(value))

    return {
        "name": details.name,
        "search_name": folded(details.name)[:_SEARCH_CHARS],
        "birth_date": details.birth_date,
        "sex": details.sex,
        "language": details.language,
        "phones": _json(details.phones),
        "emails": _json(details.emails),
        "address": sealed(patients.c.address, details.address),
        "emergency": sealed(patients.c.emergency, details.emergency),
        "contact_rules": sealed(patients.c.contact_rules, details.contact_rules),
    }


def _patient(tx: Transaction, row: Row[Any]) -> Patient:
    def opened(column: Column[Any], sealed: bytes) -> str:
        return tx.unseal(column, row.id, sealed)

    rules = opened(patients.c.contact_rules, row.contact_rules)
    details = PatientDetails(
        name=row.name,
        birth_date=row.birth_date,
        sex=row.sex,
        language=row.language,
        phones=msgspec.json.decode(row.phones, type=tuple[str, ...]),
        emails=msgspec.json.decode(row.emails, type=tuple[str, ...]),
        address=msgspec.json.decode(opened(patients.c.address, row.address), type=Address),
        emergency=msgspec.json.decode(
            opened(patients.c.emergency, row.emergency), type=EmergencyContact
        ),
        contact_rules=msgspec.json.decode(rules, type=tuple[ContactRule, ...]),
    )
    return Patient(
        id=row.id,
        version=row.version,
        state=row.state,
        merged_into=row.merged_into,
        has_login=row.user_id is not None,
        details=details,
    )


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def patient_of_user(tx: Transaction, user_id: str) -> str | None:
    row = tx.first(tx.select(patients, patients.c.id).where(patients.c.user_id == user_id))
    return None if row is None else str(row.id)


def user_of_patient(tx: Transaction, patient_id: str) -> str | None:
    """Whose login the record has."""
    row = tx.get(patients, patient_id)
    return None if row is None else row.user_id


# practitioners


class PractitionerRow(msgspec.Struct, frozen=True, kw_only=True):
    """What is written of a practitioner."""

    user_id: str | None
    name: str
    speciality: str
    languages: tuple[str, ...]
    address: str | None
    accepts_walk_ins: bool
    active: bool


def insert_practitioner(tx: Transaction, actor: Actor, values: PractitionerRow) -> str:
    """Raises Refused(conflict): one practitioner per address and per login."""
    row_id = tx.new_id()
    profile = {
        "public": False,
        "title": "",
        "specialties": _json((values.speciality,) if values.speciality else ()),
        "search_specialties": folded(values.speciality),
        "education": tx.seal(practitioners.c.education, row_id, _json(())),
        "biography": tx.seal(practitioners.c.biography, row_id, ""),
        "licences": _json(()),
    }
    try:
        return tx.insert(practitioners, actor, id=row_id, **profile, **_practitioner_values(values))
    except IntegrityError:
        raise Refused("conflict", _TAKEN) from None


def update_practitioner(
    tx: Transaction, actor: Actor, practitioner_id: str, version: int, values: PractitionerRow
) -> int:
    """Raises Refused: conflict, stale."""
    try:
        return tx.update(
            practitioners, actor, practitioner_id, version, **_practitioner_values(values)
        )
    except IntegrityError:
        raise Refused("conflict", _TAKEN) from None


def _practitioner_values(values: PractitionerRow) -> dict[str, Any]:
    return msgspec.structs.asdict(values) | {"languages": _json(values.languages)}


def practitioner(tx: Transaction, practitioner_id: str) -> Practitioner | None:
    row = tx.get(practitioners, practitioner_id)
    return None if row is None else _practitioner(row)


def active_practitioners(tx: Transaction) -> frozenset[str]:
    """The ids of all who work here now."""
    query = tx.select(practitioners, practitioners.c.id).where(practitioners.c.active)
    return frozenset(row.id for row in tx.all(query))


def practitioner_at(tx: Transaction, address: str) -> Practitioner | None:
    row = tx.first(tx.select(practitioners).where(practitioners.c.address == address))
    return None if row is None else _practitioner(row)


def practitioner_of(tx: Transaction, user_id: str) -> Practitioner | None:
    row = tx.first(tx.select(practitioners).where(practitioners.c.user_id == user_id))
    return None if row is None else _practitioner(row)


def list_practitioners(tx: Transaction, cursor: str, limit: int) -> Page[Practitioner]:
    query = tx.select(practitioners)
    return page(tx, practitioners, query, _practitioner, cursor=cursor, limit=limit)


def _practitioner(row: Row[Any]) -> Practitioner:
    return Practitioner(
        id=row.id,
        version=row.version,
        user_id=row.user_id,
        name=row.name,
        speciality=row.speciality,
        languages=msgspec.json.decode(row.languages, type=tuple[str, ...]),
        address=row.address,
        accepts_walk_ins=row.accepts_walk_ins,
        active=row.active,
    )
