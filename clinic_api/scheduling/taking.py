"""How a time is taken, inside of one transaction: for holds, bookings and moves alike.

Whoever takes one first waits for others who book for the same patient or practitioner, lets lapsed
holds go, looks at the hours and at what is busy, and inserts. Two that overlap are refused by the
database besides (`guard`).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from clinic_api.actor import Actor
from clinic_api.auth import store as users
from clinic_api.catalogue.model import Offering
from clinic_api.catalogue.service import offering
from clinic_api.directory import store as people
from clinic_api.errors import Refused
from clinic_api.scheduling import store
from clinic_api.scheduling.availability import Span
from clinic_api.scheduling.changes import change
from clinic_api.scheduling.events import told
from clinic_api.scheduling.model import Appointment
from clinic_api.scheduling.search import bookable, free, need_of, plan
from clinic_api.scheduling.slots import Slot
from clinic_api.scheduling.wall import wall_at
from clinic_api.scheduling.zones import zone_of
from clinic_api.transaction import Transaction

FURTHEST = timedelta(days=731)  # more than the longest horizon of a service
_INSTANT = timedelta(microseconds=1)


def offered(tx: Transaction, actor: Actor, service_id: str, practitioner_id: str) -> Offering:
    """What the practitioner gives now. Raises Refused(not_offered) in words, also for one who was
    disabled meanwhile."""
    found = offering(tx, service_id, practitioner_id)
    if found is None or not bookable(actor, found.service) or _is_disabled(tx, practitioner_id):
        raise Refused("not_offered")
    return found


def start_of(tx: Transaction, starts_at: datetime) -> datetime:
    """In UTC. Raises Refused: slot_closed for what is over, or further than anybody books."""
    if not tx.now <= starts_at <= tx.now + FURTHEST:
        raise Refused("slot_closed")
    return starts_at.astimezone(UTC)


def take_slot(
    tx: Transaction,
    actor: Actor,
    given: Offering,
    starts_at: datetime,
    patient_id: str,
    but: tuple[str, ...] = (),
) -> Slot:
    """The slot, which nobody else gets until the commit; appointments `but` are not in its way.

    Staff may start off the grid. Raises Refused: slot_taken, slot_closed.
    """
    need = need_of(tx, actor, given)
    if actor.is_staff:
        need = replace(need, step_min=1)
    around = need.busy(Span(starts_at, starts_at + need.lasts))
    _look(tx, given.practitioner_id, around, but)  # most who are late need not wait
    store.lock(tx, patient_ids=(patient_id,), practitioner_ids=(given.practitioner_id,))
    _look(tx, given.practitioner_id, around, but)
    let_go(tx, actor, given.practitioner_id, around)
    instant = Span(starts_at, starts_at + _INSTANT)
    found = free(plan(tx, given, need, instant, but), instant)
    if not found:
        raise Refused("slot_closed")
    return found[0]


def force_slot(
    tx: Transaction, actor: Actor, given: Offering, starts_at: datetime, patient_id: str
) -> tuple[Slot, bool]:
    """The time, taken or not, and whether it is free. Raises Refused(invalid)."""
    if starts_at.second or starts_at.microsecond:
        raise Refused("invalid", fields={"starts_at": "Please give a full minute."})
    need = need_of(tx, actor, given)
    span = Span(starts_at, starts_at + need.lasts)
    around = need.busy(span)
    store.lock(tx, patient_ids=(patient_id,), practitioner_ids=(given.practitioner_id,))
    let_go(tx, actor, given.practitioner_id, around)
    is_free = not store.busy(tx, given.practitioner_id, around)
    wall = wall_at(starts_at, given.zone, zone_of)
    return Slot(wall=wall, span=span, busy=around, location_id=given.location_id), is_free


def let_go(tx: Transaction, actor: Actor, practitioner_id: str, within: Span) -> None:
    """Holds that have lapsed stand in nobody's way any more."""
    for each in store.lapsed_in(tx, practitioner_id, within):
        lapse(tx, actor, each)


def lapse(tx: Transaction, actor: Actor, over: Appointment) -> None:
    """Its time is over; whoever waited for an approval is told."""
    expired = change(tx, actor, over, "expire")
    if over.state == "pending_approval":
        told(tx, actor, expired, "lapsed")


def _look(tx: Transaction, practitioner_id: str, around: Span, but: tuple[str, ...]) -> None:
    if store.busy(tx, practitioner_id, around, but=but):
        raise Refused("slot_taken")


def _is_disabled(tx: Transaction, practitioner_id: str) -> bool:
    found = people.practitioner(tx, practitioner_id)
    user_id = None if found is None else found.user_id
    user = None if user_id is None else users.user(tx, user_id)
    return user is not None and user.state == "disabled"
