"""Which seat of a visit is the actor's own."""

from __future__ import annotations

from clinic_api.actor import Actor
from clinic_api.directory.model import Proxy, stands
from clinic_api.directory.relation_store import proxies_held
from clinic_api.guarded import hidden
from clinic_api.transaction import Transaction
from clinic_api.visits import store
from clinic_api.visits.model import Participant, Visit
from clinic_api.visits.seats import Seat, add_seat, restore


def own_seat(tx: Transaction, actor: Actor, visit: Visit) -> Participant:
    """The participant's, the treating practitioner's, the patient's, or that of who acts for the
    patient. Raises Refused(not_found)."""
    seat = _found(tx, actor, visit, _proxy(tx, actor, visit))
    if seat is None:
        raise hidden(tx, actor, "visit", visit.id)
    return seat


def seat_for(tx: Transaction, actor: Actor, visit: Visit) -> Participant:
    """As `own_seat`; who acts for the patient gets one beside the patient's, and a practitioner
    whose login was disabled for a while gets theirs back. Raises Refused(not_found)."""
    proxy = _proxy(tx, actor, visit)
    seat = _found(tx, actor, visit, proxy)
    if seat is None and proxy is not None:
        return add_seat(tx, actor, visit.id, _proxy_seat(actor, proxy))
    if seat is None:
        raise hidden(tx, actor, "visit", visit.id)
    came_back = seat.role == "provider" and seat.revoked_at is not None and actor.kind == "user"
    return restore(tx, actor, seat) if came_back else seat


def name_there(tx: Transaction, actor: Actor, visit: Visit) -> str:
    """What the actor is called in the seat that `seat_for` gives. Raises Refused(not_found)."""
    proxy = _proxy(tx, actor, visit)
    seat = _found(tx, actor, visit, proxy)
    if seat is not None:
        return seat.name
    if proxy is None:
        raise hidden(tx, actor, "visit", visit.id)
    return proxy.name


def _found(tx: Transaction, actor: Actor, visit: Visit, proxy: Proxy | None) -> Participant | None:
    for seat in store.participants_of(tx, visit.id):
        if _is_own(actor, visit, seat, proxy):
            return seat
    return None


def _is_own(actor: Actor, visit: Visit, seat: Participant, proxy: Proxy | None) -> bool:
    if actor.kind == "participant":
        return seat.id == actor.id
    if seat.role == "provider":
        treats = visit.practitioner_id is not None
        return treats and actor.practitioner_id == visit.practitioner_id
    if proxy is not None:
        return seat.role == "proxy" and seat.user_id == actor.id
    return seat.role == "patient" and seat.patient_id in actor.patient_ids


def _proxy(tx: Transaction, actor: Actor, visit: Visit) -> Proxy | None:
    """By what the actor acts for the patient of this visit; None for the patient."""
    if actor.kind != "user" or visit.patient_id not in actor.patient_ids:
        return None
    held = [one for one in proxies_held(tx, actor.id) if one.patient_id == visit.patient_id]
    return next((one for one in held if stands(one, tx.now)), None)


def _proxy_seat(actor: Actor, proxy: Proxy) -> Seat:
    return Seat(
        role="proxy",
        name=proxy.name,
        phone=proxy.phone,
        email=proxy.email,
        user_id=actor.id,
        patient_id=proxy.patient_id,
    )
