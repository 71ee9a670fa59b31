"""Visits of appointments: made with the booking, moved and cancelled with it.

All in the transaction of the appointment, so that none is ever without the other. A moved
appointment keeps its visit, so that the link which somebody has stays good.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from clinic_api.actor import Actor
from clinic_api.directory import store as people
from clinic_api.directory.model import Practitioner
from clinic_api.directory.relations import current_id
from clinic_api.scheduling import store as appointments
from clinic_api.scheduling.appointment import State
from clinic_api.scheduling.followers import follows
from clinic_api.scheduling.model import Appointment
from clinic_api.scheduling.reminders import day_reminder_at
from clinic_api.scheduling.zones import zone_of
from clinic_api.transaction import Transaction
from clinic_api.visits import store
from clinic_api.visits.intake import begin_intake
from clinic_api.visits.inviting import mail_invitation
from clinic_api.visits.model import Visit
from clinic_api.visits.seats import add_seat, patient_seat, provider_seat, renew
from clinic_api.visits.service import close, known_visit, new_room
from clinic_api.visits.visit import OPEN

EARLY = timedelta(minutes=15)  # before the start people may come
LATEST = timedelta(minutes=60)  # after the end people may still begin
GIVEN_UP: frozenset[State] = frozenset({"expired", "cancelled", "entered_in_error"})
STANDS: frozenset[State] = frozenset({"pending_approval", "booked"})


@follows
def follow(tx: Transaction, actor: Actor, appointment: Appointment) -> None:
    """Bring the visit in line with the appointment as it is now."""
    visit = _visit_of(tx, appointment)
    is_open = visit is not None and visit.state in OPEN
    if appointment.state == "booked" and not is_open:
        if visit is None or visit.appointment_id != appointment.id:
            _make(tx, actor, appointment)
    elif visit is None or not is_open:
        return
    elif appointment.state in STANDS:
        _move(tx, actor, visit, appointment)
    elif appointment.state in GIVEN_UP and visit.state != "in_progress":
        close(tx, actor, visit, "cancel", tx.now)


def _visit_of(tx: Transaction, appointment: Appointment) -> Visit | None:
    """The appointment's own, else that of the one from which it was moved."""
    own = store.visit_of(tx, appointment.id)
    if own is None and appointment.moved_from is not None:
        return store.visit_of(tx, appointment.moved_from)
    return own


def _make(tx: Transaction, actor: Actor, appointment: Appointment) -> None:
    patient_id = current_id(tx, appointment.patient_id)
    patient = people.patient(tx, patient_id)
    doctor = people.practitioner(tx, appointment.practitioner_id)
    assert patient is not None and doctor is not None, "foreign keys"
    reason, _ = appointments.reasons(tx, appointment.id)
    visit_id = store.insert_visit(
        tx,
        actor,
        reason,
        room=new_room(),
        kind="booked",
        practitioner_id=doctor.id,
        patient_id=patient_id,
        appointment_id=appointment.id,
        declared_modality=appointment.modality,
        **_times(appointment),
    )
    add_seat(tx, actor, visit_id, provider_seat(doctor))
    add_seat(tx, actor, visit_id, patient_seat(patient))
    tx.note(actor, "visit", visit_id, patient_id=patient_id)
    visit = known_visit(tx, visit_id)
    begin_intake(tx, actor, visit, appointment.service_id)
    _invite(tx, actor, visit, appointment)


def _move(tx: Transaction, actor: Actor, visit: Visit, appointment: Appointment) -> None:
    """To the time, and perhaps the practitioner, that the appointment has now."""
    tx.update(
        store.visits,
        actor,
        visit.id,
        appointment_id=appointment.id,
        practitioner_id=appointment.practitioner_id,
        late_minutes=None,
        late_said_at=None,
        **_times(appointment),
    )
    doctor = people.practitioner(tx, appointment.practitioner_id)
    if doctor is not None and doctor.id != visit.practitioner_id:
        _hand_over(tx, actor, visit, doctor)
    if appointment.state == "booked":
        _invite(tx, actor, known_visit(tx, visit.id), appointment)


def _hand_over(tx: Transaction, actor: Actor, visit: Visit, doctor: Practitioner) -> None:
    """Another practitioner's seat in place of the one before, whose link ends."""
    for seat in store.participants_of(tx, visit.id):
        if seat.role == "provider":
            renew(tx, actor, seat)
            own = provider_seat(doctor)
            tx.update(store.participants, actor, seat.id, name=own.name, user_id=own.user_id)


def _invite(tx: Transaction, actor: Actor, visit: Visit, appointment: Appointment) -> None:
    """The patient has the link in the reminder of the day before, unless it is too near for one."""
    reminder_at = day_reminder_at(appointment.starts_at, zone_of(appointment.shown_zone))
    for seat in store.participants_of(tx, visit.id):
        is_reminded = seat.role == "patient" and reminder_at > tx.now
        if seat.revoked_at is None and not is_reminded:
            mail_invitation(tx, actor, seat, visit)


def _times(appointment: Appointment) -> dict[str, Any]:
    """Nobody comes before what waits has been approved; it lapses at its start."""
    waits = appointment.state == "pending_approval"
    return {
        "starts_at": appointment.starts_at,
        "opens_at": appointment.starts_at if waits else appointment.starts_at - EARLY,
        "expires_at": appointment.ends_at + LATEST,
    }
