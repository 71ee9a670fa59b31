"""A process that writes notes, to be killed: `python -m tests.clinic_api.records.notes_writer
FOLDER NOTES`.

Each note is drafted, saved three times as somebody types, and signed. Each line of the output
acknowledges what has returned: the note's id, its version, its text, and its digest once signed.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from clinic_api.actor import Actor, system
from clinic_api.db import Database
from clinic_api.directory.model import PatientDetails
from clinic_api.directory.relations import relate
from clinic_api.directory.service import CreatePractitioner, add_patient, create_practitioner
from clinic_api.opening import open_database
from clinic_api.records.notes import DraftNote, SaveDraft, SignNote, draft_note, save_draft
from clinic_api.records.notes import sign_note as sign
from clinic_api.records.notes_store import Note
from clinic_api.transaction import Transaction
from tests.clinic_api.conftest import place_in

CONSOLE = system("console")
SAVES = 3


def people(tx: Transaction) -> tuple[Actor, str]:
    """Bob, and the record of somebody whom he treats."""
    bob = create_practitioner(tx, CONSOLE, CreatePractitioner(name="Dr. Bob"))
    patient_id = add_patient(tx, CONSOLE, PatientDetails(name="Alice"), "matched")
    relate(tx, CONSOLE, patient_id, bob.id)
    roles = frozenset({"doctor"})
    return Actor(kind="user", id=bob.id, roles=roles, practitioner_id=bob.id), patient_id


def acknowledge(note: Note) -> None:
    text = note.sections.plan
    os.write(1, f"{note.id}\t{note.version}\t{text}\t{note.digest}\n".encode())


async def write_one(database: Database, bob: Actor, patient_id: str, number: int) -> None:
    begin = DraftNote(patient_id=patient_id, plan=f"{number}")
    note = await database.write(lambda tx: draft_note(tx, bob, begin))
    acknowledge(note)
    for _ in range(SAVES):
        typed = note.sections.plan + "."
        save = SaveDraft(note_id=note.id, version=note.version, plan=typed)
        note = await database.write(lambda tx, save=save: save_draft(tx, bob, save))  # type: ignore[misc]
        acknowledge(note)
    last = SignNote(note_id=note.id, version=note.version)
    acknowledge(await database.write(lambda tx: sign(tx, bob, last)))


async def main(folder: Path, notes: int) -> None:
    async with await open_database(place_in(folder)) as database:
        bob, patient_id = await database.write(people)
        os.write(1, b"ready\n")
        for number in range(notes):
            await write_one(database, bob, patient_id, number)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
