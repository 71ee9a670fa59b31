"""The mail that says that there is a message, and not what it says."""

from __future__ import annotations

from clinic_api.actor import Actor
from clinic_api.directory import store as people
from clinic_api.directory.mails import allowed_emails
from clinic_api.messages import store
from clinic_api.outbox import About, OutboxMessage, enqueue
from clinic_api.transaction import Transaction


def tell_patient(tx: Transaction, actor: Actor, patient_id: str, thread_id: str) -> None:
    """One mail until they have read what there is, to the first address that may be used."""
    patient = people.patient(tx, patient_id)
    user_id = people.user_of_patient(tx, patient_id)
    if patient is None or user_id is None:
        return
    first = store.first_unread(tx, thread_id, user_id)
    for email in allowed_emails(patient.details)[:1]:
        message = OutboxMessage(
            kind="message.received",
            audience="patient",
            dedupe_key=f"message.received:{first}",
            recipient=email,
            about=About(user_id=user_id, patient_id=patient_id, thread_id=thread_id),
            language=patient.details.language,
        )
        enqueue(tx, actor, message)
