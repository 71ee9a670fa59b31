"""Notes: drafted as one types, signed by the doctor for good, corrected by addenda.

A draft is its author's; nurses who treat the patient may prepare one for the doctor of the visit.
The patient reads what was signed, unless it is withheld for a reason.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
import sqlalchemy as sa
from msgspec import Meta

from clinic_api.actor import Actor
from clinic_api.directory import store as people
from clinic_api.directory.model import Id
from clinic_api.directory.relations import facts_of
from clinic_api.errors import Refused
from clinic_api.guarded import guarded, hidden, permit
from clinic_api.paging import DEFAULT_ITEMS, Cursor, Limit, Page
from clinic_api.records import notes_store as store
from clinic_api.records.lists import permitted_patient
from clinic_api.records.note import SIGNED, Sections, after, digest, is_blank
from clinic_api.records.notes_store import Note, NoteHead
from clinic_api.records.templates import filled
from clinic_api.transaction import Transaction
from clinic_api.visits.store import visit as visit_of

# 45 CFR 171.201 and 171.202: harm to the patient or somebody else, privacy.
Withheld = Literal["", "harm", "privacy"]


class DraftNote(Sections, frozen=True, kw_only=True):
    """A new draft; for a visit the one that there is already, if nothing was signed yet."""

    patient_id: Id
    visit_id: Id | None = None
    template_id: Id | None = None  # what is not written here comes from it


class SaveDraft(Sections, frozen=True, kw_only=True):
    """The whole text as it is now, over the version that was read."""

    note_id: Id
    version: int


class OneNote(msgspec.Struct, frozen=True):
    note_id: Id


class SignNote(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in this version is what is signed."""

    note_id: Id
    version: int
    withheld: Withheld = ""


class AmendNote(msgspec.Struct, frozen=True, kw_only=True):
    """A signed addition; nothing that stands is changed."""

    note_id: Id
    version: int
    text: Annotated[str, Meta(min_length=1, max_length=20_000)]


class WithholdNote(msgspec.Struct, frozen=True, kw_only=True):
    """Why the patient is not to read the note; "": the patient reads it."""

    note_id: Id
    version: int
    withheld: Withheld


class DiscardDraft(msgspec.Struct, frozen=True, kw_only=True):
    note_id: Id
    version: int


class ListNotes(msgspec.Struct, frozen=True, kw_only=True):
    """A patient's, newest first."""

    patient_id: Id
    cursor: Cursor = ""
    limit: Limit = DEFAULT_ITEMS


class ListUnsigned(msgspec.Struct, frozen=True, kw_only=True):
    """One's own drafts, newest first."""

    cursor: Cursor = ""
    limit: Limit = DEFAULT_ITEMS


@guarded("note.write")
def draft_note(tx: Transaction, actor: Actor, command: DraftNote) -> Note:
    """Raises Refused: not_found (patient, template), invalid (visit)."""
    patient_id = permitted_patient(tx, actor, command.patient_id)
    practitioner_id = _author(tx, actor, patient_id, command.visit_id)
    held = None
    if command.visit_id is not None:
        held = store.draft_of_visit(tx, command.visit_id, practitioner_id)
    if held is not None:
        tx.note(actor, "note", held.id, patient_id=patient_id)
        return held
    sections = _sections(command)
    if command.template_id is not None:
        sections = filled(tx, actor, command.template_id, patient_id, sections)
    note_id = store.insert_note(tx, actor, patient_id, command.visit_id, practitioner_id, sections)
    tx.note(actor, "note", note_id, patient_id=patient_id)
    return _known(tx, note_id)


@guarded("note.write")
def save_draft(tx: Transaction, actor: Actor, command: SaveDraft) -> Note:
    """Raises Refused: not_found, stale, illegal_event (signed)."""
    held = _own_draft(tx, actor, command.note_id)
    after(held.state, "save")
    store.save_note(tx, actor, held.id, command.version, _sections(command))
    tx.note(actor, "note", held.id, patient_id=held.patient_id)
    return _known(tx, held.id)


@guarded("note.write")
def discard_draft(tx: Transaction, actor: Actor, command: DiscardDraft) -> None:
    """Throw the draft away. Raises Refused: not_found, stale, illegal_event (signed)."""
    held = _own_draft(tx, actor, command.note_id)
    store.move_note(tx, actor, held.id, command.version, after(held.state, "discard"))
    tx.note(actor, "note", held.id, patient_id=held.patient_id, event="discard")


@guarded("note.sign")
def sign_note(tx: Transaction, actor: Actor, command: SignNote) -> Note:
    """For good. Raises Refused: not_found, stale, illegal_event (signed already), invalid
    (nothing is written)."""
    held = _own_draft(tx, actor, command.note_id)
    state = after(held.state, "sign")
    if held.practitioner_id != actor.practitioner_id:
        raise hidden(tx, actor, "note", held.id)
    if is_blank(held.sections):
        raise Refused("invalid", fields={"sections": "There is nothing to sign yet."})
    store.move_note(
        tx,
        actor,
        held.id,
        command.version,
        state,
        signed_at=tx.now,
        signed_by=actor.label,
        digest=digest(held.sections, actor.label, tx.now),
        withheld=command.withheld,
    )
    signed = _known(tx, held.id)
    tx.note(actor, "note", held.id, patient_id=held.patient_id, digest=signed.digest)
    return signed


@guarded("note.sign")
def amend_note(tx: Transaction, actor: Actor, command: AmendNote) -> Note:
    """By any doctor who treats the patient. Raises Refused: not_found, stale, illegal_event (not
    signed yet), invalid."""
    held = _note(tx, actor, command.note_id)
    state = after(held.state, "amend")
    text = command.text.strip()
    if not text:
        raise Refused("invalid", fields={"text": "Please write something."})
    store.move_note(tx, actor, held.id, command.version, state)
    hashed = digest(Sections(plan=text), actor.label, tx.now)
    store.insert_addendum(tx, actor, held.id, text, _name(tx, actor), hashed)
    tx.note(actor, "note", held.id, patient_id=held.patient_id, event="amend", digest=hashed)
    return _known(tx, held.id)


@guarded("note.sign")
def withhold_note(tx: Transaction, actor: Actor, command: WithholdNote) -> Note:
    """Raises Refused: not_found, stale."""
    held = _note(tx, actor, command.note_id)
    state, reason = held.state, command.withheld
    store.move_note(tx, actor, held.id, command.version, state, withheld=reason)
    tx.note(actor, "note", held.id, patient_id=held.patient_id, withheld=reason or "no")
    return _known(tx, held.id)


@guarded("note.read")
def read_note(tx: Transaction, actor: Actor, command: OneNote) -> Note:
    """Raises Refused(not_found)."""
    held = _note(tx, actor, command.note_id)
    if not _may_read(tx, actor, held):
        raise hidden(tx, actor, "note", held.id)
    tx.note(actor, "note", held.id, patient_id=held.patient_id)
    return held


@guarded("note.read")
def list_notes(tx: Transaction, actor: Actor, command: ListNotes) -> Page[NoteHead]:
    """Those that the actor may read, without their text. Raises Refused(not_found)."""
    patient_id = permitted_patient(tx, actor, command.patient_id)
    columns = store.notes.c
    narrow = [columns.patient_id == patient_id]
    signed = columns.state.in_(sorted(SIGNED))
    if not _treats(tx, actor, patient_id):
        narrow += [signed, columns.withheld == ""]
    elif not _prepares(actor):
        narrow.append(sa.or_(signed, columns.practitioner_id == actor.practitioner_id))
    tx.note(actor, "note", patient_id=patient_id)
    return store.list_heads(tx, narrow, command.cursor, command.limit)


@guarded("note.write")
def list_unsigned(tx: Transaction, actor: Actor, command: ListUnsigned) -> Page[NoteHead]:
    """What the doctor has still to sign."""
    narrow = [
        store.notes.c.practitioner_id == (actor.practitioner_id or ""),
        store.notes.c.state == "drafted",
    ]
    tx.note(actor, "note")
    return store.list_heads(tx, narrow, command.cursor, command.limit)


def _author(tx: Transaction, actor: Actor, patient_id: str, visit_id: str | None) -> str:
    """Whose note it becomes: the doctor's who writes, or for whom a nurse prepares it."""
    visit = None if visit_id is None else visit_of(tx, visit_id)
    if visit_id is not None and (visit is None or visit.patient_id != patient_id):
        raise Refused("invalid", fields={"visit_id": "This is not a visit of this patient."})
    if "doctor" in actor.roles and actor.practitioner_id is not None:
        return actor.practitioner_id
    if visit is None or visit.practitioner_id is None:
        wanted = "Please choose the visit whose doctor signs the note."
        raise Refused("invalid", fields={"visit_id": wanted})
    return visit.practitioner_id


def _own_draft(tx: Transaction, actor: Actor, note_id: str) -> Note:
    """One's own, or one that nurses who treat the patient prepare."""
    held = _note(tx, actor, note_id)
    if held.practitioner_id != actor.practitioner_id and not _prepares(actor):
        raise hidden(tx, actor, "note", note_id)
    return held


def _note(tx: Transaction, actor: Actor, note_id: str) -> Note:
    held = store.note(tx, note_id)
    if held is None or held.state == "discarded":
        raise hidden(tx, actor, "note", note_id)
    facts = facts_of(tx, held.patient_id)
    permit(tx, actor, msgspec.structs.replace(facts, kind="note", id=note_id))
    return held


def _may_read(tx: Transaction, actor: Actor, held: Note) -> bool:
    """Patients read what was signed and is not withheld; of drafts a doctor reads their own."""
    if not _treats(tx, actor, held.patient_id):
        return held.state in SIGNED and not held.withheld
    own = held.practitioner_id == actor.practitioner_id
    return held.state in SIGNED or own or _prepares(actor)


def _prepares(actor: Actor) -> bool:
    """Nurses see the drafts that they prepare for doctors."""
    return "nurse" in actor.roles or actor.kind == "system"


def _treats(tx: Transaction, actor: Actor, patient_id: str) -> bool:
    if actor.kind == "system":
        return True
    return actor.practitioner_id in facts_of(tx, patient_id).practitioner_ids


def _name(tx: Transaction, actor: Actor) -> str:
    found = people.practitioner(tx, actor.practitioner_id or "")
    return "" if found is None else found.name


def _sections(command: Sections) -> Sections:
    return Sections(**{name: getattr(command, name) for name in Sections.__struct_fields__})


def _known(tx: Transaction, note_id: str) -> Note:
    held = store.note(tx, note_id)
    assert held is not None, "it was just written"
    return held
