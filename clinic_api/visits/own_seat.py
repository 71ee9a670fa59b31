"""Which seat of a visit is the actor's own."""

from __future__ import annotations

from clinic_api.actor import Actor
from clinic_api.guarded import hidden
from clinic_api.transaction import Transaction
from clinic_api.visits import store
from clinic_api.visits.model import Participant, Visit


def own_seat(tx: Transaction, actor: Actor, visit: Visit) -> Participant:
    """The participant's, the treating practitioner's or the patient's. Raises not_found."""
    for seat in store.participants_of(tx, visit.id):
        if _is_own(actor, visit, seat):
            return seat
    raise hidden(tx, actor, "visit", visit.id)


def _is_own(actor: Actor, visit: Visit, seat: Participant) -> bool:
    if actor.kind == "participant":
        return seat.id == actor.id
    if seat.role == "provider":
        treats = visit.practitioner_id is not None
        return treats and actor.practitioner_id == visit.practitioner_id
    return seat.role == "patient" and seat.patient_id in actor.patient_ids
