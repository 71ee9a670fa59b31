"""Moving: one transaction frees the old time and takes the new one, or nothing has happened.

The old appointment stays as `moved` and the new one is booked, linked both ways; for calendars
they are one event with the next sequence (RFC 5545 3.8.7.4). What staff approve, they approve anew.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from clinic_api.actor import Actor
from clinic_api.directory.model import Id
from clinic_api.directory.relations import relate
from clinic_api.errors import Refused
from clinic_api.guarded import guarded
from clinic_api.scheduling import store
from clinic_api.scheduling.booking import permit_practitioner, place_of
from clinic_api.scheduling.changes import by, change
from clinic_api.scheduling.events import told
from clinic_api.scheduling.followers import changed
from clinic_api.scheduling.model import AppointmentView, Reason
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


@guarded("appointment.move")
def take_move(tx: Transaction, actor: Actor, command: Move) -> AppointmentView:
    """The new appointment. Raises Refused: not_found, stale, illegal_event, too_late,
    too_many_moves, reason_needed, not_offered, slot_taken, slot_closed."""
    old = permitted(tx, actor, command.appointment_id)
    practitioner_id = command.practitioner_id or old.practitioner_id
    permit_practitioner(tx, actor, old.patient_id, practitioner_id)
    starts_at = start_of(tx, command.starts_at)
    if (starts_at, practitioner_id) == (old.starts_at, old.practitioner_id):
        raise Refused("invalid", fields={"starts_at": "It begins then already."})
    given = offered(tx, actor, old.service_id, practitioner_id)
    slot = take_slot(tx, actor, given, starts_at, old.patient_id, but=(old.id,))
    asks = given.service.needs_approval and by(actor, old) == "patient"
    elsewhere = practitioner_id != old.practitioner_id
    new_id = tx.new_id()
    freed = change(tx, actor, old, "move", expected=command.version, why=command.why)
    made = msgspec.structs.replace(
        old,
        id=new_id,
        version=1,
        state="pending_approval" if asks else "booked",
        expires_at=starts_at if asks else None,
        practitioner_id=practitioner_id,
        price_minor=given.price_minor if elsewhere else old.price_minor,
        blocks=True,
        overbooked=False,
        conflicted=False,
        sequence=freed.sequence,
        moved_from=old.id,
        moves=old.moves + (by(actor, old) == "patient"),
        **place_of(slot),
    )
    reason, _ = store.reasons(tx, old.id)
    store.insert(tx, actor, made, reason=reason, staff_reason=command.why)
    store.update(tx, actor, freed, moved_to=new_id)
    tx.note(actor, "appointment", new_id, patient_id=made.patient_id)
    if made.state == "booked":
        relate(tx, actor, made.patient_id, practitioner_id)
        told(tx, actor, made, "moved")
    changed(tx, actor, made)
    return view_of(tx, actor, made)
