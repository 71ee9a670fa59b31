"""What else becomes of an appointment: approved, declined, cancelled, not come to, an error."""

from __future__ import annotations

from typing import Literal

import msgspec

from clinic_api.actor import Actor
from clinic_api.directory.model import Id
from clinic_api.guarded import guarded
from clinic_api.scheduling import store
from clinic_api.scheduling.appointment import TABLE, Event, is_said
from clinic_api.scheduling.booking import OneAppointment, begin
from clinic_api.scheduling.changes import by, change
from clinic_api.scheduling.events import told
from clinic_api.scheduling.model import Appointment, AppointmentView, CancelCode, Reason
from clinic_api.scheduling.taking import lapse, offered
from clinic_api.scheduling.views import permitted, view_of
from clinic_api.transaction import Transaction

MAX_AT_ONCE = 200  # holds that one transaction lets go

Outcome = Literal["fulfilled", "no_show_patient", "no_show_provider"]
Step = Literal["check_in", "begin", "fulfil", "miss_patient", "miss_provider"]
_EVENTS: dict[Outcome, Event] = {
    "fulfilled": "fulfil",
    "no_show_patient": "miss_patient",
    "no_show_provider": "miss_provider",
}


class Cancel(msgspec.Struct, frozen=True, kw_only=True):
    """Give it up, held or booked. Later than the service's notice it counts as late."""

    appointment_id: Id
    version: int
    code: CancelCode = "other"


class Decide(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it, by somebody's own knowledge; the server never says otherwise then."""

    appointment_id: Id
    version: int
    outcome: Outcome


class Correct(msgspec.Struct, frozen=True, kw_only=True):
    """It should never have been: entered in error."""

    appointment_id: Id
    version: int
    why: Reason


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What the server saw happen: for visits."""

    appointment_id: Id
    event: Step


class ExpireHolds(msgspec.Struct, frozen=True):
    """Nothing to say: all that have lapsed."""


@guarded("appointment.approve")
def approve(tx: Transaction, actor: Actor, command: OneAppointment) -> AppointmentView:
    """Book what waits for it. Raises Refused: not_found, stale, illegal_event, hold_expired,
    not_offered."""
    waiting = permitted(tx, actor, command.appointment_id)
    offered(tx, actor, waiting.service_id, waiting.practitioner_id)
    booked = change(tx, actor, waiting, "approve", expected=command.version)
    begin(tx, actor, booked)
    return view_of(tx, actor, booked)


@guarded("appointment.approve")
def decline(tx: Transaction, actor: Actor, command: OneAppointment) -> AppointmentView:
    """Refuse what waits. Raises Refused: not_found, stale, illegal_event, hold_expired."""
    waiting = permitted(tx, actor, command.appointment_id)
    declined = change(
        tx,
        actor,
        waiting,
        "decline",
        expected=command.version,
        cancelled_by="staff",
        cancel_code="clinic",
    )
    told(tx, actor, declined, "declined")
    return view_of(tx, actor, declined)


@guarded("appointment.cancel")
def cancel(tx: Transaction, actor: Actor, command: Cancel) -> AppointmentView:
    """Raises Refused: not_found, stale, illegal_event, hold_expired, too_late."""
    found = permitted(tx, actor, command.appointment_id)
    cancelled = change(
        tx,
        actor,
        found,
        "cancel",
        expected=command.version,
        cancelled_by=by(actor, found),
        cancel_code=command.code,
    )
    if found.state != "held":
        told(tx, actor, cancelled, "cancelled")
    return view_of(tx, actor, cancelled)


@guarded("appointment.decide")
def decide(tx: Transaction, actor: Actor, command: Decide) -> AppointmentView:
    """Raises Refused: not_found, stale, illegal_event, too_early."""
    found = permitted(tx, actor, command.appointment_id)
    event = _EVENTS[command.outcome]
    return view_of(tx, actor, change(tx, actor, found, event, expected=command.version))


@guarded("appointment.correct")
def correct(tx: Transaction, actor: Actor, command: Correct) -> AppointmentView:
    """Raises Refused: not_found, stale, illegal_event, reason_needed."""
    found = permitted(tx, actor, command.appointment_id)
    expected = command.version
    return view_of(
        tx, actor, change(tx, actor, found, "correct", expected=expected, why=command.why)
    )


@guarded("appointment.record")
def record(tx: Transaction, actor: Actor, command: Record) -> Appointment:
    """The appointment afterwards: unchanged where a person has said what came of it, or where the
    event does not fit. Raises Refused: not_found, too_early."""
    found = permitted(tx, actor, command.appointment_id)
    said = is_said(found.state, command.event, found.decided_by_hand)
    if said or command.event not in TABLE[found.state]:
        return found
    return change(tx, actor, found, command.event)


@guarded("appointment.expire")
def expire_holds(tx: Transaction, actor: Actor, command: ExpireHolds) -> int:
    """For the jobs: holds, and what waits, whose time is over; how many."""
    del command
    over = store.lapsed(tx, MAX_AT_ONCE)
    for each in over:
        lapse(tx, actor, each)
    return len(over)
