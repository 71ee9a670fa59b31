"""What happens in a booked visit moves its appointment: checked in, in progress, held or missed.

The server tells what it saw; what a person has said stands (scheduling.ending.record).
"""

from __future__ import annotations

from clinic_api.actor import Actor, system
from clinic_api.guarded import guarded
from clinic_api.scheduling.appointment import NO_SHOW_AFTER
from clinic_api.scheduling.ending import Record, Step, record
from clinic_api.scheduling.store import appointments
from clinic_api.transaction import Transaction
from clinic_api.visits import call_store, check_in_store, store
from clinic_api.visits.model import PATIENT_SIDE, Participation, Visit
from clinic_api.visits.outcome import Evidence, outcome

MAX_AT_ONCE = 200  # visits that one transaction looks at
_SERVER = system("visits")


def follow_visit(tx: Transaction, visit_id: str) -> None:
    """After anything has happened in the visit: take its appointment as far as that goes."""
    visit = store.visit(tx, visit_id)
    if visit is None or visit.appointment_id is None:
        return
    if visit.call_started_at is not None:
        _record(tx, visit.appointment_id, "check_in", "begin")
    elif visit.state == "waiting" and check_in_store.newest_of_visit(tx, visit.id) is not None:
        _record(tx, visit.appointment_id, "check_in")
    _decide(tx, visit)


@guarded("appointment.record")
def decide_outcomes(tx: Transaction, actor: Actor) -> int:
    """For the jobs: booked visits whose grace is over and of which nothing was said; how many."""
    del actor
    late = _undecided(tx)
    for visit in late:
        _decide(tx, visit)
    return len(late)


def _decide(tx: Transaction, visit: Visit) -> None:
    assert visit.appointment_id is not None and visit.starts_at is not None
    evidence = Evidence(
        state=visit.state,
        starts_at=visit.starts_at,
        expires_at=visit.expires_at,
        held=visit.call_started_at is not None,
        patient_side=_patient_side(tx, visit.id),
    )
    step = outcome(evidence, tx.now)
    if step is not None:
        _record(tx, visit.appointment_id, step)


def _record(tx: Transaction, appointment_id: str, *steps: Step) -> None:
    for step in steps:
        record(tx, _SERVER, Record(appointment_id=appointment_id, event=step))


def _patient_side(tx: Transaction, visit_id: str) -> tuple[Participation, ...]:
    roles = store.roles_of(tx, visit_id)
    comings = call_store.participations_of(tx, visit_id)
    return tuple(one for one in comings if roles.get(one.participant_id) in PATIENT_SIDE)


def _undecided(tx: Transaction) -> list[Visit]:
    narrow = (
        appointments.c.state.in_(("booked", "checked_in")),
        appointments.c.starts_at <= tx.now - NO_SHOW_AFTER,
    )
    ids = tx.select(appointments, appointments.c.id).where(*narrow)
    return store.list_visits(tx, store.visits.c.appointment_id.in_(ids), limit=MAX_AT_ONCE)
