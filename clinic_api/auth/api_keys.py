"""Keys of programs: limited to actions, to a time, and to what owner and maker both may do.

    tmk_<43 signs>

Shown once, kept as a keyed hash. Nothing that needs a fresh second factor can be done with one.
A key acts with its owner's relations, so one that somebody makes for another owner holds only what
the maker may do with any object: an administrator cannot read a doctor's chat by a key either. Both
are asked at each use, as roles change.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated

import msgspec
from msgspec import Meta

from clinic_api.actions import ACTIONS
from clinic_api.actor import Actor
from clinic_api.auth import session_store, store
from clinic_api.auth.model import User
from clinic_api.auth.session_store import ApiKey
from clinic_api.auth.users import Id
from clinic_api.errors import Refused
from clinic_api.guarded import Facts, guarded, hidden, permit
from clinic_api.ids import is_id
from clinic_api.paging import DEFAULT_ITEMS, Cursor, Limit, Page, page
from clinic_api.transaction import Transaction

PREFIX = "tmk_"  # so that scanners for leaked secrets can know one
SECRET_BYTES = 32
LONGEST_DAYS = 366
USE_GRAIN = timedelta(minutes=1)  # `last_used_at` is written no more often


class CreateApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """Whose it acts for, and what it may do of that."""

    label: Annotated[str, Meta(min_length=1, max_length=80)]
    actions: Annotated[tuple[str, ...], Meta(min_length=1, max_length=100)]
    days: Annotated[int, Meta(ge=1, le=LONGEST_DAYS)] = 90
    owner_id: Id = ""  # nothing: one's own


class ListApiKeys(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the list."""

    cursor: Cursor = ""
    limit: Limit = DEFAULT_ITEMS


class RevokeApiKey(msgspec.Struct, frozen=True):
    """Which."""

    key_id: Id


class ApiKeyResult(msgspec.Struct, frozen=True, kw_only=True):
    """A key without its secret."""

    id: str
    version: int
    owner_id: str
    label: str
    actions: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


class CreatedApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """The secret, shown once."""

    api_key: ApiKeyResult
    secret: str


@guarded("api_key.create")
def create_api_key(tx: Transaction, actor: Actor, command: CreateApiKey) -> CreatedApiKey:
    """A new key. Raises Refused: invalid for an unknown owner, and for an action that is unknown,
    the owner's not, or one that the maker may not do with any object and the owner is another."""
    owner_id = command.owner_id or actor.id
    permit(tx, actor, Facts(kind="api_key", id=""))
    _check(tx, actor, command.actions, owner_id)
    secret = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    made = session_store.add_api_key(
        tx,
        actor,
        owner_id=owner_id,
        secret=secret,
        label=command.label,
        actions=frozenset(command.actions),
        expires_at=tx.now + timedelta(days=command.days),
    )
    tx.note(actor, "api_key", made.id)
    return CreatedApiKey(api_key=_result(made), secret=secret)


@guarded("api_key.list")
def list_api_keys(tx: Transaction, actor: Actor, command: ListApiKeys) -> Page[ApiKeyResult]:
    """All keys, oldest first; those that do not count any more too."""
    permit(tx, actor, Facts(kind="api_key", id=""))
    tx.note(actor, "api_key", "")
    return page(
        tx,
        session_store.api_keys,
        tx.select(session_store.api_keys),
        lambda row: _result(session_store.as_api_key(tx, row)),
        cursor=command.cursor,
        limit=command.limit,
    )


@guarded("api_key.revoke")
def revoke_api_key(tx: Transaction, actor: Actor, command: RevokeApiKey) -> ApiKeyResult:
    """From now on nobody knows it. A second time changes nothing."""
    key = session_store.api_key(tx, command.key_id) if is_id(command.key_id) else None
    if key is None:
        raise hidden(tx, actor, "api_key", command.key_id)
    permit(tx, actor, Facts(kind="api_key", id=key.id, user_id=key.owner_id))
    if key.revoked_at is None:
        session_store.revoke_api_key(tx, actor, key.id)
    tx.note(actor, "api_key", key.id)
    revoked = session_store.api_key(tx, key.id)
    assert revoked is not None
    return _result(revoked)


def held(key: ApiKey, owner: User, maker: User | None) -> frozenset[str]:
    """The actions that both may do now; none where the maker does not sign in any more."""
    if key.maker_id == owner.id:
        return _may(owner.roles, key.actions)
    if maker is None or maker.state != "active":
        return frozenset()
    return _may(owner.roles, key.actions) & _may_with_any(maker.roles, key.actions)


def _may(roles: frozenset[str], actions: Iterable[str]) -> frozenset[str]:
    return frozenset(name for name in actions if roles & ACTIONS[name].grants.keys())


def _may_with_any(roles: frozenset[str], actions: Iterable[str]) -> frozenset[str]:
    """Whatever the object: not for what only their own patients or account allow them."""
    return frozenset(
        name for name in actions if any(ACTIONS[name].grants.get(role) == "any" for role in roles)
    )


def counts(key: ApiKey, now: datetime) -> bool:
    """Whether it opens anything."""
    return key.revoked_at is None and now < key.expires_at


def use_is_worth_noting(key: ApiKey, now: datetime) -> bool:
    return key.last_used_at is None or now - key.last_used_at >= USE_GRAIN


def _check(tx: Transaction, actor: Actor, actions: tuple[str, ...], owner_id: str) -> None:
    fields: dict[str, str] = {}
    owner = store.user(tx, owner_id) if is_id(owner_id) else None
    unknown = sorted(set(actions) - set(ACTIONS))
    if unknown:
        fields["actions"] = f"There is no action {unknown[0][:40]}."
    elif owner is not None:
        fields |= _not_both(actor, actions, owner)
    if owner is None or owner.state != "active":
        fields["owner_id"] = "The owner has to be an active login."
    if fields:
        raise Refused("invalid", fields=fields)


def _not_both(actor: Actor, actions: tuple[str, ...], owner: User) -> dict[str, str]:
    """What is wrong with the field `actions`, if anything."""
    beyond_owner = set(actions) - _may(owner.roles, actions)
    if beyond_owner:
        return {"actions": f"The owner may not do {min(beyond_owner)}."}
    beyond_maker = set(actions) - _may_with_any(actor.roles, actions)
    if owner.id != actor.id and beyond_maker:
        return {"actions": f"You may not do {min(beyond_maker)} for everybody."}
    return {}


def _result(key: ApiKey) -> ApiKeyResult:
    values = {name: getattr(key, name) for name in ApiKeyResult.__struct_fields__}
    values["actions"] = tuple(sorted(key.actions))
    return ApiKeyResult(**values)
