"""A few routes over real services, so that the shell is tested apart from what features publish."""

from __future__ import annotations

import asyncio

import msgspec

from clinic_api.actor import Actor
from clinic_api.db import Database
from clinic_api.directory.model import Patient, PatientSummary
from clinic_api.directory.service import (
    ChangePatient,
    CreatePatient,
    OnePatient,
    SearchPatients,
    change_patient,
    create_patient,
    read_patient,
    search_patients,
)
from clinic_api.errors import Refused
from clinic_api.http.route import Route, WithSession, flow
from clinic_api.organisation.model import Organisation, ReadOrganisation
from clinic_api.organisation.service import read_organisation
from clinic_api.paging import Page


class Enter(msgspec.Struct, frozen=True):
    word: str


class Entered(msgspec.Struct, frozen=True):
    who: str


@flow("account.sign_in")
async def sign_in(database: Database, actor: Actor, command: Enter) -> WithSession[Entered]:
    """A word opens a session."""
    if command.word != "sesame":
        raise Refused("bad_credentials")
    return WithSession(Entered(actor.label), "carol")


@flow("account.sign_out")
async def sign_out(database: Database, actor: Actor, command: Nothing) -> WithSession[None]:
    """Ends the session."""
    return WithSession(None, None)


class Nothing(msgspec.Struct, frozen=True):
    pass


class Count(msgspec.Struct, frozen=True):
    word: str


class Counted(msgspec.Struct, frozen=True):
    times: int


class Counter:
    """A flow that counts how often it was carried out."""

    times = 0
    hold = asyncio.Event()


@flow("patient.create")
async def count(database: Database, actor: Actor, command: Count) -> Counted:
    """Counts; the word `no` is refused, `wait` waits to be let go."""
    Counter.times += 1
    if command.word == "no":
        raise Refused("conflict")
    if command.word == "wait":
        await Counter.hold.wait()
    return Counted(Counter.times)


ROUTES: tuple[Route, ...] = (
    Route("GET", "/organisation", read_organisation, ReadOrganisation, Organisation),
    Route("GET", "/patients", search_patients, SearchPatients, Page[PatientSummary]),
    Route("POST", "/patients", create_patient, CreatePatient, Patient, status=201),
    Route("GET", "/patients/{patient_id}", read_patient, OnePatient, Patient),
    Route("PUT", "/patients/{patient_id}", change_patient, ChangePatient, Patient),
    Route("POST", "/sessions", sign_in, Enter, Entered, status=201),
    Route("DELETE", "/sessions/current", sign_out, Nothing, None),
    Route("POST", "/counts", count, Count, Counted, status=201),
)
