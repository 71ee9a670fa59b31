"""Messages: opened by the patient's side or by staff, answered, read, closed.

Threads about care are for those who treat; the desk sees and answers only those that are for it.
Files are documents of the patient's record; what staff attach is released by sending it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

import msgspec
import sqlalchemy as sa

from clinic_api.actions import ACTIONS
from clinic_api.actor import Actor
from clinic_api.auth import store as users
from clinic_api.directory import store as people
from clinic_api.directory.relation_store import care_relations
from clinic_api.directory.relations import current_id, facts_of
from clinic_api.errors import Refused
from clinic_api.guarded import guarded, hidden, permit, relations
from clinic_api.messages import store
from clinic_api.messages.model import (
    ListThreads,
    MarkRead,
    Message,
    MoveThread,
    OpenThread,
    Posted,
    PostMessage,
    ReadMessages,
    Side,
    Thread,
    ThreadKind,
)
from clinic_api.messages.notices import tell_patient
from clinic_api.organisation.store import organisation
from clinic_api.paging import Page
from clinic_api.records.attached import attach
from clinic_api.transaction import Transaction

MAX_A_DAY = 50  # messages that somebody on the patient's side may write
DAY = timedelta(days=1)


@guarded("message.list")
def list_threads(tx: Transaction, actor: Actor, command: ListThreads) -> Page[Thread]:
    """Threads that the actor may read, newest first."""
    narrow = [_visible(actor)]
    if command.patient_id is not None:
        narrow.append(store.threads.c.patient_id == command.patient_id)
    if command.unanswered_h is not None:
        waited = tx.now - timedelta(hours=command.unanswered_h)
        narrow += [store.threads.c.last_side == "patient", store.threads.c.last_at <= waited]
        narrow.append(store.threads.c.state == "open")
    found = store.list_threads(tx, narrow, actor.id, command.cursor, command.limit)
    for one in found.items:
        tx.note(actor, "thread", one.id, patient_id=one.patient_id)
    if not found.items:
        tx.note(actor, "thread", shown="0")
    return found


@guarded("message.read")
def read_messages(tx: Transaction, actor: Actor, command: ReadMessages) -> Page[Message]:
    """The messages of a thread, newest first. Raises Refused(not_found)."""
    held = _thread(tx, actor, command.thread_id)
    tx.note(actor, "thread", held.id, patient_id=held.patient_id)
    return store.list_messages(tx, held.id, command.cursor, command.limit)


@guarded("message.write")
def open_thread(tx: Transaction, actor: Actor, command: OpenThread) -> Posted:
    """Raises Refused: not_found (patient, document), invalid, too_many_requests."""
    patient_id = current_id(tx, command.patient_id)
    if people.patient(tx, patient_id) is None:
        raise hidden(tx, actor, "patient", command.patient_id)
    _permit(tx, actor, command.kind, patient_id, "patient", command.patient_id)
    side = _side(actor)
    thread_id = store.insert_thread(tx, actor, patient_id, command.kind, command.subject, side)
    return _post(tx, actor, thread_id, patient_id, command.text, command.document_ids)


@guarded("message.write")
def post_message(tx: Transaction, actor: Actor, command: PostMessage) -> Posted:
    """Raises Refused: not_found (thread, document), invalid, too_many_requests."""
    held = _thread(tx, actor, command.thread_id)
    return _post(tx, actor, held.id, held.patient_id, command.text, command.document_ids)


@guarded("message.read")
def mark_read(tx: Transaction, actor: Actor, command: MarkRead) -> Thread:
    """Raises Refused(not_found)."""
    held = _thread(tx, actor, command.thread_id)
    seen = store.message(tx, command.message_id)
    if seen is None or seen.thread_id != held.id:
        raise hidden(tx, actor, "thread_message", command.message_id)
    store.mark_read(tx, actor, held.id, seen.at)
    tx.note(actor, "thread", held.id, patient_id=held.patient_id, event="read")
    return _thread(tx, actor, held.id)


@guarded("message.close")
def close_thread(tx: Transaction, actor: Actor, command: MoveThread) -> Thread:
    """Nothing more is to be said; a new message opens it again. Raises Refused: not_found, stale,
    illegal_event."""
    held = _thread(tx, actor, command.thread_id)
    if held.state == "closed":
        raise Refused("illegal_event", "This thread is closed already.")
    store.move_thread(tx, actor, held.id, command.version, "closed")
    tx.note(actor, "thread", held.id, patient_id=held.patient_id, event="close")
    return _thread(tx, actor, held.id)


def _post(
    tx: Transaction,
    actor: Actor,
    thread_id: str,
    patient_id: str,
    text: str,
    document_ids: tuple[str, ...],
) -> Posted:
    if not text.strip():
        raise Refused("invalid", fields={"text": "Please write something."})
    side = _side(actor)
    if side == "patient" and store.written_since(tx, actor.id, tx.now - DAY) >= MAX_A_DAY:
        raise Refused("too_many_requests", "Please call the clinic instead.")
    treats = actor.practitioner_id in facts_of(tx, patient_id).practitioner_ids
    attach(tx, actor, patient_id, document_ids, may_release=treats)
    author = _name(tx, actor)
    message_id = store.insert_message(
        tx, actor, thread_id, side, author, text.strip(), document_ids
    )
    tx.note(actor, "thread_message", message_id, patient_id=patient_id, side=side)
    if side == "staff":
        tell_patient(tx, actor, patient_id, thread_id)
    return _posted(tx, actor, thread_id, message_id, side)


def _posted(tx: Transaction, actor: Actor, thread_id: str, message_id: str, side: Side) -> Posted:
    held = store.thread(tx, thread_id, actor.id)
    written = store.message(tx, message_id)
    assert held is not None and written is not None, "both were just written"
    notice = (
        "Messages are not read at once. In an emergency call the emergency number of the place "
        f"where you are. The clinic’s telephone: {organisation(tx).phone}."
    )
    return Posted(
        id=held.id,
        version=held.version,
        thread=held,
        message=written,
        notice=notice if side == "patient" else "",
    )


def _side(actor: Actor) -> Side:
    return "staff" if actor.is_staff or actor.kind == "system" else "patient"


def _name(tx: Transaction, actor: Actor) -> str:
    found = users.user(tx, actor.id) if actor.kind == "user" else None
    return "" if found is None else found.display_name


def _visible(actor: Actor) -> sa.ColumnElement[bool]:
    """The threads that `_permit` would let through."""
    held = relations(ACTIONS["message.list"], actor)
    threads = store.threads.c
    if actor.kind == "system":
        return sa.true()
    mine: list[sa.ColumnElement[bool]] = [sa.false()]
    if "any" in held:
        mine.append(threads.kind == "desk")
    if "own" in held:
        mine.append(threads.patient_id.in_(sorted(actor.patient_ids)))
    if "care" in held and actor.practitioner_id is not None:
        treated = sa.select(care_relations.c.patient_id).where(
            care_relations.c.practitioner_id == actor.practitioner_id
        )
        mine.append(threads.patient_id.in_(treated))
    return sa.or_(*mine)


def _thread(tx: Transaction, actor: Actor, thread_id: str) -> Thread:
    """For the running service. Raises Refused(not_found), audited."""
    found = store.thread(tx, thread_id, actor.id)
    if found is None:
        raise hidden(tx, actor, "thread", thread_id)
    _permit(tx, actor, found.kind, found.patient_id, "thread", thread_id)
    return found


def _permit(
    tx: Transaction,
    actor: Actor,
    kind: ThreadKind,
    patient_id: str,
    object_kind: Literal["patient", "thread"],
    object_id: str,
) -> None:
    """The desk's relation to everybody counts for what is for the desk only."""
    facts = msgspec.structs.replace(facts_of(tx, patient_id), kind=object_kind, id=object_id)
    permit(tx, actor, facts)
    own = bool(actor.patient_ids & set(facts.patient_ids))
    treats = actor.practitioner_id in facts.practitioner_ids
    if kind == "care" and actor.kind != "system" and not (own or treats):
        raise hidden(tx, actor, object_kind, object_id)
