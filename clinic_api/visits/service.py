"""Visits: made at once or by a walk-in, listed, read, ended; who is invited, by which link."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Annotated

import msgspec
import sqlalchemy as sa
from msgspec import Meta

from clinic_api.actions import ACTIONS
from clinic_api.actor import Actor
from clinic_api.directory import store as people
from clinic_api.directory.model import (
    Email,
    Id,
    Language,
    Name,
    Patient,
    PatientDetails,
    Phone,
    Practitioner,
    Slug,
)
from clinic_api.directory.relations import current_id, relate
from clinic_api.directory.relations import facts_of as patient_facts
from clinic_api.directory.service import add_patient
from clinic_api.errors import Refused
from clinic_api.guarded import Facts, guarded, hidden, permit, relations
from clinic_api.paging import DEFAULT_ITEMS, MAX_ITEMS, Cursor, Limit, Page
from clinic_api.transaction import Transaction
from clinic_api.visits import store
from clinic_api.visits.inviting import mail_invitation
from clinic_api.visits.model import Kind, Modality, Visit
from clinic_api.visits.outcomes import follow_visit
from clinic_api.visits.seats import (
    Link,
    add_seat,
    link_of,
    patient_seat,
    provider_seat,
)
from clinic_api.visits.views import VisitView, facts_of, view_of
from clinic_api.visits.visit import OPEN, Event, State, after

INSTANT_LASTS = timedelta(hours=24)  # to be joined within; once begun it lasts until it is ended
Reason = Annotated[str, Meta(max_length=1000)]


class CreateInstantVisit(msgspec.Struct, frozen=True, kw_only=True):
    """A patient on file, or a name with a phone number, an e-mail address or neither."""

    patient_id: Id | None = None
    name: Annotated[str, Meta(max_length=200)] = ""
    phone: Phone = ""
    email: Email = ""
    language: Language = "en"
    practitioner_id: Id | None = None  # None: whoever asks
    reason: Reason = ""
    modality: Modality = "video"


class WalkIn(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody without an appointment at `/with/<address>`."""

    address: Slug
    name: Name
    phone: Phone = ""
    email: Email = ""
    language: Language = "en"
    reason: Reason = ""
    modality: Modality = "video"


class InstantVisit(msgspec.Struct, frozen=True, kw_only=True):
    """The visit, and how the patient gets in."""

    id: str
    version: int
    visit: VisitView
    link: Link


class OneVisit(msgspec.Struct, frozen=True):
    visit_id: Id


class ListVisits(msgspec.Struct, frozen=True, kw_only=True):
    """Newest first; `open_only`: what may still be joined."""

    patient_id: Id | None = None
    practitioner_id: Id | None = None
    open_only: bool = False
    cursor: Cursor = ""
    limit: Limit = DEFAULT_ITEMS


@guarded("visit.create")
def create_instant_visit(
    tx: Transaction, actor: Actor, command: CreateInstantVisit
) -> InstantVisit:
    """Raises Refused: invalid, not_found (practitioner, patient)."""
    practitioner = _practitioner(tx, actor, command.practitioner_id or actor.practitioner_id or "")
    if command.patient_id is None:
        patient = _new_patient(tx, actor, command)
    else:
        patient = _patient(tx, actor, command.patient_id)
        # A visit makes a care relation: whoever has none must not give it to themselves.
        permit(tx, actor, patient_facts(tx, patient.id))
    return _open(
        tx,
        actor,
        "instant",
        practitioner,
        patient,
        command.reason,
        command.modality,
    )


@guarded("visit.walk_in")
def walk_in(tx: Transaction, actor: Actor, command: WalkIn) -> InstantVisit:
    """A stranger's own visit, with a record that staff match later. Raises not_found, invalid."""
    practitioner = people.practitioner_at(tx, command.address)
    if practitioner is None or not (practitioner.active and practitioner.accepts_walk_ins):
        raise hidden(tx, actor, "practitioner", command.address)
    patient = _new_patient(tx, actor, command)
    made = _open(tx, actor, "walk_in", practitioner, patient, command.reason, command.modality)
    seats = tuple(seat for seat in made.visit.participants if seat.id == made.link.participant_id)
    own = msgspec.structs.replace(made.visit, participants=seats)
    return msgspec.structs.replace(made, visit=own)


def _open(
    tx: Transaction,
    actor: Actor,
    kind: Kind,
    practitioner: Practitioner,
    patient: Patient,
    reason: str,
    modality: Modality,
) -> InstantVisit:
    visit_id = store.insert_visit(
        tx,
        actor,
        reason,
        room=new_room(),
        kind=kind,
        practitioner_id=practitioner.id,
        patient_id=patient.id,
        declared_modality=modality,
        opens_at=tx.now,
        expires_at=tx.now + INSTANT_LASTS,
    )
    relate(tx, actor, patient.id, practitioner.id)
    add_seat(tx, actor, visit_id, provider_seat(practitioner))
    seat = add_seat(tx, actor, visit_id, patient_seat(patient))
    visit = known_visit(tx, visit_id)
    mail_invitation(tx, actor, seat, visit)
    tx.note(actor, "visit", visit_id, patient_id=patient.id)
    return InstantVisit(
        id=visit.id,
        version=visit.version,
        visit=view_of(tx, actor, visit),
        link=link_of(tx, seat),
    )


def new_room() -> str:
    """An opaque name for call control, 128 bits."""
    return secrets.token_hex(16)


@guarded("visit.list")
def list_visits(tx: Transaction, actor: Actor, command: ListVisits) -> Page[VisitView]:
    """What the actor may see, newest first."""
    narrow = [_visible(actor)]
    if command.patient_id is not None:
        narrow.append(store.visits.c.patient_id == command.patient_id)
    if command.practitioner_id is not None:
        narrow.append(store.visits.c.practitioner_id == command.practitioner_id)
    if command.open_only:
        narrow.append(store.visits.c.state.in_(OPEN))
    found = store.visit_page(tx, narrow, command.cursor, command.limit)
    for visit in found.items:
        tx.note(actor, "visit", visit.id, patient_id=visit.patient_id or "")
    if not found.items:
        tx.note(actor, "visit_list", shown="0")
    return Page(tuple(view_of(tx, actor, visit) for visit in found.items), found.next)


def _visible(actor: Actor) -> sa.ColumnElement[bool]:
    held = relations(ACTIONS["visit.list"], actor)
    if "any" in held:
        return sa.true()
    mine: list[sa.ColumnElement[bool]] = [sa.false()]
    if "care" in held and actor.practitioner_id is not None:
        mine.append(store.visits.c.practitioner_id == actor.practitioner_id)
    if "own" in held:
        mine.append(store.visits.c.patient_id.in_(sorted(actor.patient_ids)))
    return sa.or_(*mine)


@guarded("visit.read")
def read_visit(tx: Transaction, actor: Actor, command: OneVisit) -> VisitView:
    """Raises Refused(not_found)."""
    visit = permitted(tx, actor, command.visit_id)
    tx.note(actor, "visit", visit.id, patient_id=visit.patient_id or "")
    return view_of(tx, actor, visit)


@guarded("visit.end")
def end_visit(tx: Transaction, actor: Actor, command: OneVisit) -> VisitView:
    """Close the visit; what was not begun yet is cancelled. Raises not_found, illegal_event."""
    visit = permitted(tx, actor, command.visit_id)
    nobody_came = visit.state == "planned" and visit.first_joined_at is None
    if nobody_came and visit.kind == "booked":
        raise Refused(
            "illegal_event", "Nobody has come yet. Please cancel or move the appointment instead."
        )
    moved = close(tx, actor, visit, "cancel" if nobody_came else "end", tx.now)
    return view_of(tx, actor, moved)


def close(tx: Transaction, actor: Actor, visit: Visit, event: Event, at: datetime) -> Visit:
    """The visit is over since `at`, by `event`: noted, with the end of a call that still runs."""
    runs = visit.call_started_at is not None and visit.call_ended_at is None
    state: State = after(visit.state, event)
    tx.update(
        store.visits,
        actor,
        visit.id,
        state=state,
        ended_at=at,
        call_ended_at=at if runs else visit.call_ended_at,
    )
    tx.note(actor, "visit", visit.id, patient_id=visit.patient_id or "", event=event)
    follow_visit(tx, visit.id)
    return known_visit(tx, visit.id)


@guarded("visit.expire")
def expire_visits(tx: Transaction, actor: Actor) -> int:
    """For the jobs: what nobody came to in time; how many."""
    overdue = store.overdue_visits(tx, MAX_ITEMS)
    for visit in overdue:
        close(tx, actor, visit, "expire", tx.now)
    return len(overdue)


def permitted(tx: Transaction, actor: Actor, visit_id: str) -> Visit:
    """The visit, for the running service. Raises Refused(not_found), audited."""
    visit = store.visit(tx, visit_id)
    if visit is None:
        raise hidden(tx, actor, "visit", visit_id)
    permit(tx, actor, facts_of(visit))
    return visit


def known_visit(tx: Transaction, visit_id: str) -> Visit:
    visit = store.visit(tx, visit_id)
    if visit is None:
        raise Refused("not_found")
    return visit


def _practitioner(tx: Transaction, actor: Actor, practitioner_id: str) -> Practitioner:
    practitioner = people.practitioner(tx, practitioner_id)
    if practitioner is None or not practitioner.active:
        raise hidden(tx, actor, "practitioner", practitioner_id)
    facts = Facts(kind="practitioner", id=practitioner_id, practitioner_ids=(practitioner_id,))
    permit(tx, actor, facts)
    return practitioner


def _patient(tx: Transaction, actor: Actor, patient_id: str) -> Patient:
    patient = people.patient(tx, current_id(tx, patient_id))
    if patient is None:
        raise hidden(tx, actor, "patient", patient_id)
    return patient


def _new_patient(tx: Transaction, actor: Actor, command: CreateInstantVisit | WalkIn) -> Patient:
    details = PatientDetails(
        name=command.name,
        language=command.language,
        phones=(command.phone,) if command.phone else (),
        emails=(command.email,) if command.email else (),
    )
    return _patient(tx, actor, add_patient(tx, actor, details, "unmatched"))
