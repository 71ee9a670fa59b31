"""Interpreters, family and students: beside the patient and whoever treats, by links of their own.

They always wait to be let in, never begin a visit by coming, and see no chat from before. A student
only listens and watches, and only with the patient's agreement, which is kept with who gave it.
"""

from __future__ import annotations

import msgspec

from clinic_api.actor import Actor
from clinic_api.directory.model import Id
from clinic_api.errors import Refused
from clinic_api.guarded import guarded, hidden
from clinic_api.transaction import Transaction
from clinic_api.visits import store
from clinic_api.visits.model import PATIENT_SIDE, Participant, Visit, lacks_agreement
from clinic_api.visits.own_seat import own_seat
from clinic_api.visits.seats import withdraw
from clinic_api.visits.service import permitted
from clinic_api.visits.views import VisitView, view_of
from clinic_api.visits.visit import OPEN

MAX_FAMILY = 4  # that the patient brings along


class SayAgreement(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the patient agrees that this student is there. Staff say what the patient told
    them; without agreement, or when it is taken back, the student's link ends."""

    visit_id: Id
    participant_id: Id
    agreed: bool


@guarded("visit.agree")
def say_agreement(tx: Transaction, actor: Actor, command: SayAgreement) -> VisitView:
    """Raises Refused: not_found, gone (withdrawn before, or the visit is over)."""
    visit = permitted(tx, actor, command.visit_id)
    if not (actor.is_staff and visit.patient_id not in actor.patient_ids):
        check_patient_side(tx, actor, visit)
    seat = store.participant(tx, command.participant_id)
    if seat is None or seat.visit_id != visit.id or seat.role != "student":
        raise hidden(tx, actor, "participant", command.participant_id)
    if seat.revoked_at is not None or visit.state not in OPEN:
        raise Refused("gone")
    if command.agreed:
        tx.update(store.participants, actor, seat.id, agreed_at=tx.now, agreed_by=actor.label)
    else:
        withdraw(tx, actor, seat)
    event = "agree" if command.agreed else "refuse"
    tx.note(actor, "participant", seat.id, patient_id=visit.patient_id or "", event=event)
    return view_of(tx, actor, visit)


def check_agreement(seat: Participant) -> None:
    """Raises Refused(agreement_needed) for a student about whom the patient has not said yes."""
    if lacks_agreement(seat):
        raise Refused("agreement_needed")


def check_bringing(tx: Transaction, actor: Actor, visit: Visit, role: str) -> None:
    """What a patient may invite: some of the family. Raises Refused: not_found, invalid."""
    if actor.is_staff or actor.kind == "system":
        return
    check_patient_side(tx, actor, visit)
    if role != "family":
        raise Refused("invalid", fields={"role": "You can invite family; the clinic all others."})
    seats = store.participants_of(tx, visit.id)
    if sum(seat.role == "family" for seat in seats) >= MAX_FAMILY:
        sentence = f"You can invite {MAX_FAMILY}. Please call the clinic if there are more."
        raise Refused("invalid", fields={"role": sentence})


def check_sending_away(tx: Transaction, actor: Actor, visit: Visit, seat: Participant) -> None:
    """Whom a patient may take the link from: family, and students. Raises Refused(not_found)."""
    if actor.is_staff or actor.kind == "system":
        return
    check_patient_side(tx, actor, visit)
    if seat.role not in ("family", "student"):
        raise hidden(tx, actor, "participant", seat.id)


def check_patient_side(tx: Transaction, actor: Actor, visit: Visit) -> None:
    """Raises Refused(not_found) for whoever is not the patient, and acts for nobody."""
    own = actor.kind == "user" and visit.patient_id in actor.patient_ids
    if not own and own_seat(tx, actor, visit).role not in PATIENT_SIDE:
        raise hidden(tx, actor, "visit", visit.id)
