"""Documents: brought by the patient or by staff, read, released to the patient, withdrawn.

What staff bring is hidden from the patient until a clinician releases it; what the patient brings
is theirs at once. Nothing is deleted: a withdrawn document stays with the record, for staff only.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Row

from clinic_api.actor import Actor
from clinic_api.directory import store as people
from clinic_api.directory.mails import allowed_emails
from clinic_api.directory.relations import facts_of
from clinic_api.errors import Refused
from clinic_api.files.model import GIVEN_OUT, GivenFile, ReceivedFile
from clinic_api.files.service import give, keep
from clinic_api.guarded import Facts, guarded, hidden, permit
from clinic_api.outbox import About, OutboxMessage, enqueue
from clinic_api.paging import Page
from clinic_api.records import documents_store as store
from clinic_api.records.documents_model import (
    AddDocument,
    ChangeDocument,
    Document,
    ListDocuments,
    OneDocument,
    Side,
)
from clinic_api.transaction import Transaction
from clinic_api.visits import store as visits

DAY = timedelta(days=1)
MOST_BY_PATIENT = 50  # a day: anybody may sign up, and no disk is endless
RETRY_AFTER_S = 3600


@guarded("document.add", only_asks=True)
def may_add_document(tx: Transaction, actor: Actor, command: AddDocument) -> None:
    """Before the file is taken. Raises Refused: not_found, conflict, invalid, too_many_requests
    (a patient who has brought many within a day)."""
    patient = people.patient(tx, command.patient_id)
    if patient is None:
        raise hidden(tx, actor, "patient", command.patient_id)
    permit(tx, actor, facts_of(tx, patient.id))
    if patient.state == "merged":
        raise Refused("conflict", "This record was merged into another one.")
    if command.visit_id is not None:
        visit = visits.visit(tx, command.visit_id)
        if visit is None or visit.patient_id != patient.id:
            raise Refused("invalid", fields={"visit_id": "This patient has no such visit."})
    since = tx.now - DAY
    if not actor.is_staff and store.brought_since(tx, patient.id, since) >= MOST_BY_PATIENT:
        raise Refused(
            "too_many_requests",
            "These are many for one day. Please go on tomorrow.",
            retry_after_s=RETRY_AFTER_S,
        )


@guarded("document.add")
def add_document(
    tx: Transaction, actor: Actor, command: AddDocument, file: ReceivedFile
) -> Document:
    """A file for a patient's record, by the patient or by staff. Raises Refused: not_found,
    conflict, invalid, too_many_requests."""
    may_add_document(tx, actor, command)
    keep(tx, actor, "document", file)
    side: Side = "patient" if command.patient_id in actor.patient_ids else "staff"
    title = command.title.strip() or file.name
    document_id = store.insert(tx, actor, command, file.id, title, side)
    tx.note(actor, "document", document_id, patient_id=command.patient_id, side=side)
    return _known(tx, document_id)


@guarded("document.list")
def list_documents(tx: Transaction, actor: Actor, command: ListDocuments) -> Page[Document]:
    """All documents of a patient; the patient sees the released ones. Raises Refused(not_found)."""
    if people.patient(tx, command.patient_id) is None:
        raise hidden(tx, actor, "patient", command.patient_id)
    facts = facts_of(tx, command.patient_id)
    permit(tx, actor, facts)
    found = store.listed(tx, command, seen_by_patient=not _treats(actor, facts))
    tx.note(actor, "document_list", patient_id=command.patient_id, shown=str(len(found.items)))
    return found


@guarded("document.read")
def read_document(tx: Transaction, actor: Actor, command: OneDocument) -> Document:
    """What is known of a document, without its file. Raises Refused(not_found)."""
    row, _ = _readable(tx, actor, command.document_id)
    tx.note(actor, "document", row.id, patient_id=row.patient_id)
    return store.document_of(tx, row)


@guarded("document.read")
def download_document(tx: Transaction, actor: Actor, command: OneDocument) -> GivenFile:
    """The file itself. Raises Refused: not_found, file_quarantined, file_infected."""
    row, _ = _readable(tx, actor, command.document_id)
    file = give(tx, row.file_id)
    tx.note(actor, "document", row.id, patient_id=row.patient_id, part="file")
    return file


@guarded("document.release")
def release_document(tx: Transaction, actor: Actor, command: ChangeDocument) -> Document:
    """From now on the patient sees it, and is told that there is something to see. Raises Refused:
    not_found, stale, illegal_event (released, withdrawn or not checked yet)."""
    row, _ = _readable(tx, actor, command.document_id)
    document = store.document_of(tx, row)
    if document.released_at is not None:
        raise Refused("illegal_event", "The patient sees this already.")
    if document.withdrawn_at is not None:
        raise Refused("illegal_event", "This was withdrawn.")
    if document.file.state not in GIVEN_OUT:
        raise Refused("illegal_event", "The virus scanner has not let this file through.")
    tx.update(store.documents, actor, row.id, command.version, released_at=tx.now)
    _tell_patient(tx, actor, document)
    tx.note(actor, "document", row.id, patient_id=row.patient_id)
    return _known(tx, row.id)


@guarded("document.withdraw")
def withdraw_document(tx: Transaction, actor: Actor, command: ChangeDocument) -> Document:
    """It was brought by mistake: the patient sees it no more, staff see that it was withdrawn.
    Raises Refused: not_found, stale, illegal_event, not_allowed (a patient, what staff brought)."""
    row, treats = _readable(tx, actor, command.document_id)
    if row.withdrawn_at is not None:
        raise Refused("illegal_event", "This was withdrawn already.")
    if not treats and row.side != "patient":
        raise Refused("not_allowed", "Only the clinic can withdraw what it brought.")
    tx.update(store.documents, actor, row.id, command.version, withdrawn_at=tx.now)
    tx.note(actor, "document", row.id, patient_id=row.patient_id)
    return _known(tx, row.id)


def _readable(tx: Transaction, actor: Actor, document_id: str) -> tuple[Row[Any], bool]:
    """The row, and whether the actor sees it as staff do. Raises Refused(not_found), audited."""
    row = store.document_row(tx, document_id)
    if row is None:
        raise hidden(tx, actor, "document", document_id)
    whose = facts_of(tx, row.patient_id)
    facts = Facts(
        kind="document",
        id=row.id,
        patient_ids=whose.patient_ids,
        practitioner_ids=whose.practitioner_ids,
    )
    permit(tx, actor, facts)
    treats = _treats(actor, facts)
    if not treats and (row.released_at is None or row.withdrawn_at is not None):
        raise hidden(tx, actor, "document", document_id)
    return row, treats


def _treats(actor: Actor, facts: Facts) -> bool:
    return actor.kind == "system" or actor.practitioner_id in facts.practitioner_ids


def _known(tx: Transaction, document_id: str) -> Document:
    row = store.document_row(tx, document_id)
    assert row is not None
    return store.document_of(tx, row)


def _tell_patient(tx: Transaction, actor: Actor, document: Document) -> None:
    """To the first address that may be used, where there is an account to sign in to."""
    patient = people.patient(tx, document.patient_id)
    assert patient is not None
    addresses = allowed_emails(patient.details) if patient.has_login else []
    for email in addresses[:1]:
        enqueue(
            tx,
            actor,
            OutboxMessage(
                kind="document.released",
                audience="patient",
                dedupe_key=f"document.released:{document.id}",
                recipient=email,
                about=About(patient_id=document.patient_id, document_id=document.id),
                language=patient.details.language,
            ),
        )
