"""One row becomes a record, or adds to one."""

from __future__ import annotations

from msgspec.structs import replace

from clinic_api.actor import Actor
from clinic_api.directory import store
from clinic_api.directory.csv_columns import ReadRow
from clinic_api.directory.model import Address, PatientDetails
from clinic_api.directory.service import practitioner_of
from clinic_api.errors import Refused
from clinic_api.transaction import Transaction

MOST_CONTACTS = 5  # of a kind in a record


def create(tx: Transaction, actor: Actor, row: ReadRow) -> str:
    """Returns the record's id. Raises Refused(conflict)."""
    value = row.value
    assert value is not None
    if isinstance(value, PatientDetails):
        patient_id = store.insert_patient(tx, actor, value, "matched", None)
        tx.note(actor, "patient", patient_id, patient_id=patient_id, line=str(row.line))
        return patient_id
    with tx.sql.begin_nested():
        practitioner_id = store.insert_practitioner(tx, actor, practitioner_of(value))
    tx.note(actor, "practitioner", practitioner_id, line=str(row.line))
    return practitioner_id


def add_contacts(tx: Transaction, actor: Actor, patient_id: str, row: ReadRow) -> str:
    """The row's phone numbers and mailboxes before those that are there; its address instead of
    the one that is there. Returns the id. Raises Refused(conflict): merged meanwhile, no room."""
    patient, new = store.patient(tx, patient_id), row.value
    if patient is None or patient.state == "merged" or not isinstance(new, PatientDetails):
        raise Refused("conflict")
    phones = tuple(dict.fromkeys((*new.phones, *patient.details.phones)))
    emails = tuple(dict.fromkeys((*new.emails, *patient.details.emails)))
    if max(len(phones), len(emails)) > MOST_CONTACTS:
        raise Refused("conflict")
    address = patient.details.address if new.address == Address() else new.address
    details = replace(patient.details, phones=phones, emails=emails, address=address)
    store.update_patient(tx, actor, patient.id, patient.version, details)
    tx.note(actor, "patient", patient.id, patient_id=patient.id, line=str(row.line))
    return patient.id
