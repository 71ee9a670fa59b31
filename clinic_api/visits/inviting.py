"""Links that leave by mail: invitations, and links that somebody has lost.

The outbox holds ids only; the link is made when the mail leaves. Who asks for a lost link gets one
answer, whoever they are; the link goes to the address on file and nowhere else.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from clinic_api.actor import Actor
from clinic_api.directory import store as people
from clinic_api.directory.contacts import tidy_email, tidy_phone
from clinic_api.directory.mails import allowed_emails
from clinic_api.errors import Refused
from clinic_api.guarded import guarded
from clinic_api.organisation.store import organisation
from clinic_api.outbox import About, Kind, OutboxMessage, enqueue
from clinic_api.transaction import Transaction
from clinic_api.visits import store
from clinic_api.visits.model import Participant, Visit

RECOVERIES_PER_HOUR = 1  # mails; asking is limited by the door


class RecoverLink(msgspec.Struct, frozen=True):
    """The phone number or e-mail address that the clinic has."""

    contact: Annotated[str, Meta(min_length=1, max_length=254)]


class Asked(msgspec.Struct, frozen=True):
    """The same for everybody; what it promises depends on whether there is a mail server."""

    answer: Literal[
        "If we know you, your link is on its way to the e-mail address on file.",
        "If we know you, your link is at the clinic's desk, which sends no mail: please call.",
    ]


def _asked(tx: Transaction) -> Asked:
    if tx.sends_mail:
        return Asked("If we know you, your link is on its way to the e-mail address on file.")
    return Asked(
        "If we know you, your link is at the clinic's desk, which sends no mail: please call."
    )


@guarded("visit.recover_link")
def recover_link(tx: Transaction, actor: Actor, command: RecoverLink) -> Asked:
    """Mail the links of open visits to the address on file, or put them on the desk's list; one
    answer in any case."""
    seats = _seats_of(tx, command.contact)
    hour = tx.now.strftime("%Y%m%d%H")
    for seat in seats:
        _mail(tx, actor, seat, "visit.link_recovery", hour)
    tx.note(actor, "participant", found=str(len(seats)))
    return _asked(tx)


def mail_invitation(tx: Transaction, actor: Actor, seat: Participant, visit: Visit) -> None:
    """Once per link and appointment, if there is an address that may be used."""
    _mail(tx, actor, seat, "visit.invitation", "", visit.appointment_id or "")


def _mail(
    tx: Transaction,
    actor: Actor,
    seat: Participant,
    kind: Kind,
    which: str,
    appointment_id: str = "",
) -> None:
    recipient = _address_of(tx, seat)
    if not recipient:
        return
    enqueue(
        tx,
        actor,
        OutboxMessage(
            kind=kind,
            audience="patient",
            dedupe_key=f"{kind}:{seat.id}:{seat.generation}:{which}{appointment_id}",
            recipient=recipient,
            about=About(
                participant_id=seat.id, visit_id=seat.visit_id, appointment_id=appointment_id
            ),
            language=seat.language,
        ),
    )


def _seats_of(tx: Transaction, contact: str) -> list[Participant]:
    """Open seats of whoever has this contact, on the seat or in the record."""
    try:
        if "@" in contact:
            tidy = tidy_email(contact, "contact")
        else:
            tidy = tidy_phone(contact, organisation(tx).country, "contact")
    except Refused:
        return []  # the answer must not tell
    known = people.patients_by_contact(tx, tidy)
    return store.open_seats_of(tx, tidy, known)


def _address_of(tx: Transaction, seat: Participant) -> str:
    """Where mail may go: the seat's own address, else the record's, by the patient's wishes."""
    patient = None if seat.patient_id is None else people.patient(tx, seat.patient_id)
    if patient is None or seat.role != "patient":
        return seat.email
    return next(iter(allowed_emails(patient.details, seat.email)), "")
