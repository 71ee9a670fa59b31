"""New rules of time zones: wall time stands, the instants of what is to come are derived anew.

Each row says by which release of tzdata its instants were derived, so the work can stop anywhere.
One practitioner at a time: all that moved lets go of its old time first, and then takes its new one
where that is free; where it is not, both stand and staff see it in the list of conflicts. Patients
whose instant changed are told, although their clock shows the same.
"""

from __future__ import annotations

from datetime import datetime

from clinic_api.actor import Actor
from clinic_api.guarded import guarded
from clinic_api.scheduling import store
from clinic_api.scheduling.availability import Span
from clinic_api.scheduling.events import told
from clinic_api.scheduling.followers import changed as tell
from clinic_api.scheduling.model import LOCAL_FORMAT, Appointment
from clinic_api.scheduling.wall import Wall, Zones, derived
from clinic_api.scheduling.zones import RELEASE, zone_of
from clinic_api.transaction import Transaction


@guarded("appointment.rederive")
def rederive(tx: Transaction, actor: Actor, release: str = RELEASE, zones: Zones = zone_of) -> bool:
    """One practitioner's appointments to come; whether there may be others."""
    practitioner_id = store.stale_practitioner(tx, release)
    if practitioner_id is None:
        return False
    store.lock(tx, practitioner_ids=(practitioner_id,))
    stale = store.stale_of(tx, practitioner_id, release)
    moved = [each for each in stale if _start(each, zones) != each.starts_at]
    for each in stale:
        if each not in moved:
            store.update(tx, actor, each, zone_release=release)
    freed = [store.update(tx, actor, each, blocks=False) for each in moved]
    for each in freed:
        _put(tx, actor, each, release, zones)
    return True


def _start(appointment: Appointment, zones: Zones) -> datetime:
    local = datetime.strptime(appointment.local, LOCAL_FORMAT)
    return derived(Wall(local=local, fold=appointment.fold, zone=appointment.zone), zones)


def _put(
    tx: Transaction, actor: Actor, appointment: Appointment, release: str, zones: Zones
) -> None:
    by = _start(appointment, zones) - appointment.starts_at
    busy = Span(appointment.busy_from + by, appointment.busy_until + by)
    collides = store.is_blocked(tx, appointment.practitioner_id, busy)
    changed = store.update(
        tx,
        actor,
        appointment,
        starts_at=appointment.starts_at + by,
        ends_at=appointment.ends_at + by,
        busy_from=busy.start,
        busy_until=busy.end,
        blocks=not (appointment.overbooked or collides),
        conflicted=collides and not appointment.overbooked,
        zone_release=release,
        sequence=appointment.sequence + 1,
    )
    tx.note(actor, "appointment", changed.id, patient_id=changed.patient_id, release=release)
    if changed.state == "booked":
        told(tx, actor, changed, "moved")
    tell(tx, actor, changed)
