"""Moving: one transaction frees the old time and takes the new one, or nothing has happened.

The old appointment stays as `moved` and the new one is booked, linked both ways; for calendars
they are one event with the next sequence (RFC 5545 3.8.7.4). What staff approve, they approve anew.
Staff swap two patients' times the same way: both are freed, then both are taken.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from clinic_api.actor import Actor
from clinic_api.catalogue.model import Offering
from clinic_api.directory.model import Id
from clinic_api.directory.relations import relate
from clinic_api.errors import Refused
from clinic_api.guarded import guarded
from clinic_api.scheduling import store
from clinic_api.scheduling.booking import joined, permit_practitioner, place_of
from clinic_api.scheduling.changes import by, change
from clinic_api.scheduling.events import told
from clinic_api.scheduling.followers import changed
from clinic_api.scheduling.licences import check_licence
from clinic_api.scheduling.model import Appointment, AppointmentView, Reason
from clinic_api.scheduling.slots import Slot
from clinic_api.scheduling.taking import offered, start_of, take_slot
from clinic_api.scheduling.views import permitted, view_of
from clinic_api.transaction import Transaction


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """To another time, perhaps with another practitioner; staff say why when it is late."""

    appointment_id: Id
    version: int
    starts_at: datetime
    practitioner_id: Id | None = None  # None: the same
    why: Reason = ""
    licence_reason: Reason = ""  # for staff: why without a licence for where the patient lives


class Swap(msgspec.Struct, frozen=True, kw_only=True):
    """For staff: each of two patients gets the other's time; they say why when it is late."""

    appointment_id: Id
    version: int
    other_id: Id
    other_version: int
    why: Reason = ""
    licence_reason: Reason = ""  # why one is treated without a licence for where they live


class Swapped(msgspec.Struct, frozen=True, kw_only=True):
    """The new appointments of the two patients, in the order in which they were named."""

    appointment: AppointmentView
    other: AppointmentView


class Place(msgspec.Struct, frozen=True):
    """Where an appointment goes: a slot of what a practitioner gives."""

    given: Offering
    slot: Slot


@guarded("appointment.move")
def take_move(tx: Transaction, actor: Actor, command: Move) -> AppointmentView:
    """The new appointment. Raises Refused: not_found, stale, illegal_event, too_late,
    too_many_moves, reason_needed, not_offered, no_licence, slot_taken, slot_closed."""
    old = permitted(tx, actor, command.appointment_id)
    practitioner_id = command.practitioner_id or old.practitioner_id
    permit_practitioner(tx, actor, old.patient_id, practitioner_id)
    starts_at = start_of(tx, command.starts_at)
    if (starts_at, practitioner_id) == (old.starts_at, old.practitioner_id):
        raise Refused("invalid", fields={"starts_at": "It begins then already."})
    licence_reason = command.licence_reason
    place = place_for(tx, actor, old, practitioner_id, starts_at, licence_reason=licence_reason)
    price = old.price_minor if practitioner_id == old.practitioner_id else place.given.price_minor
    freed = change(tx, actor, old, "move", expected=command.version, why=command.why)
    why = joined(command.why, licence_reason)
    return view_of(tx, actor, put(tx, actor, freed, place, price, why))


@guarded("appointment.swap")
def swap(tx: Transaction, actor: Actor, command: Swap) -> Swapped:
    """Two patients' times, practitioners included; prices stay. Raises Refused: not_found, stale,
    invalid, illegal_event, reason_needed, not_offered, no_licence, slot_taken, slot_closed."""
    one = permitted(tx, actor, command.appointment_id)
    other = permitted(tx, actor, command.other_id)
    if (one.starts_at, one.practitioner_id) == (other.starts_at, other.practitioner_id):
        raise Refused("invalid", fields={"other_id": "It has the same time."})
    both = (one.id, other.id)
    patients = (one.patient_id, other.patient_id)
    doctors = (one.practitioner_id, other.practitioner_id)
    store.lock(tx, patient_ids=patients, practitioner_ids=doctors)
    why, licence = command.why, command.licence_reason
    ones = place_for(tx, actor, one, other.practitioner_id, other.starts_at, both, licence)
    others = place_for(tx, actor, other, one.practitioner_id, one.starts_at, both, licence)
    freed = change(tx, actor, one, "move", expected=command.version, why=why)
    freed_other = change(tx, actor, other, "move", expected=command.other_version, why=why)
    why = joined(why, licence)
    made = put(tx, actor, freed, ones, one.price_minor, why)
    made_other = put(tx, actor, freed_other, others, other.price_minor, why)
    return Swapped(appointment=view_of(tx, actor, made), other=view_of(tx, actor, made_other))


def place_for(
    tx: Transaction,
    actor: Actor,
    old: Appointment,
    practitioner_id: str,
    starts_at: datetime,
    but: tuple[str, ...] = (),
    licence_reason: str = "",
) -> Place:
    """A time for what is moved; appointments `but` are not in its way, nor is itself. Raises
    Refused: not_offered, no_licence, slot_taken, slot_closed."""
    given = offered(tx, actor, old.service_id, practitioner_id)
    at = start_of(tx, starts_at)
    check_licence(tx, actor, given, old.patient_id, at, licence_reason)
    return Place(given, take_slot(tx, actor, given, at, old.patient_id, (old.id, *but)))


def put(
    tx: Transaction, actor: Actor, freed: Appointment, place: Place, price_minor: int, why: str
) -> Appointment:
    """The new appointment of one that has been freed; its patient is told. Raises
    Refused(slot_taken)."""
    is_patients = by(actor, freed) == "patient"
    asks = place.given.service.needs_approval and is_patients
    new_id = tx.new_id()
    made = msgspec.structs.replace(
        freed,
        id=new_id,
        version=1,
        state="pending_approval" if asks else "booked",
        expires_at=place.slot.span.start if asks else None,
        practitioner_id=place.given.practitioner_id,
        price_minor=price_minor,
        blocks=True,
        overbooked=False,
        conflicted=False,
        moved_from=freed.id,
        moves=freed.moves + is_patients,
        **place_of(place.slot),
    )
    reason, _ = store.reasons(tx, freed.id)
    store.insert(tx, actor, made, reason=reason, staff_reason=why)
    store.update(tx, actor, freed, moved_to=new_id)
    tx.note(actor, "appointment", new_id, patient_id=made.patient_id)
    if made.state == "booked":
        relate(tx, actor, made.patient_id, made.practitioner_id)
        told(tx, actor, made, "moved")
    changed(tx, actor, made)
    return made
