"""Whether a practitioner may treat somebody where they live, looked at whenever a time is taken.

Only where it is known: the patient's address has a region, and the practitioner has licences
listed. Staff may book all the same when they say why, such as a patient who is elsewhere that day.
"""

from __future__ import annotations

from datetime import datetime

from clinic_api.actor import Actor
from clinic_api.catalogue.model import Offering
from clinic_api.directory import store as people
from clinic_api.directory.profiles import holds_licence
from clinic_api.directory.relations import current_id
from clinic_api.errors import Refused
from clinic_api.organisation.store import organisation
from clinic_api.scheduling.wall import wall_at
from clinic_api.scheduling.zones import zone_of
from clinic_api.transaction import Transaction


def check_licence(
    tx: Transaction,
    actor: Actor,
    given: Offering,
    patient_id: str,
    starts_at: datetime,
    reason: str = "",
) -> None:
    """`reason` is why staff book without one, which is noted. Raises Refused(no_licence)."""
    patient_id = current_id(tx, patient_id)
    patient = people.patient(tx, patient_id)
    if patient is None or not patient.details.address.region.strip():
        return
    address = patient.details.address
    country = address.country or organisation(tx).country
    day = wall_at(starts_at, given.zone, zone_of).local.date()
    if holds_licence(tx, given.practitioner_id, country, address.region, day):
        return
    by_staff = actor.is_staff and patient_id not in actor.patient_ids
    if not (by_staff and reason.strip()):
        raise Refused("no_licence")
    tx.note(
        actor, "practitioner", given.practitioner_id, patient_id=patient_id, licence="overridden"
    )
