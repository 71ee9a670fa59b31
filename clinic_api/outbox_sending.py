"""The outbox as its senders see it: leased one by one, settled, expired, forgotten.

A row's version is the lease, so that a sender that lost it cannot settle. After a crash between
sending and settling a message goes out once more, with the same Message-ID.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from clinic_api import outbox_store as store
from clinic_api.actor import Actor
from clinic_api.guarded import guarded, hidden
from clinic_api.outbox import About, Kind, about_of, move
from clinic_api.outbox_states import Event
from clinic_api.transaction import Transaction

LEASE = timedelta(minutes=3)  # longer than the sender's patience with one message
KEPT = timedelta(days=90)  # after a message is over; its dedupe key is kept as long
SWEEP = 100  # rows that one transaction changes at most


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
    version = move(tx, actor, row, "lease", attempts=row.attempts + 1, due_at=tx.now + LEASE)
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
    move(
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
        move(tx, actor, row, "expire")
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


def _earlier(*moments: datetime | None) -> datetime | None:
    return min((each for each in moments if each is not None), default=None)
