"""A record in parts, each small enough to be held, in the order in which it is written down."""

from __future__ import annotations

import msgspec

from clinic_api.directory.model import Patient
from clinic_api.export.visit_facts import SignedNote, VisitFacts
from clinic_api.forms.store import FormAnswers
from clinic_api.messages.model import Message, Thread
from clinic_api.organisation.model import Organisation
from clinic_api.records.documents_model import Document
from clinic_api.records.lists import Lists
from clinic_api.records.observations_store import Observation
from clinic_api.scheduling.model import Appointment
from clinic_api.visits.chat import ChatLine
from clinic_api.visits.consent_store import HeldConsent


class Person(msgspec.Struct, frozen=True):
    """The patient, what is known of them in lists, and what they agreed to."""

    organisation: Organisation
    patient: Patient
    lists: Lists
    consents: tuple[HeldConsent, ...]


class Measurements(msgspec.Struct, frozen=True):
    items: tuple[Observation, ...]


class Booked(msgspec.Struct, frozen=True):
    """`services` and `practitioners` are names by id."""

    items: tuple[Appointment, ...]
    services: dict[str, str]
    practitioners: dict[str, str]


class OfVisit(msgspec.Struct, frozen=True):
    """A visit with the notes that are released."""

    facts: VisitFacts


class Answered(msgspec.Struct, frozen=True):
    """What the patient sent before the visit before."""

    held: FormAnswers


class Chat(msgspec.Struct, frozen=True):
    """What was written in the visit before."""

    visit_id: str
    lines: tuple[ChatLine, ...]


class Notes(msgspec.Struct, frozen=True):
    """Those that belong to no visit."""

    patient_id: str
    items: tuple[SignedNote, ...]


class Documents(msgspec.Struct, frozen=True):
    """What lies in the archive; `paths` are the places there by document."""

    items: tuple[Document, ...]
    paths: dict[str, str]


class Conversation(msgspec.Struct, frozen=True):
    """A part of a thread's messages; `begins`: the first part."""

    thread: Thread
    begins: bool
    messages: tuple[Message, ...]


Part = Person | Measurements | Booked | OfVisit | Answered | Chat | Notes | Documents | Conversation
