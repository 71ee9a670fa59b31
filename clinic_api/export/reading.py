"""Reads a record part by part, each in a transaction of its own: as the patient may read it.

Whoever calls this was permitted to, and is in the audit already.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from datetime import datetime
from functools import partial
from typing import Protocol, TypeVar

from clinic_api.catalogue import store as catalogue
from clinic_api.db import Database
from clinic_api.directory import store as people
from clinic_api.export.parts import (
    Answered,
    Booked,
    Chat,
    Conversation,
    Documents,
    Measurements,
    Notes,
    OfVisit,
    Part,
    Person,
)
from clinic_api.export.visit_facts import gather, practitioner_name, released_notes
from clinic_api.files.model import GIVEN_OUT
from clinic_api.forms import store as forms
from clinic_api.messages import store as messages
from clinic_api.messages.model import Message
from clinic_api.organisation.store import organisation
from clinic_api.paging import MAX_ITEMS, Page
from clinic_api.records import documents_store, observations_store
from clinic_api.records.documents_model import Document, ListDocuments
from clinic_api.records.lists import lists_of
from clinic_api.scheduling import store as scheduling
from clinic_api.transaction import Transaction
from clinic_api.visits import call_store, consent_store
from clinic_api.visits import store as visits
from clinic_api.visits.call_store import ChatMessage
from clinic_api.visits.chat import ChatLine
from clinic_api.visits.model import Visit

T = TypeVar("T")
AT_ONCE = MAX_ITEMS
_UNSAFE = frozenset('/\\:*?"<>|')  # in names of files, on some system
NOBODY = ""  # reads for nobody in particular: what is unread does not matter


class _Read(Protocol[T]):
    def __call__(self, tx: Transaction, cursor: str) -> Page[T]: ...


async def parts_of(database: Database, patient_id: str) -> AsyncGenerator[Part, None]:
    """The whole record. Two readings differ where somebody writes in between."""
    yield await database.read(lambda tx: _person(tx, patient_id))
    async for measured in _pages(
        database, lambda tx, cursor: observations_store.page_of(tx, patient_id, cursor, AT_ONCE)
    ):
        yield Measurements(measured)
    async for booked in _booked(database, patient_id):
        yield booked
    async for visit in _visits(database, patient_id):
        yield await database.read(_gathering(visit))
        answers = await database.read(partial(forms.answers_of_visit, visit_id=visit.id))
        if answers is not None and answers.state == "submitted":
            yield Answered(answers)
        async for lines in _pages(database, _chat_of(visit.id)):
            said = (ChatLine(id=one.id, name=one.name, text=one.text, at=one.at) for one in lines)
            yield Chat(visit.id, tuple(said))
    yield await database.read(lambda tx: Notes(patient_id, released_notes(tx, patient_id, None)))
    async for documents in documents_of(database, patient_id):
        yield Documents(documents, {each.id: path_of(each) for each in documents})
    async for part in _conversations(database, patient_id):
        yield part


async def documents_of(database: Database, patient_id: str) -> AsyncIterator[tuple[Document, ...]]:
    """Those that were released, and whose files are given out."""

    def read(tx: Transaction, cursor: str) -> Page[Document]:
        wanted = ListDocuments(patient_id=patient_id, cursor=cursor, limit=AT_ONCE)
        return documents_store.listed(tx, wanted, seen_by_patient=True)

    async for page in _pages(database, read):
        yield tuple(each for each in page if each.file.state in GIVEN_OUT)


def path_of(document: Document) -> str:
    """Where its file lies in the archive: no folder but `files`, and no name twice."""
    safe = (
        "_" if char in _UNSAFE or not char.isprintable() else char for char in document.file.name
    )
    return f"files/{document.created_at:%Y-%m-%d} {document.id[-8:]} {''.join(safe).strip('. ')}"


async def _pages(database: Database, read: _Read[T]) -> AsyncIterator[tuple[T, ...]]:
    cursor = ""
    while True:
        page = await database.read(partial(read, cursor=cursor))
        if page.items:
            yield page.items
        if page.next is None:
            return
        cursor = page.next


def _person(tx: Transaction, patient_id: str) -> Person:
    patient = people.patient(tx, patient_id)
    assert patient is not None, "a foreign key says so"
    agreed = consent_store.consents_of(tx, patient_id, NOBODY)
    return Person(organisation(tx), patient, lists_of(tx, patient_id), tuple(agreed))


async def _booked(database: Database, patient_id: str) -> AsyncIterator[Booked]:
    after: tuple[datetime, str] | None = None
    while True:
        found = await database.read(partial(_booked_page, patient_id=patient_id, after=after))
        if found.items:
            yield found
        if len(found.items) < AT_ONCE:
            return
        after = (found.items[-1].starts_at, found.items[-1].id)


def _booked_page(tx: Transaction, patient_id: str, after: tuple[datetime, str] | None) -> Booked:
    narrow = [scheduling.appointments.c.patient_id == patient_id]
    items = scheduling.listed(tx, narrow, after, AT_ONCE)
    services = {each.service_id: "" for each in items}
    for service_id in services:
        service = catalogue.service(tx, service_id)
        services[service_id] = "" if service is None else service.details.name
    treating = {each.practitioner_id for each in items}
    return Booked(tuple(items), services, {each: practitioner_name(tx, each) for each in treating})


async def _visits(database: Database, patient_id: str) -> AsyncIterator[Visit]:
    narrow = [visits.visits.c.patient_id == patient_id]
    async for page in _pages(
        database, lambda tx, cursor: visits.visit_page(tx, narrow, cursor, AT_ONCE)
    ):
        for visit in page:
            yield visit


async def _conversations(database: Database, patient_id: str) -> AsyncIterator[Conversation]:
    narrow = [messages.threads.c.patient_id == patient_id]
    async for page in _pages(
        database, lambda tx, cursor: messages.list_threads(tx, narrow, NOBODY, cursor, AT_ONCE)
    ):
        for thread in page:
            begins = True
            async for found in _pages(database, _messages_of(thread.id)):
                yield Conversation(thread, begins, found)
                begins = False


def _gathering(visit: Visit) -> Callable[[Transaction], OfVisit]:
    return lambda tx: OfVisit(gather(tx, visit))


def _chat_of(visit_id: str) -> _Read[ChatMessage]:
    return lambda tx, cursor: call_store.chat_page(tx, visit_id, cursor, AT_ONCE)


def _messages_of(thread_id: str) -> _Read[Message]:
    return lambda tx, cursor: messages.list_messages(tx, thread_id, cursor, AT_ONCE)
