"""Vital signs and other measurements: noted by staff, by the patient, by a device."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec
from msgspec import Meta

from clinic_api.actor import Actor
from clinic_api.directory.model import Id
from clinic_api.directory.relations import facts_of
from clinic_api.errors import Refused
from clinic_api.guarded import guarded, hidden, permit
from clinic_api.records import observations_store as store
from clinic_api.records.lists import OfPatient, permitted_patient, source_of
from clinic_api.records.observations_store import Measured, Observation, Origin
from clinic_api.records.vital_signs import VitalKind, wrong_measurement
from clinic_api.transaction import Transaction
from clinic_api.visits.store import visit as visit_of

CLOCKS_DIFFER = timedelta(minutes=5)
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 1, 1, tzinfo=UTC)
MAX_SHOWN = 1000


class NoteObservation(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement; of a blood pressure `value` is the upper one, in mm[Hg]."""

    patient_id: Id
    kind: VitalKind
    value: float
    unit: Annotated[str, Meta(min_length=1, max_length=20)]
    diastolic: float | None = None
    measured_at: datetime | None = None  # None: now
    by_device: bool = False
    visit_id: Id | None = None
    remark: Annotated[str, Meta(max_length=500)] = ""


class ListObservations(msgspec.Struct, frozen=True, kw_only=True):
    """Newest first, up to 1000, from `since` on and before `until`."""

    patient_id: Id
    kind: VitalKind
    since: datetime = EARLIEST
    until: datetime = LATEST


class WithdrawObservation(msgspec.Struct, frozen=True, kw_only=True):
    """It was wrong."""

    observation_id: Id
    version: int


class Observations(msgspec.Struct, frozen=True):
    items: tuple[Observation, ...]


@guarded("clinical.note")
def note_observation(tx: Transaction, actor: Actor, command: NoteObservation) -> Observation:
    """Raises Refused: not_found, invalid."""
    patient_id = permitted_patient(tx, actor, command.patient_id)
    at = command.measured_at or tx.now
    wrong = wrong_measurement(command.kind, command.unit, command.value, command.diastolic)
    if not EARLIEST <= at <= tx.now + CLOCKS_DIFFER:
        wrong["measured_at"] = "This time has not come yet, or is too long ago."
    if command.visit_id is not None and not _is_of(tx, command.visit_id, patient_id):
        wrong["visit_id"] = "This is not a visit of this patient."
    if wrong:
        raise Refused("invalid", fields=wrong)
    measured = Measured(
        value=command.value,
        unit=command.unit,
        diastolic=command.diastolic,
        remark=command.remark,
    )
    origin: Origin = "device" if command.by_device else source_of(actor)
    row_id = store.insert_observation(
        tx, actor, patient_id, command.visit_id, command.kind, at, origin, measured
    )
    tx.note(actor, "observation", row_id, patient_id=patient_id)
    return _observation(tx, actor, row_id)


@guarded("clinical.read")
def list_observations(tx: Transaction, actor: Actor, command: ListObservations) -> Observations:
    """What was measured of one kind. Raises Refused(not_found)."""
    patient_id = permitted_patient(tx, actor, command.patient_id)
    tx.note(actor, "observation", patient_id=patient_id, kind=command.kind)
    found = store.measured_between(
        tx, patient_id, command.kind, command.since, command.until, MAX_SHOWN
    )
    return Observations(tuple(found))


@guarded("clinical.read")
def newest_observations(tx: Transaction, actor: Actor, command: OfPatient) -> Observations:
    """The last of each kind. Raises Refused(not_found)."""
    patient_id = permitted_patient(tx, actor, command.patient_id)
    tx.note(actor, "observation", patient_id=patient_id)
    return Observations(tuple(store.newest_of_each(tx, patient_id)))


@guarded("clinical.change")
def withdraw_observation(
    tx: Transaction, actor: Actor, command: WithdrawObservation
) -> Observation:
    """It stays readable as an error. Raises Refused: not_found, stale, illegal_event,
    not_allowed (a measurement of the clinic)."""
    held = _observation(tx, actor, command.observation_id)
    if source_of(actor) == "patient" and held.origin == "staff":
        raise Refused("not_allowed", "The clinic measured this. Please ask them to change it.")
    if held.state != "final":
        raise Refused("illegal_event", "This was withdrawn already.")
    store.withdraw_observation(tx, actor, held.id, command.version)
    tx.note(actor, "observation", held.id, patient_id=held.patient_id, event="withdraw")
    return _observation(tx, actor, held.id)


def _is_of(tx: Transaction, visit_id: str, patient_id: str) -> bool:
    found = visit_of(tx, visit_id)
    return found is not None and found.patient_id == patient_id


def _observation(tx: Transaction, actor: Actor, row_id: str) -> Observation:
    found = store.observation(tx, row_id)
    if found is None:
        raise hidden(tx, actor, "observation", row_id)
    facts = facts_of(tx, found.patient_id)
    permit(tx, actor, msgspec.structs.replace(facts, kind="observation", id=row_id))
    return found
