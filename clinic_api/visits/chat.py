"""What was written in a visit, for who was part of it as a patient or treats."""

from __future__ import annotations

from datetime import datetime

import msgspec

from clinic_api.actor import Actor
from clinic_api.directory.model import Id
from clinic_api.guarded import guarded
from clinic_api.paging import DEFAULT_ITEMS, Cursor, Limit, Page
from clinic_api.transaction import Transaction
from clinic_api.visits import call_store
from clinic_api.visits.service import permitted


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
