"""What of a visit is shown to whom: never another person's contacts, the reason by need only."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from clinic_api.actor import Actor
from clinic_api.guarded import Facts
from clinic_api.transaction import Transaction
from clinic_api.visits import call_store, store
from clinic_api.visits.model import (
    PATIENT_SIDE,
    Kind,
    Modality,
    Participant,
    Participation,
    Role,
    Visit,
    lacks_agreement,
)
from clinic_api.visits.visit import OPEN, State

Presence = Literal["away", "waiting", "in_call"]


class SeatView(msgspec.Struct, frozen=True, kw_only=True):
    """One who takes part. Contacts are shown to staff and to the person."""

    id: str
    role: Role
    name: str
    language: str
    phone: str
    email: str
    revoked: bool
    on_a_device: bool
    asks_agreement: bool  # a student, of whom the patient has not said yes yet
    presence: Presence
    since: datetime | None  # of waiting or being in the call


class VisitView(msgspec.Struct, frozen=True, kw_only=True):
    """A visit as the actor may see it."""

    id: str
    version: int
    kind: Kind
    state: State
    practitioner_id: str | None
    patient_id: str | None
    appointment_id: str | None
    starts_at: datetime | None  # as booked
    reason: str
    declared_modality: Modality
    real_modality: Modality | None
    opens_at: datetime
    expires_at: datetime
    first_joined_at: datetime | None
    admitted_at: datetime | None
    call_started_at: datetime | None
    call_ended_at: datetime | None
    ended_at: datetime | None
    late_minutes: int | None
    participants: tuple[SeatView, ...]


def facts_of(visit: Visit) -> Facts:
    """Whose a visit is."""
    return Facts(
        kind="visit",
        id=visit.id,
        patient_ids=() if visit.patient_id is None else (visit.patient_id,),
        practitioner_ids=() if visit.practitioner_id is None else (visit.practitioner_id,),
        visit_id=visit.id,
    )


def view_of(tx: Transaction, actor: Actor, visit: Visit) -> VisitView:
    """The whole visit for the actor, who has been permitted to see it."""
    seats = store.participants_of(tx, visit.id)
    here = call_store.here_now(tx, visit.id) if visit.state in OPEN else []
    shared = {
        name: getattr(visit, name)
        for name in VisitView.__struct_fields__
        if name not in ("reason", "participants")
    }
    return VisitView(
        reason=store.reason_of(tx, visit.id) if _may_read_reason(actor, visit, seats) else "",
        participants=tuple(_seat_view(actor, seat, here) for seat in seats),
        **shared,
    )


def _may_read_reason(actor: Actor, visit: Visit, seats: list[Participant]) -> bool:
    treats = actor.practitioner_id is not None and actor.practitioner_id == visit.practitioner_id
    own = visit.patient_id in actor.patient_ids
    sits = any(seat.id == actor.id and seat.role in PATIENT_SIDE for seat in seats)
    return treats or own or sits or "nurse" in actor.roles or actor.kind == "system"


def _seat_view(actor: Actor, seat: Participant, here: list[Participation]) -> SeatView:
    own = seat.id == actor.id or seat.patient_id in actor.patient_ids
    shown = own or actor.is_staff or actor.kind == "system"
    presence, since = _presence([one for one in here if one.participant_id == seat.id])
    return SeatView(
        id=seat.id,
        role=seat.role,
        name=seat.name,
        language=seat.language,
        phone=seat.phone if shown else "",
        email=seat.email if shown else "",
        revoked=seat.revoked_at is not None,
        on_a_device=seat.bound,
        asks_agreement=lacks_agreement(seat),
        presence=presence,
        since=since,
    )


def _presence(comings: list[Participation]) -> tuple[Presence, datetime | None]:
    """Of one person, perhaps on several devices."""
    admitted = [one.admitted_at for one in comings if one.admitted_at is not None]
    if admitted:
        return "in_call", min(admitted)
    since = min((one.joined_at for one in comings), default=None)
    return ("away" if since is None else "waiting"), since
