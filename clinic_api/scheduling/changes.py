"""The only place that changes the state of an appointment: by the table, over one version."""

from __future__ import annotations

from typing import Any

from clinic_api.actor import Actor
from clinic_api.errors import Refused
from clinic_api.scheduling import store
from clinic_api.scheduling.appointment import LIVE, OUTCOMES, By, Event, Facts, after, is_late
from clinic_api.scheduling.followers import changed as tell
from clinic_api.scheduling.model import Appointment
from clinic_api.transaction import Transaction


def by(actor: Actor, appointment: Appointment) -> By:
    """In whose name somebody acts: staff in their own affairs are patients."""
    if actor.kind == "system":
        return "system"
    own = appointment.patient_id in actor.patient_ids
    return "staff" if actor.is_staff and not own else "patient"


def facts_for(tx: Transaction, actor: Actor, appointment: Appointment, why: str = "") -> Facts:
    """What the guards of the states go by."""
    return Facts(
        by=by(actor, appointment),
        now=tx.now,
        starts_at=appointment.starts_at,
        expires_at=appointment.expires_at,
        notice_min=appointment.notice_min,
        moves=appointment.moves,
        max_moves=appointment.max_moves,
        decided_by_hand=appointment.decided_by_hand,
        has_reason=bool(why.strip()),
    )


def change(
    tx: Transaction,
    actor: Actor,
    appointment: Appointment,
    event: Event,
    *,
    expected: int | None = None,
    why: str = "",
    **values: Any,
) -> Appointment:
    """The appointment afterwards, noted. Raises Refused: stale, and as `appointment.after`."""
    if expected not in (None, appointment.version):
        raise Refused("stale")
    facts = facts_for(tx, actor, appointment, why)
    state = after(appointment.state, event, facts)
    said = facts.by == "staff" and state in OUTCOMES
    changed = store.update(
        tx,
        actor,
        appointment,
        staff_reason=why if facts.by == "staff" else "",
        state=state,
        blocks=appointment.blocks and state in LIVE,
        sequence=appointment.sequence + 1,
        decided_by_hand=appointment.decided_by_hand or said,
        late=appointment.late or (event == "cancel" and _is_late(appointment, facts)),
        **({"expires_at": None} | values),
    )
    tx.note(actor, "appointment", changed.id, patient_id=changed.patient_id, event=event)
    tell(tx, actor, changed)
    return changed


def _is_late(appointment: Appointment, facts: Facts) -> bool:
    """Whether a patient gave up what was booked when it was too late to move it."""
    return facts.by == "patient" and appointment.state != "held" and is_late(facts)
