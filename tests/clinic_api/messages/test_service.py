"""Messages: whom they are for, who reads and answers them, who is told and how often."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from clinic_api.actor import Actor
from clinic_api.auth.new_login import NewLogin, new_user
from clinic_api.db import Database
from clinic_api.directory.model import PatientDetails
from clinic_api.directory.relations import relate
from clinic_api.directory.service import add_patient
from clinic_api.mail.kinds import find
from clinic_api.messages import store
from clinic_api.messages.model import (
    ListThreads,
    MarkRead,
    MoveThread,
    OpenThread,
    Posted,
    PostMessage,
    ReadMessages,
)
from clinic_api.messages.service import (
    MAX_A_DAY,
    close_thread,
    list_threads,
    mark_read,
    open_thread,
    post_message,
    read_messages,
)
from clinic_api.outbox import about_of
from clinic_api.outbox_store import outbox
from clinic_api.transaction import Transaction
from tests.clinic_api.conftest import Clock
from tests.clinic_api.visits.cast import CAROL, CHARLIE, CONSOLE, PHONE, Clinic, opened
from tests.clinic_api.visits.test_service import OTHER_DOCTOR


@pytest.fixture
async def clinic(database: Database, clock: Clock) -> Clinic:
    return await opened(database, clock)


@pytest.fixture
async def alice(clinic: Clinic) -> Actor:
    """Signed in, with a record of her own; Bob treats her."""

    def make(tx: Transaction) -> Actor:
        details = PatientDetails(name="Alice", emails=("alice@example.org",))
        login = NewLogin(login="alice-1", display_name="Alice")
        user = new_user(tx, CONSOLE, login, frozenset({"patient"}))
        patient_id = add_patient(tx, CONSOLE, details, "matched", user.id)
        assert clinic.bob.practitioner_id is not None
        relate(tx, CONSOLE, patient_id, clinic.bob.practitioner_id)
        return Actor(
            kind="user",
            id=user.id,
            roles=frozenset({"patient"}),
            patient_ids=frozenset({patient_id}),
        )

    return await clinic.database.write(make)


def question(alice: Actor, **values: object) -> OpenThread:
    (patient_id,) = alice.patient_ids
    command = OpenThread(patient_id=patient_id, subject="The new pills", text="Before meals?")
    return replace(command, **values)


def answer(posted: Posted, text: str = "After meals.") -> PostMessage:
    return PostMessage(thread_id=posted.id, text=text)


async def mails(clinic: Clinic) -> list[str]:
    """Kinds of messages that still stand."""

    def work(tx: Transaction) -> list[str]:
        rows = tx.all(tx.select(outbox).order_by(outbox.c.id))
        standing = [row.kind for row in rows if find(tx, row.kind, about_of(row), row.created_at)]
        return [kind for kind in standing if kind == "message.received"]

    return await clinic.database.read(work)


async def test_the_doctor_answers_and_the_patient_is_told_once_until_she_reads(
    clinic: Clinic, alice: Actor
) -> None:
    asked = await clinic.do(open_thread, alice, question(alice))
    assert PHONE in asked.notice
    assert asked.message.author == "Alice"
    clinic.clock.advance(60)
    first = await clinic.do(post_message, clinic.bob, answer(asked))
    clinic.clock.advance(60)
    second = await clinic.do(post_message, clinic.bob, answer(asked, "And no alcohol."))
    assert (first.notice, second.thread.last_side) == ("", "staff")
    assert await mails(clinic) == ["message.received"]
    (thread,) = (await clinic.see(list_threads, alice, ListThreads())).items
    assert (thread.unread, thread.subject) == (2, "The new pills")
    said = await clinic.see(read_messages, alice, ReadMessages(thread_id=asked.id))
    assert [each.text for each in said.items] == [
        "And no alcohol.",
        "After meals.",
        "Before meals?",
    ]
    read = await clinic.do(
        mark_read, alice, MarkRead(thread_id=asked.id, message_id=second.message.id)
    )
    assert read.unread == 0
    assert await mails(clinic) == []
    older = MarkRead(thread_id=asked.id, message_id=first.message.id)
    assert (await clinic.do(mark_read, alice, older)).unread == 0


async def test_the_desk_sees_what_is_for_the_desk_only(clinic: Clinic, alice: Actor) -> None:
    care = await clinic.do(open_thread, alice, question(alice))
    papers = question(alice, kind="desk", subject="A sick note", text="Where is it?")
    desk = await clinic.do(open_thread, alice, papers)
    seen = await clinic.see(list_threads, CAROL, ListThreads())
    assert [each.id for each in seen.items] == [desk.id]
    await clinic.do(post_message, CAROL, answer(desk, "In the post."))
    refused = [
        await clinic.refusal(read_messages, CAROL, ReadMessages(thread_id=care.id)),
        await clinic.refusal(post_message, CAROL, answer(care)),
        await clinic.refusal(open_thread, CAROL, question(alice)),
    ]
    assert {each.code for each in refused} == {"not_found"}
    assert len((await clinic.see(list_threads, clinic.bob, ListThreads())).items) == 2


@pytest.mark.parametrize("actor", [CHARLIE, OTHER_DOCTOR], ids=["Charlie", "another doctor"])
async def test_nobody_else_finds_reads_or_writes_anything(
    clinic: Clinic, alice: Actor, actor: Actor
) -> None:
    asked = await clinic.do(open_thread, alice, question(alice, kind="desk"))
    assert (await clinic.see(list_threads, actor, ListThreads())).items == ()
    refused = [
        await clinic.refusal(read_messages, actor, ReadMessages(thread_id=asked.id)),
        await clinic.refusal(post_message, actor, answer(asked)),
        await clinic.refusal(open_thread, actor, question(alice)),
        await clinic.refusal(
            mark_read, actor, MarkRead(thread_id=asked.id, message_id=asked.message.id)
        ),
    ]
    assert {each.code for each in refused} == {"not_found"}


async def test_a_thread_without_an_answer_comes_up_after_a_day(
    clinic: Clinic, alice: Actor
) -> None:
    asked = await clinic.do(open_thread, alice, question(alice))
    waiting = ListThreads(unanswered_h=24)
    assert (await clinic.see(list_threads, clinic.bob, waiting)).items == ()
    clinic.clock.advance(timedelta(hours=25).total_seconds())
    (found,) = (await clinic.see(list_threads, clinic.bob, waiting)).items
    assert found.id == asked.id
    await clinic.do(post_message, clinic.bob, answer(asked))
    assert (await clinic.see(list_threads, clinic.bob, waiting)).items == ()


async def test_a_closed_thread_opens_again_with_the_next_message(
    clinic: Clinic, alice: Actor
) -> None:
    asked = await clinic.do(open_thread, alice, question(alice))
    close = MoveThread(thread_id=asked.id, version=asked.version)
    closed = await clinic.do(close_thread, clinic.bob, close)
    again = replace(close, version=closed.version)
    assert (await clinic.refusal(close_thread, clinic.bob, again)).code == "illegal_event"
    assert (await clinic.refusal(close_thread, alice, again)).code == "not_allowed"
    posted = await clinic.do(post_message, alice, answer(asked, "One more thing"))
    assert (closed.state, posted.thread.state) == ("closed", "open")


async def test_texts_are_sealed_and_empty_ones_refused(clinic: Clinic, alice: Actor) -> None:
    await clinic.do(open_thread, alice, question(alice))
    (thread,) = await clinic.rows(store.threads)
    (message,) = await clinic.rows(store.messages)
    assert b"pills" not in thread.subject
    assert b"meals" not in message.text
    refused = await clinic.refusal(open_thread, alice, question(alice, text="  \n"))
    assert refused.fields.keys() == {"text"}


async def test_a_patient_writes_so_many_messages_a_day(clinic: Clinic, alice: Actor) -> None:
    asked = await clinic.do(open_thread, alice, question(alice))

    def flood(tx: Transaction) -> None:
        for _ in range(MAX_A_DAY - 1):
            post_message(tx, alice, answer(asked, "Hello?"))

    await clinic.database.write(flood)
    assert (await clinic.refusal(post_message, alice, answer(asked))).code == "too_many_requests"
    clinic.clock.advance(timedelta(days=1, seconds=1).total_seconds())
    await clinic.do(post_message, alice, answer(asked))


async def test_a_document_of_another_record_is_not_attached(clinic: Clinic, alice: Actor) -> None:
    foreign = question(alice, document_ids=("018f5e6a-7c2b-7d3e-9a41-5b6c7d8e9f00",))
    assert "document_ids[0]" in (await clinic.refusal(open_thread, alice, foreign)).fields
