"""Messages that leave: the intent is a row in the transaction that wants it.

A row says kind, recipient and the ids that the text is about, never the text or a link: both are
made when it is sent (or shown to staff), so that a message that does not stand any more is never
sent, and no secret lies in the table. Who sends them sees them by `outbox_sending`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec
from sqlalchemy import Row

from clinic_api import outbox_store as store
from clinic_api.actor import Actor
from clinic_api.errors import Refused
from clinic_api.guarded import Facts, guarded, hidden, permit
from clinic_api.outbox_states import OPEN, UNSENT, Event, State, after
from clinic_api.paging import DEFAULT_ITEMS, Cursor, Limit, Page, page
from clinic_api.transaction import Transaction

Audience = Literal["patient", "staff"]
Kind = Literal[  # each has its facts in clinic_api/mail/kinds.py and its text in mail/texts.py
    "account.invitation",  # by staff, or after one's own registration: confirms the address too
    "account.reset_password",
    "account.verify_email",
    "account.factor_changed",
    "patient.claim",
    "visit.invitation",
    "visit.link_recovery",
    "appointment.booked",
    "appointment.moved",
    "appointment.cancelled",
    "appointment.declined",  # what waited for approval
    "appointment.lapsed",  # nobody approved it in time
    "appointment.reminder_day",
    "appointment.reminder_hour",
    "document.released",
    "message.received",
]

LIFETIME = timedelta(days=7)  # of a message that says nothing else
LIFETIMES: dict[Kind, timedelta] = {  # of what nobody waits for any longer
    "account.reset_password": timedelta(hours=1),
    "visit.link_recovery": timedelta(days=1),
}


class About(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The ids from which a kind finds what it has to say."""

    user_id: str = ""
    patient_id: str = ""
    appointment_id: str = ""
    visit_id: str = ""
    participant_id: str = ""
    invitation_id: str = ""  # to claim a record
    document_id: str = ""
    thread_id: str = ""
    code: str = (
        ""  # which of several events a kind tells of, such as `totp_enrolled`, or which time
    )


class OutboxMessage(msgspec.Struct, frozen=True, kw_only=True):
    """What a feature wants to be sent."""

    kind: Kind
    audience: Audience  # of links for staff accounts only administrators see the text
    dedupe_key: str  # two with the same key are one message: kind, object, and which time
    recipient: str  # e-mail address
    about: About
    language: str = "en"
    not_before: datetime | None = None  # None: at once
    expires_at: datetime | None = None  # None: after the lifetime of its kind


class MessageSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A message as staff see it in the list."""

    id: str
    version: int
    kind: str
    audience: Audience
    recipient: str
    state: State
    reason: str  # no_mail_server, unreachable, …
    attempts: int
    created_at: datetime
    due_at: datetime
    expires_at: datetime


class Unsent(msgspec.Struct, frozen=True, kw_only=True):
    """How many messages wait although they are due, and why."""

    messages: int
    no_mail_server: int
    failed: int
    dead: int


class ListMessages(msgspec.Struct, frozen=True, kw_only=True):
    """Which part of the list."""

    state: State | Literal[""] = ""  # "": all that are not sent
    cursor: Cursor = ""
    limit: Limit = DEFAULT_ITEMS


class CountUnsent(msgspec.Struct, frozen=True):
    """Nothing to say: all that the actor may see."""


class ChangeMessage(msgspec.Struct, frozen=True, kw_only=True):
    """Which version of which message."""

    id: str
    version: int


def enqueue(tx: Transaction, actor: Actor, message: OutboxMessage) -> str:
    """Add the message to this transaction, unless one has its key; the id of the one that stays."""
    due_at = message.not_before or tx.now
    return store.add(
        tx,
        actor,
        message.dedupe_key,
        kind=message.kind,
        audience=message.audience,
        recipient=message.recipient,
        language=message.language,
        about=msgspec.json.encode(message.about).decode(),
        state="queued",
        reason="",
        attempts=0,
        due_at=due_at,
        expires_at=message.expires_at or due_at + LIFETIMES.get(message.kind, LIFETIME),
    )


# for staff


@guarded("outbox.list")
def list_messages(tx: Transaction, actor: Actor, command: ListMessages) -> Page[MessageSummary]:
    """Messages in one state, or all that are not sent; newest first."""
    states = (command.state,) if command.state else UNSENT
    query = store.listed(tx, sees(actor), states)
    tx.note(actor, "message", state=command.state)
    return page(
        tx,
        store.outbox,
        query,
        summary,
        cursor=command.cursor,
        limit=command.limit,
        newest_first=True,
    )


@guarded("outbox.count")
def count_unsent(tx: Transaction, actor: Actor, command: CountUnsent) -> Unsent:
    """How many messages are due and not sent: “7 messages not sent”."""
    del command
    counts = {(row.state, row.reason): int(row.messages) for row in store.unsent(tx, sees(actor))}
    return Unsent(
        messages=sum(counts.values()),
        no_mail_server=sum(n for (_, reason), n in counts.items() if reason == "no_mail_server"),
        failed=sum(n for (state, _), n in counts.items() if state == "failed"),
        dead=sum(n for (state, _), n in counts.items() if state == "dead"),
    )


@guarded("outbox.retry")
def retry(tx: Transaction, actor: Actor, command: ChangeMessage) -> MessageSummary:
    """Send it again as soon as possible, with all attempts. Raises Refused(illegal_event)."""
    row = readable(tx, actor, command.id)
    move(tx, actor, row, "retry", expected=command.version, attempts=0, due_at=tx.now, reason="")
    tx.note(actor, "message", row.id)
    return summary(readable(tx, actor, row.id))


@guarded("outbox.withdraw")
def withdraw(tx: Transaction, actor: Actor, command: ChangeMessage) -> MessageSummary:
    """Do not send it: it was given by hand, or is not wanted. Raises Refused(illegal_event)."""
    row = readable(tx, actor, command.id)
    move(tx, actor, row, "withdraw", expected=command.version, reason="by_staff")
    tx.note(actor, "message", row.id)
    return summary(readable(tx, actor, row.id))


def sees(actor: Actor) -> tuple[Audience, ...]:
    """Whose messages: a link in one for staff could open an account, so administrators only."""
    if actor.kind == "system" or "admin" in actor.roles:
        return ("patient", "staff")
    return ("patient",)


def readable(tx: Transaction, actor: Actor, message_id: str) -> Row[Any]:
    """The row, for the running service. Raises Refused(not_found), audited."""
    row = tx.get(store.outbox, message_id)
    if row is None or row.audience not in sees(actor):
        raise hidden(tx, actor, "message", message_id)
    permit(tx, actor, Facts(kind="message", id=message_id))
    return row


def about_of(row: Row[Any]) -> About:
    """The ids of a row."""
    return msgspec.json.decode(row.about, type=About)


def summary(row: Row[Any]) -> MessageSummary:
    """A row as staff see it."""
    return MessageSummary(**{name: getattr(row, name) for name in MessageSummary.__struct_fields__})


def move(
    tx: Transaction,
    actor: Actor,
    row: Row[Any],
    event: Event,
    *,
    expected: int | None = None,
    **values: Any,
) -> int:
    """The only place that changes a state; the new version. Raises stale, illegal_event."""
    version = row.version if expected is None else expected
    if version != row.version:
        raise Refused("stale")
    state = after(row.state, event)
    over_at = None if state in OPEN else tx.now
    return tx.update(store.outbox, actor, row.id, version, state=state, over_at=over_at, **values)
