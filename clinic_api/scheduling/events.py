"""What is told when an appointment changes, and later: the one function that every change calls.

A mail says a time, the clinic and a link, never a service, a practitioner or a specialty. It goes
to the first address that the patient's wishes allow; without one nobody is told by mail.
"""

from __future__ import annotations

from typing import Literal

from clinic_api.actor import Actor
from clinic_api.directory import store as people
from clinic_api.directory.mails import allowed_emails
from clinic_api.directory.relations import current_id
from clinic_api.outbox import About, Kind, OutboxMessage, enqueue
from clinic_api.scheduling.model import Appointment
from clinic_api.scheduling.reminders import remind
from clinic_api.transaction import Transaction

Told = Literal["booked", "moved", "cancelled", "declined", "lapsed"]

KINDS: dict[Told, Kind] = {
    "booked": "appointment.booked",
    "moved": "appointment.moved",
    "cancelled": "appointment.cancelled",
    "declined": "appointment.declined",
    "lapsed": "appointment.lapsed",
}


def told(tx: Transaction, actor: Actor, appointment: Appointment, event: Told) -> None:
    """`appointment` as it is now; after a move, the new one."""
    patient = people.patient(tx, current_id(tx, appointment.patient_id))
    if patient is None:
        return
    kind = KINDS[event]
    for email in allowed_emails(patient.details)[:1]:
        message = OutboxMessage(
            kind=kind,
            audience="patient",
            dedupe_key=f"{kind}:{appointment.id}:{appointment.sequence}",
            recipient=email,
            about=About(patient_id=patient.id, appointment_id=appointment.id),
            language=patient.details.language,
            expires_at=None if event == "lapsed" else max(appointment.ends_at, tx.now),
        )
        enqueue(tx, actor, message)
        if event in {"booked", "moved"}:
            remind(tx, actor, appointment, email, patient.details.language)
