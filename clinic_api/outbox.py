"""Messages that leave: the intent is a row in the transaction that wants it.

A row says kind, recipient and the ids that the text is about, never the text or a link: both are
made when it is sent (or shown to staff), so that a message that does not stand any more is never
sent, and no secret lies in the table. Senders lease one row at a time; the row's version is the
lease, so that a sender that lost it cannot settle. After a crash between sending and settling a
message goes out once more, with the same Message-ID.
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
]

LIFETIME = timedelta(days=7)  # of a message that says nothing else
LIFETIMES: dict[Kind, timedelta] = {  # of what nobody waits for any longer
    "account.reset_password": timedelta(hours=1),
    "visit.link_recovery": timedelta(days=1),
}
LEASE = timedelta(minutes=3)  # longer than the sender's patience with one message
KEPT = timedelta(days=90)  # after a message is over; its dedupe key is kept as long
SWEEP = 100  # rows that one transaction changes at most


class About(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The ids from which a kind finds what it has to say."""

    user_id: str = ""
    patient_id: str = ""
    visit_id: str = ""
    participant_id: str = ""
    invitation_id: str = ""  # to claim a record
    code: str = ""  # which of several events a kind tells of, such as `totp_enrolled`


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


class Leased(msgspec.Struct, frozen=True, kw_only=True):
    """A message that this sender alone may send until the lease ends."""

    id: str
    version: int  # the lease
    kind: Kind
    recipient: str
    language: str
    about: About
    attempts: int  # this one included
    created_at: datetime


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a lease."""

    id: str
    version: int
    event: Event  # accept | fail | give_up | withdraw
    reason: str = ""  # a code
    retry_at: datetime | None = None  # of fail


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


# for the sender


@guarded("outbox.poll")
def next_sending_at(tx: Transaction, actor: Actor) -> datetime | None:
    """When there will be something to send or to expire; in the past: now."""
    del actor
    return _earlier(store.next_due_at(tx), store.next_expiry_at(tx))


@guarded("outbox.poll")
def next_explaining_at(tx: Transaction, actor: Actor) -> datetime | None:
    """The same without a mail server: when there will be something to explain or to expire."""
    del actor
    return _earlier(store.next_unexplained_at(tx), store.next_expiry_at(tx))


@guarded("outbox.poll")
def lease(tx: Transaction, actor: Actor) -> Leased | None:
    """Take the message that is due longest."""
    rows = store.due(tx, 1)
    if not rows:
        return None
    row = rows[0]
    version = _move(tx, actor, row, "lease", attempts=row.attempts + 1, due_at=tx.now + LEASE)
    return Leased(
        id=row.id,
        version=version,
        kind=row.kind,
        recipient=row.recipient,
        language=row.language,
        about=about_of(row),
        attempts=row.attempts + 1,
        created_at=row.created_at,
    )


@guarded("outbox.settle")
def settle(tx: Transaction, actor: Actor, outcome: Outcome) -> None:
    """Note what became of a lease. Raises Refused: stale when it was lost."""
    row = tx.get(store.outbox, outcome.id)
    if row is None:
        raise hidden(tx, actor, "message", outcome.id)
    _move(
        tx,
        actor,
        row,
        outcome.event,
        expected=outcome.version,
        reason=outcome.reason,
        **({"due_at": outcome.retry_at} if outcome.retry_at else {}),
    )
    tx.note(actor, "message", row.id, event=outcome.event, reason=outcome.reason)


@guarded("outbox.poll")
def sweep(tx: Transaction, actor: Actor) -> int:
    """Expire what is too late to send; how many."""
    rows = store.overdue(tx, SWEEP)
    for row in rows:
        _move(tx, actor, row, "expire")
        tx.note(actor, "message", row.id, event="expire")
    return len(rows)


@guarded("outbox.poll")
def explain_waiting(tx: Transaction, actor: Actor) -> int:
    """Without a mail server: say so on what is due, for staff to see; how many."""
    rows = store.without_reason(tx, SWEEP)
    for row in rows:
        tx.update(store.outbox, actor, row.id, row.version, reason="no_mail_server")
    return len(rows)


@guarded("outbox.poll")
def forget(tx: Transaction, actor: Actor) -> int:
    """Delete what has been over for long; how many."""
    del actor
    return store.forget(tx, tx.now - KEPT, SWEEP)


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
    _move(tx, actor, row, "retry", expected=command.version, attempts=0, due_at=tx.now, reason="")
    tx.note(actor, "message", row.id)
    return summary(readable(tx, actor, row.id))


@guarded("outbox.withdraw")
def withdraw(tx: Transaction, actor: Actor, command: ChangeMessage) -> MessageSummary:
    """Do not send it: it was given by hand, or is not wanted. Raises Refused(illegal_event)."""
    row = readable(tx, actor, command.id)
    _move(tx, actor, row, "withdraw", expected=command.version, reason="by_staff")
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


def _move(
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


def _earlier(*moments: datetime | None) -> datetime | None:
    return min((each for each in moments if each is not None), default=None)
