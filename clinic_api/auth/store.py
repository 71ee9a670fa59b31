"""Tables of logins, their passwords, and of tries at them."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, Integer, LargeBinary, Row, String, UniqueConstraint
from sqlalchemy.exc import IntegrityError

from clinic_api.actor import Actor
from clinic_api.auth.code_store import forget_code
from clinic_api.auth.model import User, UserState
from clinic_api.auth.throttle import LIMITS, Subject, Tries
from clinic_api.errors import Refused
from clinic_api.schema import ID_CHARS, Moment, table
from clinic_api.transaction import Transaction

users = table(
    "users",
    Column("login", String(254), nullable=False),
    Column("display_name", String(120), nullable=False),
    Column("email", String(254)),
    Column("email_verified_at", Moment),
    Column("roles", String(80), nullable=False),  # sorted, with commas
    Column("state", String(8), nullable=False),
    Column("language", String(35), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("disabled_at", Moment),
    UniqueConstraint("org_id", "login"),
)

credentials = table(
    "credentials",
    Column("user_id", String(ID_CHARS), ForeignKey("users.id"), nullable=False, unique=True),
    Column("password_hash", LargeBinary),  # None: none set yet
)

sign_in_tries = table(
    "sign_in_tries",
    Column("subject", String(12), nullable=False),
    Column("key_hash", LargeBinary, nullable=False, unique=True),
    Column("tries", Integer, nullable=False),
    Column("last_at", Moment, nullable=False),
)


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """What a login can show, opened."""

    id: str
    user_id: str
    password_hash: str | None


# logins


def add_user(
    tx: Transaction,
    actor: Actor,
    *,
    login: str,
    display_name: str,
    email: str | None,
    roles: frozenset[str],
    language: str,
) -> User:
    """An invited login and its empty credential. Raises Refused(conflict) for a taken name."""
    try:
        with tx.sql.begin_nested():
            user_id = tx.insert(
                users,
                actor,
                login=login,
                display_name=display_name,
                email=email,
                roles=_joined(roles),
                state="invited",
                language=language,
                generation=1,
            )
    except IntegrityError:
        raise Refused(
            "conflict", fields={"login": "This name is taken. Please choose another one."}
        ) from None
    tx.insert(credentials, actor, user_id=user_id)
    return existing_user(tx, user_id)


def user(tx: Transaction, user_id: str) -> User | None:
    row = tx.get(users, user_id)
    return None if row is None else user_of(row)


def existing_user(tx: Transaction, user_id: str) -> User:
    """Of an id that a foreign key vouches for."""
    found = user(tx, user_id)
    assert found is not None
    return found


def user_by_login(tx: Transaction, login: str) -> User | None:
    row = tx.first(tx.select(users).where(users.c.login == login))
    return None if row is None else user_of(row)


def active_admins(tx: Transaction) -> list[str]:
    """Ids, locked until the commit, so that two admins cannot remove each other."""
    query = tx.select(users).where(users.c.state == "active", users.c.roles.contains("admin"))
    return [row.id for row in tx.all(query.with_for_update())]


def change_user(
    tx: Transaction, actor: Actor, user_id: str, version: int | None = None, **values: Any
) -> User:
    """Raises Refused: stale, not_found. `roles` are given as a set."""
    if "roles" in values:
        values["roles"] = _joined(values["roles"])
    tx.update(users, actor, user_id, version, **values)
    return existing_user(tx, user_id)


def _joined(roles: frozenset[str]) -> str:
    return ",".join(sorted(roles))


def user_of(row: Row[Any]) -> User:
    """A row of `users` as a value; it may hold other tables' columns too."""
    of, c = row._mapping, users.c
    state: UserState = of[c.state]
    return User(
        id=of[c.id],
        version=of[c.version],
        login=of[c.login],
        display_name=of[c.display_name],
        email=of[c.email],
        email_verified=of[c.email_verified_at] is not None,
        roles=frozenset(of[c.roles].split(",")),
        state=state,
        language=of[c.language],
        generation=of[c.generation],
        created_at=of[c.created_at],
        disabled_at=of[c.disabled_at],
    )


# what they can show


def credential(tx: Transaction, user_id: str) -> Credential:
    row = tx.first(tx.select(credentials).where(credentials.c.user_id == user_id))
    assert row is not None, "made with the login"
    sealed = row.password_hash
    return Credential(
        id=row.id,
        user_id=row.user_id,
        password_hash=sealed and tx.unseal(credentials.c.password_hash, row.id, sealed),
    )


def set_password(tx: Transaction, actor: Actor, user_id: str, password_hash: str | None) -> None:
    """Replaces the password; codes to set one are void, those for a new factor are not."""
    held = credential(tx, user_id)
    sealed = password_hash and tx.seal(credentials.c.password_hash, held.id, password_hash)
    tx.update(credentials, actor, held.id, password_hash=sealed)
    forget_code(tx, user_id, "activate", "reset")


def renew_hash(tx: Transaction, actor: Actor, user_id: str, password_hash: str) -> None:
    """The same password, hashed with other costs."""
    held = credential(tx, user_id)
    sealed = tx.seal(credentials.c.password_hash, held.id, password_hash)
    tx.update(credentials, actor, held.id, password_hash=sealed)


# tries


def tries(tx: Transaction, actor: Actor, subject: Subject, name: str) -> Tries:
    """Those in a row so far; nobody else counts one until the commit."""
    row = _tries_row(tx, subject, name) or _first_tries_row(tx, actor, subject, name)
    return Tries(row.tries, row.last_at)


def counted_tries(tx: Transaction, subject: Subject, name: str) -> Tries | None:
    """The same, None where none was ever counted."""
    row = _tries_row(tx, subject, name)
    return None if row is None else Tries(row.tries, row.last_at)


def write_tries(tx: Transaction, actor: Actor, subject: Subject, name: str, new: Tries) -> None:
    """After `tries`."""
    row = _tries_row(tx, subject, name)
    assert row is not None
    tx.update(sign_in_tries, actor, row.id, tries=new.count, last_at=new.last_at)


def clear_tries(tx: Transaction, subject: Subject, name: str) -> None:
    key_hash = _tries_key(tx, subject, name)
    tx.sql.execute(sa.delete(sign_in_tries).where(sign_in_tries.c.key_hash == key_hash))


def forget_tries(tx: Transaction, subject: Subject, before: datetime) -> int:
    """Delete the counts of a kind that are this old, but for those that are closed; how many."""
    old = sa.and_(sign_in_tries.c.subject == subject, sign_in_tries.c.last_at < before)
    closed_after = LIMITS[subject].closed_after
    if closed_after is not None:
        old = sa.and_(old, sign_in_tries.c.tries < closed_after)
    return tx.sql.execute(sa.delete(sign_in_tries).where(old)).rowcount


def _tries_row(tx: Transaction, subject: Subject, name: str) -> Row[Any] | None:
    key_hash = _tries_key(tx, subject, name)
    query = tx.select(sign_in_tries).where(sign_in_tries.c.key_hash == key_hash)
    return tx.first(query.with_for_update())


def _first_tries_row(tx: Transaction, actor: Actor, subject: Subject, name: str) -> Row[Any]:
    """Without a try; another transaction may be making the same."""
    values = {"subject": subject, "tries": 0, "last_at": tx.now}
    with suppress(IntegrityError), tx.sql.begin_nested():
        tx.insert(sign_in_tries, actor, key_hash=_tries_key(tx, subject, name), **values)
    row = _tries_row(tx, subject, name)
    assert row is not None
    return row


def _tries_key(tx: Transaction, subject: Subject, name: str) -> bytes:
    return tx.index(sign_in_tries.c.key_hash, f"{subject}:{tx.org_id}:{name}")
