"""Booking: patients keep a time for ten minutes and then confirm it, staff book at once.

Confirming changes nothing but the state, over the version that was read.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from clinic_api.actor import Actor
from clinic_api.catalogue.model import Modality, Offering
from clinic_api.directory import store as people
from clinic_api.directory.model import Id
from clinic_api.directory.relations import current_id, relate
from clinic_api.directory.relations import facts_of as patient_facts
from clinic_api.errors import Refused
from clinic_api.guarded import Facts, guarded, hidden, permit
from clinic_api.organisation.profile import time_zones
from clinic_api.scheduling import store
from clinic_api.scheduling.appointment import HOLD, MAX_HOLDS, Event
from clinic_api.scheduling.availability import Span
from clinic_api.scheduling.changes import change
from clinic_api.scheduling.events import told
from clinic_api.scheduling.followers import changed
from clinic_api.scheduling.licences import check_licence
from clinic_api.scheduling.model import LOCAL_FORMAT, Appointment, AppointmentView, Reason, Zone
from clinic_api.scheduling.slots import Slot
from clinic_api.scheduling.taking import force_slot, offered, start_of, take_slot
from clinic_api.scheduling.views import facts_of, permitted, view_of
from clinic_api.scheduling.zones import RELEASE
from clinic_api.transaction import Transaction


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A time of a practitioner for a patient, as `GET /slots` gave it."""

    patient_id: Id
    service_id: Id
    practitioner_id: Id
    starts_at: datetime
    modality: Modality = "video"
    reason: Reason = ""  # the patient's own words
    zone: Zone = ""  # the patient's; "": the practitioner's
    follow_up_of: Id | None = None  # an appointment of the same patient


class Hold(Wanted, frozen=True, kw_only=True):
    """Keep a time for ten minutes, to be confirmed."""


class Book(Wanted, frozen=True, kw_only=True):
    """For staff: take a free time at once, to the minute, within the hours."""

    licence_reason: Reason = ""  # why without a licence for where the patient lives


class Overbook(Wanted, frozen=True, kw_only=True):
    """For staff: a time that is taken, or outside of all hours, and why."""

    why: Reason
    licence_reason: Reason = ""  # why without a licence for where the patient lives


class OneAppointment(msgspec.Struct, frozen=True, kw_only=True):
    """Which version of which appointment."""

    appointment_id: Id
    version: int


@guarded("appointment.hold")
def take_hold(tx: Transaction, actor: Actor, command: Hold) -> AppointmentView:
    """Raises Refused: not_found, invalid, not_offered, no_licence, too_many_holds, slot_taken,
    slot_closed."""
    given = _given(tx, actor, command)
    patient_id = current_id(tx, command.patient_id)
    slot = take_slot(tx, actor, given, start_of(tx, command.starts_at), patient_id)
    if store.holds_of(tx, patient_id) >= MAX_HOLDS:
        raise Refused("too_many_holds")
    held = _new(tx, command, given, slot)
    held = msgspec.structs.replace(held, state="held", expires_at=tx.now + HOLD)
    return _add(tx, actor, held, command.reason)


@guarded("appointment.book")
def take_booking(tx: Transaction, actor: Actor, command: Book) -> AppointmentView:
    """Raises Refused: not_found, invalid, not_offered, no_licence, slot_taken, slot_closed."""
    given = _given(tx, actor, command)
    patient_id = current_id(tx, command.patient_id)
    slot = take_slot(tx, actor, given, start_of(tx, command.starts_at), patient_id)
    made = _new(tx, command, given, slot)
    return _add(tx, actor, made, command.reason, command.licence_reason)


@guarded("appointment.overbook")
def overbook(tx: Transaction, actor: Actor, command: Overbook) -> AppointmentView:
    """Raises Refused: not_found, invalid, not_offered, no_licence, reason_needed, slot_closed
    (over)."""
    given = _given(tx, actor, command)
    if not command.why.strip():
        raise Refused("reason_needed")
    patient_id = current_id(tx, command.patient_id)
    starts_at = start_of(tx, command.starts_at)
    slot, is_free = force_slot(tx, actor, given, starts_at, patient_id)
    made = _new(tx, command, given, slot)
    made = msgspec.structs.replace(made, overbooked=not is_free, blocks=is_free)
    return _add(tx, actor, made, command.reason, joined(command.why, command.licence_reason))


@guarded("appointment.confirm")
def confirm(tx: Transaction, actor: Actor, command: OneAppointment) -> AppointmentView:
    """Book what is held; where the service wants it, staff approve it first.

    Raises Refused: not_found, stale, illegal_event, hold_expired, not_offered, slot_taken.
    """
    held = permitted(tx, actor, command.appointment_id)
    if held.state == "expired":
        raise Refused("hold_expired")
    given = offered(tx, actor, held.service_id, held.practitioner_id)
    store.lock(tx, patient_ids=(held.patient_id,), practitioner_ids=(held.practitioner_id,))
    asks = given.service.needs_approval and not actor.is_staff
    event: Event = "ask_approval" if asks else "confirm"
    expires_at = held.starts_at if asks else None
    booked = change(tx, actor, held, event, expected=command.version, expires_at=expires_at)
    around = Span(booked.busy_from, booked.busy_until)
    if store.busy(tx, booked.practitioner_id, around, but=(booked.id,)):
        raise Refused("slot_taken")
    if booked.state == "booked":
        begin(tx, actor, booked)
    return view_of(tx, actor, booked)


def begin(tx: Transaction, actor: Actor, booked: Appointment) -> None:
    """What follows from a booking: its practitioner treats its patient, who is told."""
    relate(tx, actor, booked.patient_id, booked.practitioner_id)
    told(tx, actor, booked, "booked")


def joined(*reasons: str) -> str:
    """Why staff did what they did, a line for each."""
    return "\n".join(each for each in reasons if each)


def _given(tx: Transaction, actor: Actor, command: Wanted) -> Offering:
    """Checks everything but whether the time is free. Raises Refused: not_found, invalid,
    not_offered, no_licence, slot_closed (over)."""
    patient_id = current_id(tx, command.patient_id)
    if people.patient(tx, patient_id) is None:
        raise hidden(tx, actor, "patient", command.patient_id)
    permit(tx, actor, patient_facts(tx, patient_id))
    permit_practitioner(tx, actor, patient_id, command.practitioner_id)
    _check_earlier(tx, actor, patient_id, command.follow_up_of)
    given = offered(tx, actor, command.service_id, command.practitioner_id)
    wrong: dict[str, str] = {}
    if command.modality not in given.service.modalities:
        wrong["modality"] = "This service is not given that way."
    if command.zone and command.zone not in time_zones():
        wrong["zone"] = "Please choose a time zone, such as Europe/Paris."
    if wrong:
        raise Refused("invalid", fields=wrong)
    reason = command.licence_reason if isinstance(command, Book | Overbook) else ""
    check_licence(tx, actor, given, patient_id, start_of(tx, command.starts_at), reason)
    return given


def permit_practitioner(
    tx: Transaction, actor: Actor, patient_id: str, practitioner_id: str
) -> None:
    """Doctors book for themselves; whoever books for anybody, with anybody."""
    permit(
        tx,
        actor,
        Facts(
            kind="practitioner",
            id=practitioner_id,
            patient_ids=(patient_id,),
            practitioner_ids=(practitioner_id,),
        ),
    )


def _check_earlier(tx: Transaction, actor: Actor, patient_id: str, earlier_id: str | None) -> None:
    if earlier_id is None:
        return
    earlier = store.find(tx, earlier_id)
    if earlier is None or current_id(tx, earlier.patient_id) != patient_id:
        raise hidden(tx, actor, "appointment", earlier_id)
    permit(tx, actor, facts_of(earlier))


def _new(tx: Transaction, command: Wanted, given: Offering, slot: Slot) -> Appointment:
    """A booked appointment, not inserted yet."""
    appointment_id = tx.new_id()
    return Appointment(
        id=appointment_id,
        version=1,
        state="booked",
        patient_id=current_id(tx, command.patient_id),
        practitioner_id=given.practitioner_id,
        service_id=given.service_id,
        modality=command.modality,
        shown_zone=command.zone or slot.wall.zone,
        blocks=True,
        overbooked=False,
        conflicted=False,
        expires_at=None,
        uid=appointment_id,
        sequence=0,
        moved_from=None,
        moved_to=None,
        follow_up_of=command.follow_up_of,
        moves=0,
        max_moves=given.service.max_moves,
        notice_min=given.service.cancel_notice_min,
        decided_by_hand=False,
        cancelled_by=None,
        cancel_code=None,
        late=False,
        price_minor=given.price_minor,
        currency=given.currency,
        **place_of(slot),
    )


def place_of(slot: Slot) -> dict[str, Any]:
    """The columns that a slot fills."""
    return {
        "location_id": slot.location_id,
        "local": f"{slot.wall.local:{LOCAL_FORMAT}}",
        "fold": slot.wall.fold,
        "zone": slot.wall.zone,
        "zone_release": RELEASE,
        "starts_at": slot.span.start,
        "ends_at": slot.span.end,
        "busy_from": slot.busy.start,
        "busy_until": slot.busy.end,
    }


def _add(
    tx: Transaction, actor: Actor, made: Appointment, reason: str, why: str = ""
) -> AppointmentView:
    store.insert(tx, actor, made, reason=reason, staff_reason=why)
    tx.note(actor, "appointment", made.id, patient_id=made.patient_id)
    if made.state == "booked":
        begin(tx, actor, made)
    changed(tx, actor, made)
    return view_of(tx, actor, made)
