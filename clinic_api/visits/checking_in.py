"""What a visit by video needs to know of the patient now: where, how to call back, who is there.

Asked at the start of each visit, sealed, shown to who treats. The newest answers count; older ones
stay. Without consent to the video visit there is no check-in. What was said last time is proposed
to who signed in, never to who only holds a link.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from clinic_api.actor import Actor
from clinic_api.directory.contacts import tidy_phone
from clinic_api.directory.model import Id, Line, Phone
from clinic_api.errors import Attempt, Refused
from clinic_api.guarded import guarded, hidden
from clinic_api.organisation.store import organisation
from clinic_api.transaction import Transaction
from clinic_api.visits import check_in_store as store
from clinic_api.visits.check_in_store import Answers, CheckIn, IdentityMethod
from clinic_api.visits.consenting import lacks_consent
from clinic_api.visits.intake import lacks_intake
from clinic_api.visits.model import PATIENT_SIDE, Participant, Visit
from clinic_api.visits.outcomes import follow_visit
from clinic_api.visits.own_seat import own_seat
from clinic_api.visits.service import permitted


class SayWhere(msgspec.Struct, frozen=True, kw_only=True):
    """Answered by the patient, or by who acts for the patient."""

    visit_id: Id
    location: Annotated[str, Meta(min_length=1, max_length=300)]
    callback: Phone
    emergency_contact: Line = ""
    others_present: Line = ""


class CheckInOf(msgspec.Struct, frozen=True):
    visit_id: Id


class CheckInView(msgspec.Struct, frozen=True, kw_only=True):
    """`said`: at this visit; `proposed`: what was said last, to be confirmed again."""

    said: CheckIn | None
    proposed: Answers | None


@guarded("visit.check_in")
def check_in(tx: Transaction, actor: Actor, command: SayWhere) -> CheckInView:
    """Raises Refused: not_found, consent_needed, intake_needed, invalid."""
    visit = permitted(tx, actor, command.visit_id)
    seat = own_seat(tx, actor, visit)
    if seat.role not in PATIENT_SIDE:
        raise hidden(tx, actor, "visit", visit.id)
    if lacks_consent(tx, seat):
        attempt = Attempt(actor.kind, actor.id, tx.action, "visit", visit.id, actor.client)
        raise Refused("consent_needed", attempt=attempt)
    if lacks_intake(tx, visit, seat):
        raise Refused("intake_needed")
    answers = Answers(
        location=command.location,
        callback=tidy_phone(command.callback, organisation(tx).country, "callback"),
        emergency_contact=command.emergency_contact,
        others_present=command.others_present,
    )
    store.insert_check_in(
        tx,
        actor,
        answers,
        visit_id=visit.id,
        participant_id=seat.id,
        patient_id=seat.patient_id,
        identity_method=_identity(actor, seat),
    )
    follow_visit(tx, visit.id)
    tx.note(actor, "visit", visit.id, patient_id=visit.patient_id or "")
    return CheckInView(said=store.newest_of_visit(tx, visit.id), proposed=None)


@guarded("visit.read_check_in")
def read_check_in(tx: Transaction, actor: Actor, command: CheckInOf) -> CheckInView:
    """Raises Refused(not_found)."""
    visit = permitted(tx, actor, command.visit_id)
    if actor.kind == "participant" and own_seat(tx, actor, visit).role not in PATIENT_SIDE:
        raise hidden(tx, actor, "visit", visit.id)
    tx.note(actor, "visit", visit.id, patient_id=visit.patient_id or "")
    return CheckInView(
        said=store.newest_of_visit(tx, visit.id), proposed=_proposed(tx, actor, visit)
    )


def _proposed(tx: Transaction, actor: Actor, visit: Visit) -> Answers | None:
    if visit.patient_id is None or visit.patient_id not in actor.patient_ids:
        return None
    last = store.newest_of_patient(tx, visit.patient_id)
    return None if last is None else last.answers


def _identity(actor: Actor, seat: Participant) -> IdentityMethod:
    """How sure it is that this is who it should be."""
    if actor.kind == "user":
        return "login"
    return "second_fact" if seat.takeovers else "link"
