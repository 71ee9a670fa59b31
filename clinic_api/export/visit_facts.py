"""What the summary of a visit says: the real times, who took part, the notes that are released."""

from __future__ import annotations

from datetime import datetime

import msgspec

from clinic_api.directory import store as people
from clinic_api.directory.model import Patient
from clinic_api.organisation.model import Organisation
from clinic_api.organisation.store import organisation
from clinic_api.paging import MAX_ITEMS
from clinic_api.records import notes_store
from clinic_api.records.note import SIGNED
from clinic_api.records.notes_store import Note
from clinic_api.transaction import Transaction
from clinic_api.visits import call_store, store
from clinic_api.visits.model import Participant, Participation, Role, Visit


class TookPart(msgspec.Struct, frozen=True, kw_only=True):
    """One who was let into the call; from the first coming to the last leaving, at
    the latest the end of the visit."""

    name: str
    role: Role
    came_at: datetime
    left_at: datetime | None


class SignedNote(msgspec.Struct, frozen=True, kw_only=True):
    """A note that the patient may read; `author` is the practitioner's name."""

    author: str
    note: Note


class VisitFacts(msgspec.Struct, frozen=True, kw_only=True):
    organisation: Organisation
    patient: Patient
    visit: Visit
    practitioner: str
    reason: str
    took_part: tuple[TookPart, ...]
    notes: tuple[SignedNote, ...]


def gather(tx: Transaction, visit: Visit) -> VisitFacts:
    """Of a visit that has a patient."""
    assert visit.patient_id is not None
    patient = people.patient(tx, visit.patient_id)
    assert patient is not None, "it is a foreign key"
    seats = store.participants_of(tx, visit.id)
    comings = call_store.participations_of(tx, visit.id)
    return VisitFacts(
        organisation=organisation(tx),
        patient=patient,
        visit=visit,
        practitioner=practitioner_name(tx, visit.practitioner_id),
        reason=store.reason_of(tx, visit.id),
        took_part=_took_part(seats, comings, visit.ended_at),
        notes=released_notes(tx, visit.patient_id, visit.id),
    )


def released_notes(
    tx: Transaction, patient_id: str, visit_id: str | None
) -> tuple[SignedNote, ...]:
    """Signed and not withheld, oldest first; with None those that belong to no visit."""
    columns = notes_store.notes.c
    narrow = [columns.patient_id == patient_id, columns.visit_id == visit_id]
    narrow += [columns.state.in_(sorted(SIGNED)), columns.withheld == ""]
    found, cursor = [], ""
    while True:
        heads = notes_store.list_heads(tx, narrow, cursor, MAX_ITEMS)
        found += [notes_store.note(tx, head.id) for head in heads.items]
        if heads.next is None:
            break
        cursor = heads.next
    return tuple(
        SignedNote(author=practitioner_name(tx, note.practitioner_id), note=note)
        for note in reversed(found)
        if note is not None
    )


def practitioner_name(tx: Transaction, practitioner_id: str | None) -> str:
    found = people.practitioner(tx, practitioner_id or "")
    return "" if found is None else found.name


def _took_part(
    seats: list[Participant], comings: list[Participation], ended_at: datetime | None
) -> tuple[TookPart, ...]:
    found = []
    for seat in seats:
        own = [one for one in comings if one.participant_id == seat.id and one.admitted_at]
        if not own:
            continue
        left = [one.left_at for one in own if one.left_at is not None]
        came = [one.admitted_at for one in own if one.admitted_at is not None]
        found.append(
            TookPart(
                name=seat.name,
                role=seat.role,
                came_at=min(came),
                left_at=max(left) if len(left) == len(own) else ended_at,
            )
        )
    return tuple(sorted(found, key=lambda one: one.came_at))
