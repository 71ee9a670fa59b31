"""Records of patients and practitioners: made, found, read, changed."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from clinic_api.actor import Actor
from clinic_api.directory import store
from clinic_api.directory.contacts import folded, tidy_email, tidy_name, tidy_phone
from clinic_api.directory.model import (
    ContactRule,
    Id,
    Language,
    Name,
    Patient,
    PatientDetails,
    PatientState,
    PatientSummary,
    Practitioner,
    Short,
    Slug,
)
from clinic_api.directory.relations import facts_of, relate
from clinic_api.errors import Refused
from clinic_api.guarded import Facts, guarded, hidden, permit
from clinic_api.organisation.store import organisation
from clinic_api.paging import DEFAULT_ITEMS, Cursor, Limit, Page
from clinic_api.transaction import Transaction

_IDENTITY = ("name", "birth_date", "sex")  # what staff have checked; nobody changes their own


class CreatePatient(PatientDetails, frozen=True, kw_only=True):
    """By staff, who know the person; or by the person, whom staff match later."""


class ChangePatient(PatientDetails, frozen=True, kw_only=True):
    """The whole of the details, as they shall be."""

    patient_id: Id
    version: int


class OnePatient(msgspec.Struct, frozen=True):
    patient_id: Id


class SearchPatients(msgspec.Struct, frozen=True, kw_only=True):
    """Words of the name, a part of a phone number, or of an e-mail address."""

    text: Annotated[str, Meta(max_length=200)] = ""
    cursor: Cursor = ""
    limit: Limit = DEFAULT_ITEMS


class PractitionerDetails(msgspec.Struct, frozen=True, kw_only=True):
    name: Name
    speciality: Short = ""
    languages: Annotated[tuple[Language, ...], Meta(max_length=20)] = ("en",)
    address: Slug | None = None
    accepts_walk_ins: bool = False


class CreatePractitioner(PractitionerDetails, frozen=True, kw_only=True):
    user_id: Id | None = None


class ChangePractitioner(PractitionerDetails, frozen=True, kw_only=True):
    practitioner_id: Id
    version: int
    active: bool = True


class ListPractitioners(msgspec.Struct, frozen=True, kw_only=True):
    cursor: Cursor = ""
    limit: Limit = DEFAULT_ITEMS


class OnePractitioner(msgspec.Struct, frozen=True):
    practitioner_id: Id


# patients


@guarded("patient.create")
def create_patient(tx: Transaction, actor: Actor, command: CreatePatient) -> Patient:
    """A new record, made by staff. Raises Refused(invalid)."""
    patient_id = add_patient(tx, actor, command, "matched")
    if actor.practitioner_id is not None:
        relate(tx, actor, patient_id, actor.practitioner_id)
    return _known(tx, actor, patient_id)


@guarded("patient.register")
def register_patient(tx: Transaction, actor: Actor, command: CreatePatient) -> Patient:
    """One's own record, which staff match later. Raises Refused: invalid, conflict (there is one
    already)."""
    if store.patient_of_user(tx, actor.id) is not None:
        raise Refused("conflict", "You have a record here already.")
    return _known(tx, actor, add_patient(tx, actor, command, "unmatched", actor.id))


def add_patient(
    tx: Transaction,
    actor: Actor,
    details: PatientDetails,
    state: PatientState,
    user_id: str | None = None,
) -> str:
    """For other services: a record, noted; returns its id. Raises Refused(invalid)."""
    patient_id = store.insert_patient(tx, actor, tidied(tx, details), state, user_id)
    tx.note(actor, "patient", patient_id, patient_id=patient_id)
    return patient_id


@guarded("patient.search")
def search_patients(tx: Transaction, actor: Actor, command: SearchPatients) -> Page[PatientSummary]:
    """Everybody where no text is given. The audit keeps how many were shown, never the terms."""
    text = command.text.strip()
    part = text.lower() if "@" in text else _digits(text)
    words = [] if part else folded(text).split()
    if text and not part and not words:
        found: Page[PatientSummary] = Page(())
    else:
        found = store.search_patients(tx, words, part, command.cursor, command.limit)
    tx.note(actor, "patient_search", shown=str(len(found.items)))
    return found


@guarded("patient.read")
def read_patient(tx: Transaction, actor: Actor, command: OnePatient) -> Patient:
    """The record is opened, which the patient can see. Raises Refused(not_found)."""
    patient = _permitted(tx, actor, command.patient_id)
    tx.note(actor, "patient", patient.id, patient_id=patient.id)
    return patient


@guarded("patient.change")
def change_patient(tx: Transaction, actor: Actor, command: ChangePatient) -> Patient:
    """Raises Refused: not_found, stale, invalid, not_allowed (one's own identity), conflict."""
    patient = _permitted(tx, actor, command.patient_id)
    if patient.state == "merged":
        raise Refused("conflict", "This record was merged into another one.")
    details = tidied(tx, command)
    changed = _changed(patient.details, details)
    own = [name for name in changed if name in _IDENTITY]
    if own and not (actor.is_staff or actor.kind == "system"):
        fields = dict.fromkeys(own, "Please ask the clinic to change this.")
        raise Refused("not_allowed", fields=fields)
    store.update_patient(tx, actor, patient.id, command.version, details)
    tx.note(actor, "patient", patient.id, patient_id=patient.id, fields=",".join(changed))
    return _known(tx, actor, patient.id)


def tidied(tx: Transaction, details: PatientDetails) -> PatientDetails:
    """Contacts in their one form. Raises Refused(invalid), dates of birth in the future too."""
    if details.birth_date is not None and details.birth_date > tx.now.date():
        raise Refused("invalid", fields={"birth_date": "This day has not come yet."})
    country = organisation(tx).country
    phones = (tidy_phone(phone, country, "phones") for phone in details.phones)
    emails = (tidy_email(email, "emails") for email in details.emails)
    return PatientDetails(
        name=tidy_name(details.name),
        birth_date=details.birth_date,
        sex=details.sex,
        language=details.language,
        phones=tuple(dict.fromkeys(phones)),
        emails=tuple(dict.fromkeys(emails)),
        address=details.address,
        emergency=details.emergency,
        contact_rules=tuple(_tidy_rule(rule, country) for rule in details.contact_rules),
    )


def _tidy_rule(rule: ContactRule, country: str) -> ContactRule:
    """With the one form of its address, which mails are sent to. Raises Refused(invalid)."""
    if rule.rule == "never":
        return ContactRule(rule.channel, "never")
    field = f"only_{rule.channel}"
    if rule.channel == "email":
        return replace(rule, value=tidy_email(rule.value, field))
    if rule.channel == "post":
        return rule
    return replace(rule, value=tidy_phone(rule.value, country, field))


def _changed(before: PatientDetails, after: PatientDetails) -> list[str]:
    fields = PatientDetails.__struct_fields__
    return [name for name in fields if getattr(before, name) != getattr(after, name)]


def _permitted(tx: Transaction, actor: Actor, patient_id: str) -> Patient:
    patient = store.patient(tx, patient_id)
    if patient is None:
        raise hidden(tx, actor, "patient", patient_id)
    permit(tx, actor, facts_of(tx, patient_id))
    return patient


def _known(tx: Transaction, actor: Actor, patient_id: str) -> Patient:
    patient = store.patient(tx, patient_id)
    if patient is None:
        raise hidden(tx, actor, "patient", patient_id)
    return patient


def _digits(text: str) -> str:
    """The digits of what looks like a phone number, else nothing."""
    digits = "".join(char for char in text if char.isascii() and char.isdigit())
    looks_so = len(digits) >= 3 and not any(char.isalpha() for char in text)
    return digits.lstrip("0") if looks_so else ""


# practitioners


@guarded("practitioner.create")
def create_practitioner(tx: Transaction, actor: Actor, command: CreatePractitioner) -> Practitioner:
    """Raises Refused: conflict, if the address or the login is somebody else's already."""
    practitioner_id = store.insert_practitioner(tx, actor, practitioner_of(command))
    tx.note(actor, "practitioner", practitioner_id)
    return _practitioner(tx, actor, practitioner_id)


@guarded("practitioner.change")
def change_practitioner(tx: Transaction, actor: Actor, command: ChangePractitioner) -> Practitioner:
    """Raises Refused: not_found, stale, conflict."""
    practitioner = _practitioner(tx, actor, command.practitioner_id)
    changed = replace(practitioner_of(command), user_id=practitioner.user_id)
    store.update_practitioner(tx, actor, practitioner.id, command.version, changed)
    tx.note(actor, "practitioner", practitioner.id)
    return _practitioner(tx, actor, practitioner.id)


@guarded("practitioner.list")
def list_practitioners(
    tx: Transaction, actor: Actor, command: ListPractitioners
) -> Page[Practitioner]:
    """Everybody who treats, or has treated, here."""
    del actor
    return store.list_practitioners(tx, command.cursor, command.limit)


@guarded("practitioner.list")
def read_practitioner(tx: Transaction, actor: Actor, command: OnePractitioner) -> Practitioner:
    """Raises Refused(not_found)."""
    return _practitioner(tx, actor, command.practitioner_id)


def practitioner_of(command: CreatePractitioner | ChangePractitioner) -> store.PractitionerRow:
    """What is written of the practitioner. Raises Refused(invalid)."""
    return store.PractitionerRow(
        user_id=command.user_id if isinstance(command, CreatePractitioner) else None,
        name=tidy_name(command.name),
        speciality=command.speciality,
        languages=command.languages,
        address=command.address,
        accepts_walk_ins=command.accepts_walk_ins,
        active=isinstance(command, CreatePractitioner) or command.active,
    )


def _practitioner(tx: Transaction, actor: Actor, practitioner_id: str) -> Practitioner:
    practitioner = store.practitioner(tx, practitioner_id)
    if practitioner is None:
        raise hidden(tx, actor, "practitioner", practitioner_id)
    permit(tx, actor, Facts(kind="practitioner", id=practitioner_id))
    return practitioner
