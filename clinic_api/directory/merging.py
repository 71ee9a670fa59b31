"""Two records of one person become one, and can be told apart again.

The source keeps its own details and points to the target; every row that referred to it refers to
the target from then on. Which rows moved is kept, so that undoing moves exactly these back. What
refers to patients is read from the tables themselves: a feature of tomorrow follows by its foreign
key. Undone is the last merge first.
"""

from __future__ import annotations

import msgspec

from clinic_api.actor import Actor
from clinic_api.directory import merge_store as store
from clinic_api.directory.merge_store import Merge
from clinic_api.directory.model import Id, Patient
from clinic_api.directory.store import patient
from clinic_api.errors import Refused
from clinic_api.guarded import Facts, guarded, hidden, permit
from clinic_api.transaction import Transaction


class MergePatients(msgspec.Struct, frozen=True, kw_only=True):
    """`patient_id` goes into `target_id`; `version` is the one of `patient_id`."""

    patient_id: Id
    target_id: Id
    version: int


class Unmerge(msgspec.Struct, frozen=True):
    merge_id: Id


class Merged(msgspec.Struct, frozen=True, kw_only=True):
    """`id` undoes it."""

    id: str
    version: int
    source: Patient
    target: Patient
    moved: int  # rows that refer to the target now
    undone: bool


@guarded("patient.merge")
def merge_patients(tx: Transaction, actor: Actor, command: MergePatients) -> Merged:
    """Raises Refused: not_found, stale, conflict (merged already, two logins), invalid."""
    source = _record(tx, actor, command.patient_id)
    target = _record(tx, actor, command.target_id)
    if source.id == target.id:
        raise Refused("invalid", fields={"target_id": "This is the same record."})
    if "merged" in (source.state, target.state):
        raise Refused("conflict", "One of the records was merged already.")
    if source.has_login and target.has_login:
        raise Refused("conflict", "Both records have a login. Please disable one of them first.")
    merge_id = store.merge(tx, actor, source, target, command.version)
    for one in (source, target):
        tx.note(actor, "patient_merge", merge_id, patient_id=one.id)
    return _result(tx, actor, merge_id)


@guarded("patient.unmerge")
def unmerge_patients(tx: Transaction, actor: Actor, command: Unmerge) -> Merged:
    """Raises Refused: not_found, illegal_event (undone already), conflict (a later merge has to be
    undone first)."""
    merge = _merge(tx, actor, command.merge_id)
    if merge.undone_at is not None:
        raise Refused("illegal_event", "This was undone already.")
    if store.has_later(tx, merge):
        raise Refused("conflict", "Please undo the later merge of these records first.")
    store.undo(tx, actor, merge)
    for one in (merge.source_id, merge.target_id):
        tx.note(actor, "patient_merge", merge.id, patient_id=one)
    return _result(tx, actor, merge.id)


def _record(tx: Transaction, actor: Actor, patient_id: str) -> Patient:
    found = patient(tx, patient_id)
    if found is None:
        raise hidden(tx, actor, "patient", patient_id)
    permit(tx, actor, Facts(kind="patient", id=patient_id, patient_ids=(patient_id,)))
    return found


def _merge(tx: Transaction, actor: Actor, merge_id: str) -> Merge:
    merge = store.merge_of(tx, merge_id)
    if merge is None:
        raise hidden(tx, actor, "patient_merge", merge_id)
    permit(tx, actor, Facts(kind="patient_merge", id=merge_id))
    return merge


def _result(tx: Transaction, actor: Actor, merge_id: str) -> Merged:
    merge = _merge(tx, actor, merge_id)
    return Merged(
        id=merge.id,
        version=merge.version,
        source=_record(tx, actor, merge.source_id),
        target=_record(tx, actor, merge.target_id),
        moved=len(merge.moved),
        undone=merge.undone_at is not None,
    )
