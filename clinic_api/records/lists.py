"""Problems, allergies and medicines: noted by the patient or by staff, confirmed, ended, withdrawn.

What patients say of themselves is theirs to change until staff have confirmed it. Nothing is
deleted: an entry that was wrong stays, marked as such.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from clinic_api.actor import Actor
from clinic_api.directory.model import Id
from clinic_api.directory.relations import current_id, facts_of
from clinic_api.directory.store import patient as patient_record
from clinic_api.errors import Refused
from clinic_api.guarded import guarded, hidden, permit
from clinic_api.records import lists_store as store
from clinic_api.records.entry import EntryEvent, after
from clinic_api.records.lists_model import (
    Allergy,
    Detail,
    Entry,
    Medicine,
    Problem,
    Source,
    kind_of,
    wrong_fields,
)
from clinic_api.transaction import Transaction

MAX_ENTRIES = 500  # of one patient


class OfPatient(msgspec.Struct, frozen=True):
    patient_id: Id


class NoteProblem(Problem, frozen=True, kw_only=True):
    """A new problem of the patient."""

    patient_id: Id


class NoteAllergy(Allergy, frozen=True, kw_only=True):
    """A new allergy of the patient, or that none is known."""

    patient_id: Id


class NoteMedicine(Medicine, frozen=True, kw_only=True):
    """A medicine that the patient takes."""

    patient_id: Id


class ChangeProblem(Problem, frozen=True, kw_only=True):
    """The whole of it, as it shall be."""

    entry_id: Id
    version: int


class ChangeAllergy(Allergy, frozen=True, kw_only=True):
    """The whole of it, as it shall be."""

    entry_id: Id
    version: int


class ChangeMedicine(Medicine, frozen=True, kw_only=True):
    """The whole of it, as it shall be."""

    entry_id: Id
    version: int


class OneEntry(msgspec.Struct, frozen=True, kw_only=True):
    entry_id: Id
    version: int


class WithdrawEntry(msgspec.Struct, frozen=True, kw_only=True):
    """It was wrong from the start."""

    entry_id: Id
    version: int
    because: Annotated[str, Meta(min_length=1, max_length=500)]


class Lists(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a patient; the entries oldest first, ended and withdrawn ones included."""

    problems: tuple[Entry, ...]
    allergies: tuple[Entry, ...]
    medicines: tuple[Entry, ...]


@guarded("clinical.read")
def read_lists(tx: Transaction, actor: Actor, command: OfPatient) -> Lists:
    """Raises Refused(not_found)."""
    patient_id = permitted_patient(tx, actor, command.patient_id)
    tx.note(actor, "clinical_lists", patient_id, patient_id=patient_id)
    return lists_of(tx, patient_id)


@guarded("clinical.note")
def note_problem(tx: Transaction, actor: Actor, command: NoteProblem) -> Entry:
    """Raises Refused: not_found, invalid, conflict (too many)."""
    return _note(tx, actor, command.patient_id, _detail(command, Problem))


@guarded("clinical.note")
def note_allergy(tx: Transaction, actor: Actor, command: NoteAllergy) -> Entry:
    """Raises Refused: not_found, invalid, conflict (too many)."""
    return _note(tx, actor, command.patient_id, _detail(command, Allergy))


@guarded("clinical.note")
def note_medicine(tx: Transaction, actor: Actor, command: NoteMedicine) -> Entry:
    """Raises Refused: not_found, invalid, conflict (too many)."""
    return _note(tx, actor, command.patient_id, _detail(command, Medicine))


@guarded("clinical.change")
def change_problem(tx: Transaction, actor: Actor, command: ChangeProblem) -> Entry:
    """Raises Refused: not_found, stale, invalid, not_allowed (confirmed by staff)."""
    return _change(tx, actor, command.entry_id, command.version, _detail(command, Problem))


@guarded("clinical.change")
def change_allergy(tx: Transaction, actor: Actor, command: ChangeAllergy) -> Entry:
    """Raises Refused: not_found, stale, invalid, not_allowed (confirmed by staff)."""
    return _change(tx, actor, command.entry_id, command.version, _detail(command, Allergy))


@guarded("clinical.change")
def change_medicine(tx: Transaction, actor: Actor, command: ChangeMedicine) -> Entry:
    """Raises Refused: not_found, stale, invalid, not_allowed (confirmed by staff)."""
    return _change(tx, actor, command.entry_id, command.version, _detail(command, Medicine))


@guarded("clinical.confirm")
def confirm_entry(tx: Transaction, actor: Actor, command: OneEntry) -> Entry:
    """Staff have checked what the patient said. Raises Refused: not_found, stale,
    illegal_event."""
    held = _entry(tx, actor, command.entry_id)
    if held.state == "entered_in_error":
        raise Refused("illegal_event", "This entry was withdrawn.")
    store.confirm_entry(tx, actor, held.id, command.version)
    return _noted(tx, actor, held.id)


@guarded("clinical.change")
def end_entry(tx: Transaction, actor: Actor, command: OneEntry) -> Entry:
    """Resolved, stopped, outgrown. Raises Refused: not_found, stale, illegal_event,
    not_allowed."""
    return _move(tx, actor, command.entry_id, command.version, "end")


@guarded("clinical.change")
def reactivate_entry(tx: Transaction, actor: Actor, command: OneEntry) -> Entry:
    """It is so again. Raises Refused: not_found, stale, illegal_event, not_allowed."""
    return _move(tx, actor, command.entry_id, command.version, "reactivate")


@guarded("clinical.change")
def withdraw_entry(tx: Transaction, actor: Actor, command: WithdrawEntry) -> Entry:
    """Raises Refused: not_found, stale, illegal_event, not_allowed."""
    return _move(tx, actor, command.entry_id, command.version, "withdraw", command.because)


# for other services


def permitted_patient(tx: Transaction, actor: Actor, patient_id: str) -> str:
    """The record of now, for the running service. Raises Refused(not_found), audited."""
    current = current_id(tx, patient_id)
    if patient_record(tx, current) is None:
        raise hidden(tx, actor, "patient", patient_id)
    permit(tx, actor, facts_of(tx, current))
    return current


def source_of(actor: Actor) -> Source:
    """Whose word it is."""
    return "staff" if actor.is_staff or actor.kind == "system" else "patient"


def lists_of(tx: Transaction, patient_id: str) -> Lists:
    held = store.entries_of(tx, patient_id)
    return Lists(
        problems=tuple(one for one in held if one.kind == "problem"),
        allergies=tuple(one for one in held if one.kind == "allergy"),
        medicines=tuple(one for one in held if one.kind == "medicine"),
    )


def _note(tx: Transaction, actor: Actor, patient_id: str, detail: Detail) -> Entry:
    current = permitted_patient(tx, actor, patient_id)
    _check(detail)
    if isinstance(detail, Allergy):
        _agree(tx, actor, current, detail)
    if store.count_entries(tx, current) >= MAX_ENTRIES:
        raise Refused("conflict", "There are too many entries. Please ask the clinic.")
    return _noted(tx, actor, store.insert_entry(tx, actor, current, source_of(actor), detail))


def _agree(tx: Transaction, actor: Actor, patient_id: str, said: Allergy) -> None:
    """A list says either which allergies there are or that none is known."""
    for held in store.entries_of(tx, patient_id):
        if held.allergy is None or held.state != "active":
            continue
        if said.none_known:
            raise Refused("conflict", "An allergy is on the list, or this is said already.")
        if held.allergy.none_known:
            store.move_entry(tx, actor, held.id, held.version, "inactive", "")


def _change(tx: Transaction, actor: Actor, entry_id: str, version: int, detail: Detail) -> Entry:
    held = _changeable(tx, actor, entry_id)
    if held.kind != kind_of(detail) or held.state == "entered_in_error":
        raise hidden(tx, actor, kind_of(detail), entry_id)
    _check(detail)
    confirmed = source_of(actor) == "staff"
    store.update_entry(tx, actor, held, version, detail, confirmed=confirmed)
    return _noted(tx, actor, held.id)


def _move(
    tx: Transaction,
    actor: Actor,
    entry_id: str,
    version: int,
    event: EntryEvent,
    because: str = "",
) -> Entry:
    held = _changeable(tx, actor, entry_id)
    store.move_entry(tx, actor, held.id, version, after(held.state, event), because)
    return _noted(tx, actor, held.id, event)


def _changeable(tx: Transaction, actor: Actor, entry_id: str) -> Entry:
    held = _entry(tx, actor, entry_id)
    if source_of(actor) == "patient" and held.confirmed_by:
        raise Refused("not_allowed", "The clinic has confirmed this. Please ask them to change it.")
    return held


def _check(detail: Detail) -> None:
    wrong = wrong_fields(detail)
    if wrong:
        raise Refused("invalid", fields=wrong)


def _detail(command: Detail, kind: type[Detail]) -> Detail:
    return kind(**{name: getattr(command, name) for name in kind.__struct_fields__})


def _entry(tx: Transaction, actor: Actor, entry_id: str) -> Entry:
    found = store.entry(tx, entry_id)
    if found is None:
        raise hidden(tx, actor, "list_entry", entry_id)
    facts = facts_of(tx, found.patient_id)
    permit(tx, actor, msgspec.structs.replace(facts, kind="list_entry", id=entry_id))
    return found


def _noted(tx: Transaction, actor: Actor, entry_id: str, event: str = "") -> Entry:
    held = store.entry(tx, entry_id)
    assert held is not None, "it was just written"
    detail = {"event": event} if event else {}
    tx.note(actor, "list_entry", entry_id, patient_id=held.patient_id, **detail)
    return held
