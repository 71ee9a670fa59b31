"""The chart: what whoever treats needs beside the call, in one read and one row of the audit."""

from __future__ import annotations

import msgspec

from clinic_api.actor import Actor
from clinic_api.guarded import guarded
from clinic_api.records import notes_store, observations_store
from clinic_api.records.lists import Lists, OfPatient, lists_of, permitted_patient
from clinic_api.records.note import SIGNED
from clinic_api.records.notes_store import NoteHead
from clinic_api.records.observations_store import Observation
from clinic_api.transaction import Transaction

NOTES_SHOWN = 20


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """Lists, the newest measurement of each kind, and the newest signed notes without text."""

    patient_id: str
    lists: Lists
    measured: tuple[Observation, ...]
    notes: tuple[NoteHead, ...]


@guarded("chart.open")
def open_chart(tx: Transaction, actor: Actor, command: OfPatient) -> Chart:
    """Raises Refused(not_found)."""
    patient_id = permitted_patient(tx, actor, command.patient_id)
    columns = notes_store.notes.c
    narrow = [columns.patient_id == patient_id, columns.state.in_(sorted(SIGNED))]
    tx.note(actor, "chart", patient_id, patient_id=patient_id)
    return Chart(
        patient_id=patient_id,
        lists=lists_of(tx, patient_id),
        measured=tuple(observations_store.newest_of_each(tx, patient_id)),
        notes=notes_store.list_heads(tx, narrow, "", NOTES_SHOWN).items,
    )
