"""What is written in a visit: kept for call control, and read by who was part of it or treats.

What call control tells (`visit.record`) may be told twice.
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from clinic_api.actor import Actor
from clinic_api.directory.model import Id
from clinic_api.errors import Refused
from clinic_api.guarded import guarded
from clinic_api.paging import DEFAULT_ITEMS, Cursor, Limit, Page
from clinic_api.transaction import Transaction
from clinic_api.visits import call_store, store
from clinic_api.visits.call_store import ChatMessage
from clinic_api.visits.service import permitted

MAX_HISTORY = 500  # newest messages that a person gets at once; far more than a visit has


class ChatWritten(msgspec.Struct, frozen=True, kw_only=True):
    """`participant` is call control's name for who wrote; with `key` it names the message."""

    room: str
    participant: str
    name: str
    key: str
    text: str
    at: float


class ChatSince(msgspec.Struct, frozen=True):
    room: str
    since: str | None = None  # the id of a message; None: from the beginning


class ReadChat(msgspec.Struct, frozen=True, kw_only=True):
    visit_id: Id
    cursor: Cursor = ""
    limit: Limit = DEFAULT_ITEMS


class ChatLine(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    text: str
    at: datetime


@guarded("visit.read_chat")
def read_chat(tx: Transaction, actor: Actor, command: ReadChat) -> Page[ChatLine]:
    """Oldest first. Raises Refused(not_found)."""
    visit = permitted(tx, actor, command.visit_id)
    tx.note(actor, "visit", visit.id, patient_id=visit.patient_id or "")
    found = call_store.chat_page(tx, visit.id, command.cursor, command.limit)
    lines = [ChatLine(id=one.id, name=one.name, text=one.text, at=one.at) for one in found.items]
    return Page(tuple(lines), found.next)


@guarded("visit.record")
def append_chat(tx: Transaction, actor: Actor, command: ChatWritten) -> ChatMessage:
    """Keep a message, sealed; the same (participant, key) again gives the first."""
    visit = store.lock_visit(tx, command.room)
    if visit is None:
        raise Refused("unknown_room")
    written = call_store.chat_message(tx, visit.id, command.participant, command.key)
    if written is None:
        call_store.insert_chat(
            tx,
            actor,
            visit.id,
            command.participant,
            command.name,
            command.key,
            command.text,
            datetime.fromtimestamp(command.at, UTC),
        )
        written = call_store.chat_message(tx, visit.id, command.participant, command.key)
    tx.note(actor, "visit", visit.id, patient_id=visit.patient_id or "", event="chat")
    assert written is not None
    return written


@guarded("visit.watch")
def chat_history(tx: Transaction, actor: Actor, command: ChatSince) -> tuple[ChatMessage, ...]:
    """The newest messages after `since`, oldest first; a `since` not of ours is ignored."""
    del actor
    visit = store.visit_in(tx, command.room)
    since = command.since or ""
    number = int(since) if since.isascii() and since.isdigit() and len(since) <= 12 else 0
    if visit is None:
        return ()
    return tuple(call_store.chat_after(tx, visit.id, min(number, 2**31 - 1), MAX_HISTORY))
