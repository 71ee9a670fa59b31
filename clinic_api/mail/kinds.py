"""Each kind of message: whether it still stands when it leaves, and what its link is then.

A kind's function gets the ids that the feature enqueued, reads what is true now, and makes the link
anew from the keyring. None: it does not stand any more (ended, withdrawn, done already), and it is
not sent. Texts are in `texts.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from clinic_api.auth import links as auth_links
from clinic_api.auth import store as users
from clinic_api.directory import claiming
from clinic_api.directory import store as people
from clinic_api.directory.mails import allowed_emails
from clinic_api.directory.relation_store import claim_invitations
from clinic_api.directory.relations import current_id
from clinic_api.mail.rendering import Invite, Wanted
from clinic_api.messages import store as messages
from clinic_api.outbox import About, Kind
from clinic_api.records import documents_store as documents
from clinic_api.scheduling import store as appointments
from clinic_api.scheduling.ics import Method
from clinic_api.scheduling.invites import invite_of
from clinic_api.scheduling.model import Appointment
from clinic_api.scheduling.reminders import still_stands
from clinic_api.transaction import Transaction
from clinic_api.visits import links as visit_links
from clinic_api.visits import store as visits
from clinic_api.visits.visit import OPEN

SIGN_IN = "/sign-in"
Find = Callable[[Transaction, About, datetime], Wanted | None]  # the last: when it was enqueued


def find(tx: Transaction, kind: Kind, about: About, made_at: datetime) -> Wanted | None:
    """What a message of this kind has to say now."""
    return KINDS[kind](tx, about, made_at)


def _activation(tx: Transaction, about: About, made_at: datetime) -> Wanted | None:
    """Until the login is active."""
    del made_at
    return _to("/activate#", auth_links.link_of(tx, "activate", about.user_id))


def _reset(tx: Transaction, about: About, made_at: datetime) -> Wanted | None:
    """While the login is active."""
    del made_at
    return _to("/reset#", auth_links.link_of(tx, "reset", about.user_id))


def _verification(tx: Transaction, about: About, made_at: datetime) -> Wanted | None:
    """Until the address is verified."""
    del made_at
    return _to("/verify#", auth_links.link_of(tx, "verify", about.user_id))


def _to(page: str, link: auth_links.Link | None) -> Wanted | None:
    return None if link is None else Wanted(path=page + link.token, at=link.expires_at)


def _change(tx: Transaction, about: About, made_at: datetime) -> Wanted | None:
    """Always: whoever owns the login has to know."""
    return None if users.user(tx, about.user_id) is None else Wanted(at=made_at)


def _claim(tx: Transaction, about: About, made_at: datetime) -> Wanted | None:
    """While the invitation is open."""
    del made_at
    row = tx.get(claim_invitations, about.invitation_id)
    if row is None or row.claimed_at is not None or row.withdrawn_at is not None:
        return None
    if row.expires_at <= tx.now:
        return None
    token = claiming.claim_token(tx.keys, row.id)
    return Wanted(path=claiming.PATH + token, at=row.expires_at)


def _join_link(tx: Transaction, about: About, made_at: datetime) -> Wanted | None:
    """While the visit is open and the seat is not withdrawn: the link of now."""
    del made_at
    seat = visits.participant(tx, about.participant_id)
    if seat is None or seat.revoked_at is not None:
        return None
    visit = visits.visit(tx, seat.visit_id)
    if visit is None or visit.state not in OPEN or visit.expires_at <= tx.now:
        return None
    if about.appointment_id and about.appointment_id != visit.appointment_id:
        return None  # moved: another message tells of the new time
    token = visit_links.token_of(tx.keys, seat.id, seat.generation)
    begins_at = visit.starts_at or visit.opens_at
    zone = _zone_of(tx, visit.appointment_id)
    shown = begins_at if begins_at > tx.now else None
    return Wanted(path=visit_links.PATH + token, at=shown, zone=zone)


def _zone_of(tx: Transaction, appointment_id: str | None) -> str:
    """As the patient's clock shows; "": the clinic's."""
    found = None if appointment_id is None else appointments.find(tx, appointment_id)
    return "" if found is None else found.shown_zone


def _document(tx: Transaction, about: About, made_at: datetime) -> Wanted | None:
    """While the patient may see it."""
    del made_at
    row = documents.document_row(tx, about.document_id)
    if row is None or row.released_at is None or row.withdrawn_at is not None:
        return None
    return Wanted(path=SIGN_IN)


def _message(tx: Transaction, about: About, made_at: datetime) -> Wanted | None:
    """While something is unread."""
    del made_at
    unread = messages.first_unread(tx, about.thread_id, about.user_id) if about.thread_id else ""
    return Wanted(path=SIGN_IN) if unread else None


def _to_come(tx: Transaction, about: About, made_at: datetime) -> Wanted | None:
    """While the appointment is booked and still to come; its time as the patient's clock shows."""
    del made_at
    found = appointments.find(tx, about.appointment_id)
    if found is None or found.state != "booked" or found.starts_at <= tx.now:
        return None
    return _telling(tx, found, "REQUEST")


def _not_to_come(tx: Transaction, about: About, made_at: datetime) -> Wanted | None:
    """Until the time when somebody would come in vain."""
    del made_at
    found = appointments.find(tx, about.appointment_id)
    if found is None or found.state != "cancelled" or found.starts_at <= tx.now:
        return None
    return _telling(tx, found, "CANCEL")


def _declined(tx: Transaction, about: About, made_at: datetime) -> Wanted | None:
    """Until the time that was asked for."""
    del made_at
    found = appointments.find(tx, about.appointment_id)
    if found is None or found.state != "cancelled" or found.starts_at <= tx.now:
        return None
    return _telling(tx, found, _taken_back(found))


def _lapsed(tx: Transaction, about: About, made_at: datetime) -> Wanted | None:
    """Also after the time that was asked for: a request lapses when that begins."""
    del made_at
    found = appointments.find(tx, about.appointment_id)
    if found is None or found.state != "expired":
        return None
    return _telling(tx, found, _taken_back(found))


def _taken_back(found: Appointment) -> Method | None:
    """Out of the calendar, if it was ever in there: what is moved may have been booked before."""
    return None if found.moved_from is None else "CANCEL"


def _reminder(tx: Transaction, about: About, made_at: datetime) -> Wanted | None:
    """While the appointment is booked for the time that it reminds of, and not about to begin."""
    del made_at
    found = appointments.find(tx, about.appointment_id)
    if found is None or not still_stands(found, about.code, tx.now):
        return None
    return msgspec.structs.replace(_telling(tx, found), path=_way_in(tx, found.id))


def _way_in(tx: Transaction, appointment_id: str) -> str:
    """The patient's own link to the visit, for whoever has no login; else where to sign in."""
    visit = visits.visit_of(tx, appointment_id)
    if visit is not None and visit.state in OPEN:
        for seat in visits.participants_of(tx, visit.id):
            if seat.role == "patient" and seat.revoked_at is None:
                return visit_links.PATH + visit_links.token_of(tx.keys, seat.id, seat.generation)
    return SIGN_IN


def _telling(tx: Transaction, found: Appointment, method: Method | None = None) -> Wanted:
    """To where the patient's wishes allow it now; with `method` for their calendar too."""
    patient = people.patient(tx, current_id(tx, found.patient_id))
    invite = Invite(entry=invite_of(tx, found), method=method) if method else None
    return Wanted(
        path=SIGN_IN,
        at=found.starts_at,
        zone=found.shown_zone,
        recipients=tuple(allowed_emails(patient.details)) if patient else (),
        invite=invite,
    )


KINDS: dict[Kind, Find] = {
    "account.invitation": _activation,
    "account.reset_password": _reset,
    "account.verify_email": _verification,
    "account.factor_changed": _change,
    "patient.claim": _claim,
    "visit.invitation": _join_link,
    "visit.link_recovery": _join_link,
    "appointment.booked": _to_come,
    "appointment.moved": _to_come,
    "appointment.cancelled": _not_to_come,
    "appointment.declined": _declined,
    "appointment.lapsed": _lapsed,
    "appointment.reminder_day": _reminder,
    "appointment.reminder_hour": _reminder,
    "document.released": _document,
    "message.received": _message,
}
