"""A patient with a record of everything, in four scripts, after a visit with Bob.

Every word that only she, Bob and the proxies may read holds CANARY.
"""

from __future__ import annotations

import asyncio
from datetime import date

import msgspec

from clinic_api.actor import Actor
from clinic_api.directory.model import PatientDetails
from clinic_api.directory.service import add_patient
from clinic_api.export.flows import download_export, print_summary
from clinic_api.export.model import AskExport, OneExport, OneVisit
from clinic_api.export.service import ask_export
from clinic_api.files.disk import disk_of
from clinic_api.files.model import ReceivedFile, Streamed
from clinic_api.forms import store as forms
from clinic_api.forms.definition import Definition, Option, Question
from clinic_api.forms.service import CreateForm, create_form
from clinic_api.ids import new_id
from clinic_api.messages.model import OpenThread
from clinic_api.messages.service import open_thread
from clinic_api.records.documents import add_document
from clinic_api.records.documents_model import AddDocument
from clinic_api.records.lists import (
    NoteAllergy,
    NoteMedicine,
    NoteProblem,
    note_allergy,
    note_medicine,
    note_problem,
)
from clinic_api.records.notes import (
    AmendNote,
    DraftNote,
    SignNote,
    amend_note,
    draft_note,
    sign_note,
)
from clinic_api.records.observations import NoteObservation, note_observation
from clinic_api.transaction import Transaction
from clinic_api.visits import consent_store
from clinic_api.visits import store as visits
from clinic_api.visits.chat import ChatWritten, append_chat
from clinic_api.visits.service import OneVisit as EndVisit
from clinic_api.visits.service import end_visit
from tests.clinic_api.files.samples import pdf
from tests.clinic_api.visits.cast import CONSOLE, GATE, Clinic, signed_in, token_in

CANARY = "zeisig"
NAMES = ("Łukasz Żółć", "محمد بن علي", "שלום עולם", "Ελένη")
PLAN = f"Rest {CANARY}, ≤ 38.5 °C\nاسترح واشرب ماء\nשתה מים"


class Record(msgspec.Struct, frozen=True):
    clinic: Clinic
    patient: Actor
    patient_id: str
    visit_id: str
    note_id: str


async def a_record(clinic: Clinic, name: str = NAMES[0]) -> Record:
    """Of somebody who had a visit of 20 minutes by way of a call."""
    details = PatientDetails(name=name, birth_date=date(1984, 2, 29), phones=("+12025550101",))
    patient_id = await clinic.database.write(
        lambda tx: add_patient(tx, CONSOLE, details, "matched")
    )
    patient = signed_in(patient_id)
    visit_id = await _visit(clinic, patient_id)
    note_id = await _lists_and_notes(clinic, patient, patient_id, visit_id)
    await clinic.database.write(lambda tx: _answers(tx, patient_id, visit_id))
    await _document(clinic, patient, patient_id)
    hello = OpenThread(patient_id=patient_id, subject=f"Pills {CANARY}", text=f"When? {CANARY}")
    await clinic.do(open_thread, patient, hello)
    return Record(clinic, fresh(patient, clinic), patient_id, visit_id, note_id)


def fresh(actor: Actor, clinic: Clinic) -> Actor:
    """With a second factor that was just shown."""
    return msgspec.structs.replace(actor, stepped_up_at=clinic.database.now())


async def _visit(clinic: Clinic, patient_id: str) -> str:
    made = await clinic.visit(patient_id=patient_id, reason=f"Cough {CANARY}")
    bob = await clinic.bob_enters(made.id)
    seat = await clinic.tap(token_in(made))
    await clinic.joins(bob, "b")
    await clinic.joins(seat, "p")
    await clinic.is_admitted(seat, "p")
    said = ChatWritten(
        room=seat.room,
        participant=seat.participant_id,
        name="Łukasz",
        key="1",
        text=f"Hello {CANARY}",
        at=clinic.clock.now_s,
    )
    await clinic.do(append_chat, GATE, said)
    clinic.clock.advance(20 * 60)
    await clinic.leaves(seat, "p")
    await clinic.do(end_visit, clinic.bob, EndVisit(made.id))
    return made.id


async def _lists_and_notes(clinic: Clinic, patient: Actor, patient_id: str, visit_id: str) -> str:
    bob = clinic.bob
    allergy = NoteAllergy(
        patient_id=patient_id, text=f"Nuts {CANARY}", reaction="rash", severity="mild"
    )
    await clinic.do(note_allergy, patient, allergy)
    problem = NoteProblem(patient_id=patient_id, text=f"Asthma {CANARY}", since="2019-05")
    await clinic.do(note_problem, bob, problem)
    medicine = NoteMedicine(patient_id=patient_id, text="Salbutamol", dosage=f"2 puffs {CANARY}")
    await clinic.do(note_medicine, bob, medicine)
    pressure = NoteObservation(
        patient_id=patient_id,
        kind="blood_pressure",
        value=120.0,
        diastolic=80.0,
        unit="mm[Hg]",
        remark=CANARY,
        visit_id=visit_id,
    )
    await clinic.do(note_observation, bob, pressure)
    drafted = await clinic.do(
        draft_note, bob, DraftNote(patient_id=patient_id, visit_id=visit_id, plan=PLAN)
    )
    signed = await clinic.do(sign_note, bob, SignNote(note_id=drafted.id, version=drafted.version))
    added = AmendNote(note_id=signed.id, version=signed.version, text=f"Added {CANARY}")
    await clinic.do(amend_note, bob, added)
    return signed.id


def _answers(tx: Transaction, patient_id: str, visit_id: str) -> None:
    """A form that was sent, and a consent that was given."""
    yes, no = (Option(key=key, labels={"en": said}) for key, said in (("y", "Yes!"), ("n", "No!")))
    asked = Definition(
        titles={"en": "Before"},
        questions=(
            Question(key="why", kind="text", labels={"en": "Why do you come?"}),
            Question(key="again", kind="choice", labels={"en": "Again?"}, options=(yes, no)),
        ),
    )
    form = create_form(tx, CONSOLE, CreateForm(name="Before", definition=asked))
    forms.insert_answers(tx, CONSOLE, form.id, 1, patient_id, visit_id)
    held = forms.answers_of_visit(tx, visit_id)
    assert held is not None
    said = {"why": f"Breath {CANARY}", "again": "y"}
    forms.write_answers(tx, CONSOLE, held, held.version, said, "submitted")
    consent_store.insert_text(tx, CONSOLE, "telehealth", "en", "You may.", "0" * 64)
    (text,) = (one for one in consent_store.newest_texts(tx) if one.text == "You may.")
    seats = visits.participants_of(tx, visit_id)
    seat = next(one for one in seats if one.patient_id == patient_id)
    consent_store.insert_consent(tx, CONSOLE, visit_id, seat, text, "given")


async def _document(clinic: Clinic, patient: Actor, patient_id: str) -> None:
    file_id = new_id(clinic.database.now())
    data = pdf(200_000)

    def to_disk() -> ReceivedFile:
        draft = disk_of(clinic.database).draft(file_id, "letter.pdf", len(data))
        draft.write(data)
        written = draft.finish()
        return ReceivedFile(
            id=file_id,
            name="My ../letter.pdf",
            media_type=written.media_type,
            size=written.size,
            sha256=written.sha256,
            state="received",
        )

    file = await asyncio.to_thread(to_disk)
    await clinic.database.write(
        lambda tx: add_document(
            tx, patient, AddDocument(patient_id=patient_id, title=f"Letter {CANARY}"), file
        )
    )


async def all_of(made: Streamed) -> bytes:
    return b"".join([part async for part in made.parts])


async def summary_of(record: Record, actor: Actor | None = None) -> bytes:
    """The PDF."""
    wanted = OneVisit(record.visit_id)
    made = await print_summary(record.clinic.database, actor or record.patient, wanted)
    return await all_of(made)


async def copy_of(record: Record, actor: Actor | None = None) -> bytes:
    """The archive, asked for and fetched."""
    who = actor or record.patient
    asked = await record.clinic.do(ask_export, who, AskExport(record.patient_id))
    return await all_of(await download_export(record.clinic.database, who, OneExport(asked.id)))
