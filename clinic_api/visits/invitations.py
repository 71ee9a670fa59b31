"""Who else comes to a visit, and by which link: invited, shown, renewed, withdrawn."""

from __future__ import annotations

import msgspec

from clinic_api.actor import Actor
from clinic_api.directory.contacts import tidy_email, tidy_name, tidy_phone
from clinic_api.directory.model import Email, Id, Language, Name, Phone
from clinic_api.errors import Refused
from clinic_api.guarded import guarded, hidden
from clinic_api.organisation.store import organisation
from clinic_api.transaction import Transaction
from clinic_api.visits import store
from clinic_api.visits.inviting import mail_invitation
from clinic_api.visits.model import PATIENT_SIDE, Participant, Role, Visit
from clinic_api.visits.seats import Link, Seat, add_seat, link_of, renew, withdraw
from clinic_api.visits.service import permitted
from clinic_api.visits.third_parties import check_bringing, check_sending_away
from clinic_api.visits.views import VisitView, view_of
from clinic_api.visits.visit import OPEN


class Invite(msgspec.Struct, frozen=True, kw_only=True):
    """One more: an interpreter, family, a student, a guest, somebody who acts for the patient.

    Patients invite family; staff anybody."""

    visit_id: Id
    role: Role
    name: Name
    phone: Phone = ""
    email: Email = ""
    language: Language = "en"


class OneSeat(msgspec.Struct, frozen=True, kw_only=True):
    visit_id: Id
    participant_id: Id


@guarded("visit.invite")
def invite(tx: Transaction, actor: Actor, command: Invite) -> Link:
    """A seat and its link. Raises Refused: not_found, illegal_event, invalid."""
    visit = permitted(tx, actor, command.visit_id)
    if visit.state not in OPEN:
        raise Refused("illegal_event", f"A visit that is {visit.state} takes nobody in.")
    if command.role in ("provider", "device"):
        fields = {"role": "Who treats is not invited, and devices are not."}
        raise Refused("invalid", fields=fields)
    check_bringing(tx, actor, visit, command.role)
    seat = Seat(
        role=command.role,
        name=tidy_name(command.name),
        language=command.language,
        phone=tidy_phone(command.phone, organisation(tx).country) if command.phone else "",
        email=tidy_email(command.email) if command.email else "",
        patient_id=visit.patient_id if command.role in PATIENT_SIDE else None,
    )
    added = add_seat(tx, actor, visit.id, seat)
    mail_invitation(tx, actor, added, visit)
    tx.note(actor, "participant", added.id, patient_id=visit.patient_id or "")
    return link_of(tx, added)


@guarded("visit.show_link")
def show_link(tx: Transaction, actor: Actor, command: OneSeat) -> Link:
    """The link that a seat has: to copy, print, show or read out. Raises not_found, gone."""
    visit, seat = _seat(tx, actor, command)
    if seat.revoked_at is not None or visit.state not in OPEN:
        raise Refused("gone")
    tx.note(actor, "participant", seat.id, patient_id=visit.patient_id or "")
    return link_of(tx, seat)


@guarded("visit.renew_link")
def renew_link(tx: Transaction, actor: Actor, command: OneSeat) -> Link:
    """A new link in place of the old one, which says that it was withdrawn."""
    visit, seat = _seat(tx, actor, command)
    if visit.state not in OPEN:
        raise Refused("gone")
    renewed = renew(tx, actor, seat)
    mail_invitation(tx, actor, renewed, visit)
    tx.note(actor, "participant", seat.id, patient_id=visit.patient_id or "")
    return link_of(tx, renewed)


@guarded("visit.revoke")
def revoke(tx: Transaction, actor: Actor, command: OneSeat) -> VisitView:
    """Nobody comes by this seat any more; a call that runs is left within seconds."""
    visit, seat = _seat(tx, actor, command)
    check_sending_away(tx, actor, visit, seat)
    withdraw(tx, actor, seat)
    tx.note(actor, "participant", seat.id, patient_id=visit.patient_id or "")
    return view_of(tx, actor, visit)


def _seat(tx: Transaction, actor: Actor, command: OneSeat) -> tuple[Visit, Participant]:
    visit = permitted(tx, actor, command.visit_id)
    seat = store.participant(tx, command.participant_id)
    if seat is None or seat.visit_id != visit.id or seat.role == "provider":
        raise hidden(tx, actor, "participant", command.participant_id)
    return visit, seat
