"""A clinic with people in it, as a small practice has after some months: filled past the API.

Doctors with hours, patients with charts, visits of the past, and a session of each of them.
"""

from __future__ import annotations

import secrets
from datetime import date, timedelta

import msgspec

from clinic_api.actor import Actor, system
from clinic_api.auth import factor_store, session_store, store
from clinic_api.auth.new_login import NewLogin, new_user
from clinic_api.catalogue.service import CreateOffer, CreateService, create_offer, create_service
from clinic_api.db import Database
from clinic_api.directory.model import PatientDetails
from clinic_api.directory.relations import relate
from clinic_api.directory.service import CreatePractitioner, add_patient, create_practitioner
from clinic_api.organisation.model import Profile
from clinic_api.organisation.service import make_ready
from clinic_api.records import lists, notes, observations
from clinic_api.records.vital_signs import VitalKind
from clinic_api.scheduling.hours import AddHours, add_hours
from clinic_api.transaction import Transaction
from clinic_api.visits.service import CreateInstantVisit, create_instant_visit

DOCTORS = 20
PATIENTS_EACH = 5
VISITS_EACH = 2  # of each patient
NOTES_EACH = 3
ZONE = "America/New_York"
_CONSOLE = system("console")
_CLINIC = Profile(
    name="Bench Clinic", country="US", currency="USD", time_zone=ZONE, phone="+12025550123"
)
_MEASURED: tuple[tuple[VitalKind, float, str, float | None], ...] = (
    ("heart_rate", 64, "/min", None),
    ("blood_pressure", 122, "mm[Hg]", 78),
    ("temperature", 36.7, "Cel", None),
    ("weight", 71.5, "kg", None),
)


class Login(msgspec.Struct, frozen=True):
    """Somebody with an open session."""

    token: str
    id: str  # of the patient or practitioner


class Filled(msgspec.Struct, frozen=True):
    service_id: str
    doctors: tuple[Login, ...]
    patients: tuple[Login, ...]  # PATIENTS_EACH of each doctor, in the doctors' order


async def fill(database: Database, today: date) -> Filled:
    """Once, on a database that is new."""
    service_id = await database.write(_found)
    doctors: list[Login] = []
    patients: list[Login] = []
    for n in range(DOCTORS):

        def add(tx: Transaction, n: int = n) -> tuple[Login, list[Login]]:
            return _add_doctor(tx, n, service_id, today)

        doctor, theirs = await database.write(add)
        doctors.append(doctor)
        patients += theirs
    return Filled(service_id, tuple(doctors), tuple(patients))


def _found(tx: Transaction) -> str:
    make_ready(tx, _CONSOLE, _CLINIC)
    return create_service(tx, _CONSOLE, CreateService(name="Visit")).id


def _add_doctor(tx: Transaction, n: int, service_id: str, today: date) -> tuple[Login, list[Login]]:
    user_id, token = _signed_in(tx, f"doctor-{n}", "doctor")
    command = CreatePractitioner(name=f"Dr. Bob {n}", user_id=user_id, address=f"bob-{n}")
    practitioner_id = create_practitioner(tx, _CONSOLE, command).id
    create_offer(tx, _CONSOLE, CreateOffer(service_id=service_id, practitioner_id=practitioner_id))
    for weekday in range(5):
        hours = AddHours(
            practitioner_id=practitioner_id,
            weekday=weekday,
            from_time="09:00",
            until_time="17:00",
            valid_from=today - timedelta(days=30),
        )
        add_hours(tx, _CONSOLE, hours)
    bob = Actor(
        kind="user",
        id=user_id,
        roles=frozenset({"doctor"}),
        practitioner_id=practitioner_id,
    )
    theirs = [_add_patient(tx, bob, n * PATIENTS_EACH + m) for m in range(PATIENTS_EACH)]
    return Login(token, practitioner_id), theirs


def _add_patient(tx: Transaction, bob: Actor, n: int) -> Login:
    """With a chart and visits."""
    user_id, token = _signed_in(tx, f"patient-{n}", "patient")
    details = PatientDetails(
        name=f"Alice Example {n}",
        birth_date=date(1950 + n % 50, 1 + n % 12, 1 + n % 28),
        phones=("+12025550100",),
        emails=(f"patient-{n}@example.org",),
    )
    patient_id = add_patient(tx, _CONSOLE, details, "matched", user_id)
    relate(tx, _CONSOLE, patient_id, bob.practitioner_id or "")
    _fill_chart(tx, bob, patient_id)
    for _ in range(VISITS_EACH):
        create_instant_visit(tx, bob, CreateInstantVisit(patient_id=patient_id))
    return Login(token, patient_id)


def _fill_chart(tx: Transaction, bob: Actor, patient_id: str) -> None:
    for text in ("Asthma", "High blood pressure", "Migraine"):
        problem = lists.NoteProblem(patient_id=patient_id, text=text, since="2019")
        lists.note_problem(tx, bob, problem)
    for text in ("Penicillin", "Peanuts"):
        lists.note_allergy(tx, bob, lists.NoteAllergy(patient_id=patient_id, text=text))
    for text in ("Salbutamol", "Ramipril", "Sumatriptan"):
        lists.note_medicine(tx, bob, lists.NoteMedicine(patient_id=patient_id, text=text))
    for kind, value, unit, diastolic in _MEASURED:
        command = observations.NoteObservation(
            patient_id=patient_id, kind=kind, value=value, unit=unit, diastolic=diastolic
        )
        observations.note_observation(tx, bob, command)
    for _ in range(NOTES_EACH):
        draft = notes.DraftNote(patient_id=patient_id, subjective="A cough. " * 40, plan="Rest.")
        note = notes.draft_note(tx, bob, draft)
        notes.sign_note(tx, bob, notes.SignNote(note_id=note.id, version=note.version))


def _signed_in(tx: Transaction, name: str, role: str) -> tuple[str, str]:
    """User's id and session's token."""
    user = new_user(tx, _CONSOLE, NewLogin(login=name, display_name=name), frozenset({role}))
    store.change_user(tx, _CONSOLE, user.id, state="active")
    if role != "patient":
        factor_store.add_pending(tx, _CONSOLE, user.id, secrets.token_hex(20))
        pending = factor_store.factor(tx, user.id, "pending")
        assert pending is not None
        factor_store.activate(tx, _CONSOLE, pending, 0)
    token = secrets.token_urlsafe(32)
    session_store.add_session(
        tx,
        _CONSOLE,
        user_id=user.id,
        token=token,
        level="full",
        device="computer",
        stepped_up_at=None,
    )
    return user.id, token
