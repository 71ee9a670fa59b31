"""Seats of a visit: made, given a new link, withdrawn. For services; nothing here is one."""

from __future__ import annotations

import msgspec

from clinic_api.actor import Actor
from clinic_api.directory.model import Patient, Practitioner
from clinic_api.errors import Refused
from clinic_api.transaction import Transaction
from clinic_api.visits import links, store
from clinic_api.visits.model import RIGHTS, Participant, Right, Role


class Seat(msgspec.Struct, frozen=True, kw_only=True):
    """What a new participant is."""

    role: Role
    name: str
    language: str = "en"
    phone: str = ""
    email: str = ""
    user_id: str | None = None
    patient_id: str | None = None
    rights: tuple[Right, ...] | None = None  # None: those of the role
    waits: bool = True
    binds_device: bool = True


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """How somebody gets to the visit. Secret: shown to staff, or to the person."""

    participant_id: str
    path: str  # with the token in the fragment, to follow the server's origin
    url: str  # with the server's public address
    qr: str  # SVG of the url
    code: str  # to be read out
    confirmation: str  # of a second device, to be told by phone


def provider_seat(practitioner: Practitioner) -> Seat:
    """The practitioner's own: moderates and never waits."""
    return Seat(
        role="provider",
        name=practitioner.name,
        user_id=practitioner.user_id,
        waits=False,
    )


def patient_seat(patient: Patient) -> Seat:
    """The patient's own, with the contacts on file."""
    details = patient.details
    return Seat(
        role="patient",
        name=details.name,
        language=details.language,
        phone=next(iter(details.phones), ""),
        email=next(iter(details.emails), ""),
        patient_id=patient.id,
    )


def add_seat(tx: Transaction, actor: Actor, visit_id: str, seat: Seat) -> Participant:
    """A participant with a first link."""
    row_id = tx.new_id()
    generation, code = _free_code(tx, row_id, 1)
    rights = RIGHTS[seat.role] if seat.rights is None else seat.rights
    tx.insert(
        store.participants,
        actor,
        id=row_id,
        visit_id=visit_id,
        role=seat.role,
        name=seat.name,
        language=seat.language,
        phone=seat.phone,
        email=seat.email,
        user_id=seat.user_id,
        patient_id=seat.patient_id,
        rights=msgspec.json.encode(rights).decode(),
        waits=seat.waits,
        binds_device=seat.binds_device,
        generation=generation,
        takeovers=0,
        tries=0,
        code=code,
    )
    return known_seat(tx, row_id)


def renew(tx: Transaction, actor: Actor, seat: Participant) -> Participant:
    """A new link; the old one, its code and the device that used it are not valid any more."""
    generation, code = _free_code(tx, seat.id, seat.generation + 1)
    tx.update(
        store.participants,
        actor,
        seat.id,
        generation=generation,
        code=code,
        device=None,
        takeovers=0,
        tries=0,
        revoked_at=None,
    )
    return known_seat(tx, seat.id)


def withdraw(tx: Transaction, actor: Actor, seat: Participant) -> Participant:
    """The person is not to come, or to come again."""
    tx.update(store.participants, actor, seat.id, revoked_at=tx.now, device=None)
    return known_seat(tx, seat.id)


def restore(tx: Transaction, actor: Actor, seat: Participant) -> Participant:
    """The person may come again, by signing in."""
    tx.update(store.participants, actor, seat.id, revoked_at=None)
    return known_seat(tx, seat.id)


def link_of(tx: Transaction, seat: Participant) -> Link:
    """The link that the seat has now."""
    path = links.PATH + links.token_of(tx.keys, seat.id, seat.generation)
    url = tx.public_url + path
    return Link(
        participant_id=seat.id,
        path=path,
        url=url,
        qr=links.qr(url),
        code=links.code_of(tx.keys, seat.id, seat.generation),
        confirmation=links.confirmation_of(tx.keys, seat.id, seat.generation, seat.takeovers),
    )


def known_seat(tx: Transaction, participant_id: str) -> Participant:
    seat = store.participant(tx, participant_id)
    if seat is None:
        raise Refused("not_found")
    return seat


def _free_code(tx: Transaction, participant_id: str, generation: int) -> tuple[int, bytes]:
    """The first generation whose short code is nobody else's, and that code's index."""
    while True:
        code = links.code_of(tx.keys, participant_id, generation)
        indexed = tx.index(store.participants.c.code, code)
        if not store.is_code_taken(tx, indexed):
            return generation, indexed
        generation += 1
