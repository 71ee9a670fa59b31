"""Deletes what is of no use any more: ended sessions, old tries, spent tokens, stored answers."""

from __future__ import annotations

from datetime import timedelta

from clinic_api import idempotency, outbox_sending
from clinic_api.actor import Actor
from clinic_api.auth import session_store, sessions, store
from clinic_api.auth.throttle import LIMITS
from clinic_api.directory import import_store
from clinic_api.guarded import guarded
from clinic_api.transaction import Transaction
from clinic_api.visits import call_store as calls

SESSIONS_KEPT = sessions.ABSOLUTE + timedelta(hours=12)  # of one that was never ended


@guarded("jobs.clean")
def clean(tx: Transaction, actor: Actor) -> int:
    """A part of it; how many rows went. Zero: nothing is left to do."""
    gone = session_store.forget_sessions(tx, tx.now - SESSIONS_KEPT)
    for subject, limit in LIMITS.items():
        if limit.forgotten_after is not None:
            gone += store.forget_tries(tx, subject, tx.now - limit.forgotten_after)
    gone += calls.forget_tokens(tx)
    gone += idempotency.forget_expired(tx)
    gone += import_store.forget(tx)
    return gone + outbox_sending.forget(tx, actor)
