"""Tables of what a request is recognised by: sessions of people, API keys of programs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, LargeBinary, Row, String, Text, bindparam

from clinic_api.actor import Actor
from clinic_api.auth.factor_store import totp_factors
from clinic_api.auth.model import Device, Level, User
from clinic_api.auth.sessions import Times
from clinic_api.auth.store import user_of, users
from clinic_api.schema import ID_CHARS, Moment, table
from clinic_api.transaction import Transaction, prepared

sessions = table(
    "sessions",
    Column("user_id", String(ID_CHARS), ForeignKey("users.id"), nullable=False, index=True),
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    Column("level", String(12), nullable=False),
    Column("active_at", Moment, nullable=False),
    Column("stepped_up_at", Moment),
    Column("ended_at", Moment),
    Column("client", String(64), nullable=False),
    Column("device", String(12), nullable=False),
)

api_keys = table(
    "api_keys",
    Column("owner_id", String(ID_CHARS), ForeignKey("users.id"), nullable=False, index=True),
    Column("key_hash", LargeBinary, nullable=False, unique=True),
    Column("label", LargeBinary, nullable=False),
    Column("actions", Text, nullable=False),  # sorted, with commas
    Column("expires_at", Moment, nullable=False),
    Column("last_used_at", Moment),
    Column("revoked_at", Moment),
)


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A session as the services know it."""

    id: str
    user_id: str
    times: Times
    stepped_up_at: datetime | None
    client: str
    device: Device


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A session, its login, and whether that has a second factor: what each request is known by."""

    session: Session
    user: User
    has_factor: bool


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key as the services know it; the key itself is nowhere."""

    id: str
    version: int
    owner_id: str
    maker_id: str  # "" for one that no user made
    label: str
    actions: frozenset[str]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


# sessions


def add_session(
    tx: Transaction,
    actor: Actor,
    *,
    user_id: str,
    token: str,
    level: Level,
    device: Device,
    stepped_up_at: datetime | None,
) -> str:
    """Returns its id."""
    return tx.insert(
        sessions,
        actor,
        user_id=user_id,
        token_hash=tx.index(sessions.c.token_hash, token),
        level=level,
        active_at=tx.now,
        stepped_up_at=stepped_up_at,
        client=actor.client[:64],
        device=device,
    )


_HAS_FACTOR = sa.exists().where(
    totp_factors.c.user_id == sessions.c.user_id, totp_factors.c.state == "active"
)
_SHOWN = (
    prepared(sessions, sessions, users, _HAS_FACTOR.label("has_factor"))
    .join(users, users.c.id == sessions.c.user_id)
    .where(sessions.c.token_hash == bindparam("token_hash"))
)


def shown_by_token(tx: Transaction, token: str) -> Shown | None:
    """All in one read: every request of a person begins with it."""
    token_hash = tx.index(sessions.c.token_hash, token)
    row = tx.first_of(_SHOWN, token_hash=token_hash)
    if row is None:
        return None
    return Shown(session=_session(row), user=user_of(row), has_factor=bool(row.has_factor))


def session(tx: Transaction, session_id: str) -> Session | None:
    row = tx.get(sessions, session_id)
    return None if row is None else _session(row)


def open_sessions(tx: Transaction, user_id: str) -> list[Session]:
    """Not ended; some may have run out."""
    query = tx.select(sessions).where(sessions.c.user_id == user_id, sessions.c.ended_at.is_(None))
    return [_session(row) for row in tx.all(query.order_by(sessions.c.id.desc()))]


def note_activity(tx: Transaction, actor: Actor, session_id: str) -> None:
    tx.update(sessions, actor, session_id, active_at=tx.now)


def note_step_up(tx: Transaction, actor: Actor, session_id: str) -> None:
    tx.update(sessions, actor, session_id, stepped_up_at=tx.now, active_at=tx.now)


def end_session(tx: Transaction, actor: Actor, session_id: str) -> None:
    tx.update(sessions, actor, session_id, ended_at=tx.now)


def end_sessions(tx: Transaction, actor: Actor, user_id: str, *, but: str | None = None) -> int:
    """All of a login; how many."""
    ending = [each for each in open_sessions(tx, user_id) if each.id != but]
    for each in ending:
        end_session(tx, actor, each.id)
    return len(ending)


def forget_sessions(tx: Transaction, before: datetime) -> int:
    """Delete those that began before; none lasts that long. How many."""
    return tx.sql.execute(sa.delete(sessions).where(sessions.c.created_at < before)).rowcount


def _session(row: Row[Any]) -> Session:
    """Of a row that may hold other tables' columns too."""
    of, c = row._mapping, sessions.c
    times = Times(
        created_at=of[c.created_at],
        active_at=of[c.active_at],
        ended_at=of[c.ended_at],
        level=of[c.level],
    )
    return Session(
        id=of[c.id],
        user_id=of[c.user_id],
        times=times,
        stepped_up_at=of[c.stepped_up_at],
        client=of[c.client],
        device=of[c.device],
    )


# API keys


def add_api_key(
    tx: Transaction,
    actor: Actor,
    *,
    owner_id: str,
    secret: str,
    label: str,
    actions: frozenset[str],
    expires_at: datetime,
) -> ApiKey:
    row_id = tx.new_id()
    tx.insert(
        api_keys,
        actor,
        id=row_id,
        owner_id=owner_id,
        key_hash=tx.index(api_keys.c.key_hash, secret),
        label=tx.seal(api_keys.c.label, row_id, label),
        actions=",".join(sorted(actions)),
        expires_at=expires_at,
    )
    made = api_key(tx, row_id)
    assert made is not None
    return made


def api_key(tx: Transaction, key_id: str) -> ApiKey | None:
    row = tx.get(api_keys, key_id)
    return None if row is None else as_api_key(tx, row)


def api_key_by_secret(tx: Transaction, secret: str) -> ApiKey | None:
    key_hash = tx.index(api_keys.c.key_hash, secret)
    row = tx.first(tx.select(api_keys).where(api_keys.c.key_hash == key_hash))
    return None if row is None else as_api_key(tx, row)


def note_use(tx: Transaction, actor: Actor, key_id: str) -> None:
    tx.update(api_keys, actor, key_id, last_used_at=tx.now)


def revoke_api_key(tx: Transaction, actor: Actor, key_id: str, version: int | None = None) -> None:
    """Raises Refused(stale)."""
    tx.update(api_keys, actor, key_id, version, revoked_at=tx.now)


def revoke_api_keys(tx: Transaction, actor: Actor, owner_id: str) -> int:
    """All of an owner; how many."""
    standing = sa.and_(api_keys.c.owner_id == owner_id, api_keys.c.revoked_at.is_(None))
    rows = tx.all(tx.select(api_keys, api_keys.c.id).where(standing))
    for row in rows:
        revoke_api_key(tx, actor, row.id)
    return len(rows)


def as_api_key(tx: Transaction, row: Row[Any]) -> ApiKey:
    return ApiKey(
        id=row.id,
        version=row.version,
        owner_id=row.owner_id,
        maker_id=row.created_by.removeprefix("user:") if row.created_by.startswith("user:") else "",
        label=tx.unseal(api_keys.c.label, row.id, row.label),
        actions=frozenset(row.actions.split(",")),
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )
