"""Requests that are sent twice are carried out once: Idempotency-Key (IETF draft of the header).

A key is claimed before the work and finished with the answer, which is kept sealed for a day. Where
one transaction does both, a refusal or a crash leaves nothing. Work of several transactions claims
first by itself; if it dies, its lease ends and the same request may be tried again.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Column, Index, Integer, LargeBinary, Row, String, UniqueConstraint
from sqlalchemy.exc import IntegrityError

from clinic_api.actor import Actor
from clinic_api.errors import Refused
from clinic_api.schema import Moment, table
from clinic_api.transaction import Transaction

LEASE = timedelta(seconds=60)  # longer than any request takes
KEPT = timedelta(hours=24)
RETRY_AFTER_S = 1

keys = table(
    "idempotency_keys",
    Column("owner", String(160), nullable=False),
    Column("key", LargeBinary, nullable=False),
    Column("request", LargeBinary, nullable=False),
    Column("status", Integer),  # None: still being carried out
    Column("body", LargeBinary),
    Column("content_type", String(100), nullable=False),
    Column("etag", String(100), nullable=False),
    Column("leased_until", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    UniqueConstraint("org_id", "owner", "key"),
    Index(None, "expires_at"),
)


class Stored(msgspec.Struct, frozen=True):
    """The answer that the request got the first time."""

    status: int
    body: bytes
    content_type: str
    etag: str  # "": none


def claim(tx: Transaction, actor: Actor, key: str, request_hash: str) -> Stored | None:
    """The stored answer, or None: the caller shall do the work and then `finish`.

    Raises Refused: key_reused for another request, in_progress while the first one runs.
    """
    request = tx.index(keys.c.request, request_hash)
    row = _row(tx, actor, key)
    if row is not None and row.expires_at <= tx.now:
        _delete(tx, row.id)
        row = None
    if row is None:
        _insert(tx, actor, key, request)
        return None
    if bytes(row.request) != request:
        raise Refused("key_reused")
    if row.status is not None:
        body = tx.keys.unseal(str(keys.c.body), row.id, bytes(row.body))
        return Stored(row.status, body, row.content_type, row.etag)
    if row.leased_until > tx.now or not _take_over(tx, actor, row):
        raise _in_progress()
    return None


def finish(
    tx: Transaction,
    actor: Actor,
    key: str,
    status: int,
    body: bytes,
    content_type: str,
    etag: str = "",
) -> None:
    """Keep the answer of a claimed key; the first answer stays."""
    row = _row(tx, actor, key)
    if row is None or row.status is not None:
        return
    sealed = tx.keys.seal(str(keys.c.body), row.id, body)
    answer: dict[str, Any] = {"status": status, "content_type": content_type, "etag": etag}
    tx.update(keys, actor, row.id, body=sealed, **answer)


def release(tx: Transaction, actor: Actor, key: str) -> None:
    """Give up a claim that came to nothing, so that the request may be sent again at once."""
    row = _row(tx, actor, key)
    if row is not None and row.status is None:
        _delete(tx, row.id)


def forget_expired(tx: Transaction, limit: int = 500) -> int:
    """Delete what is older than a day; how many."""
    old = tx.select(keys, keys.c.id).where(keys.c.expires_at <= tx.now).limit(limit)
    return tx.sql.execute(sa.delete(keys).where(keys.c.id.in_(old))).rowcount


def _row(tx: Transaction, actor: Actor, key: str) -> Row[Any] | None:
    mine = keys.c.owner == _owner(actor), keys.c.key == tx.index(keys.c.key, key)
    return tx.first(tx.select(keys).where(*mine))


def _owner(actor: Actor) -> str:
    """Strangers have no id; what one got is never given to another address."""
    return f"stranger:{actor.client}" if actor.kind == "stranger" else actor.label


def _insert(tx: Transaction, actor: Actor, key: str, request: bytes) -> None:
    try:
        with tx.sql.begin_nested():
            tx.insert(
                keys,
                actor,
                owner=_owner(actor),
                key=tx.index(keys.c.key, key),
                request=request,
                content_type="",
                etag="",
                leased_until=tx.now + LEASE,
                expires_at=tx.now + KEPT,
            )
    except IntegrityError:  # on PostgreSQL another claim may have come between
        raise _in_progress() from None


def _take_over(tx: Transaction, actor: Actor, row: Row[Any]) -> bool:
    """Whether the claim of somebody who died is ours now."""
    try:
        tx.update(keys, actor, row.id, row.version, leased_until=tx.now + LEASE)
    except Refused:
        return False
    return True


def _delete(tx: Transaction, row_id: str) -> None:
    tx.sql.execute(sa.delete(keys).where(keys.c.org_id == tx.org_id, keys.c.id == row_id))


def _in_progress() -> Refused:
    return Refused("in_progress", retry_after_s=RETRY_AFTER_S)
