"""What of an appointment is shown to whom, and whose it is."""

from __future__ import annotations

from clinic_api.actor import Actor
from clinic_api.guarded import Facts, hidden, permit
from clinic_api.scheduling import store
from clinic_api.scheduling.model import Appointment, AppointmentView
from clinic_api.scheduling.needs import Needs, needs_of
from clinic_api.transaction import Transaction

_NOT_PLAIN = ("reason", "staff_reason", "needs")


def facts_of(appointment: Appointment, *treating: str) -> Facts:
    """Whose an appointment is; `treating` are others who treat the patient."""
    return Facts(
        kind="appointment",
        id=appointment.id,
        patient_ids=(appointment.patient_id,),
        practitioner_ids=(appointment.practitioner_id, *treating),
    )


def permitted(tx: Transaction, actor: Actor, appointment_id: str) -> Appointment:
    """The appointment, for the running service. Raises Refused(not_found), audited."""
    found = store.find(tx, appointment_id)
    if found is None:
        raise hidden(tx, actor, "appointment", appointment_id)
    permit(tx, actor, facts_of(found))
    return found


def view_of(
    tx: Transaction, actor: Actor, appointment: Appointment, needs: Needs | None = None
) -> AppointmentView:
    """The appointment for the actor, who has been permitted to see it; `needs` were read for a
    whole list."""
    needs = needs_of(tx, (appointment,)) if needs is None else needs
    reason, staff_reason = store.reasons(tx, appointment.id)
    plain = {
        name: getattr(appointment, name)
        for name in AppointmentView.__struct_fields__
        if name not in _NOT_PLAIN
    }
    return AppointmentView(
        reason=reason if _treats_or_is(actor, appointment) else "",
        staff_reason=staff_reason if actor.is_staff or actor.kind == "system" else "",
        needs=needs.get(appointment.id, ()),
        **plain,
    )


def _treats_or_is(actor: Actor, appointment: Appointment) -> bool:
    own = appointment.patient_id in actor.patient_ids
    treats = actor.practitioner_id == appointment.practitioner_id
    return own or treats or "nurse" in actor.roles or actor.kind == "system"
