"""Logins, by administrators and the desk: invite, roles, codes at the desk, disable, enable.

Staff never set a password. Disabling ends sessions and keys in the same transaction; seats in calls
are ended with them by the journey `leaving`. The last administrator cannot be taken away.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from clinic_api.actor import Actor, Role
from clinic_api.auth import attempts, code_store, factor_store, session_store, store
from clinic_api.auth.code_store import Purpose
from clinic_api.auth.codes import awaits_factor, issue_code
from clinic_api.auth.model import (
    User,
    UserResult,
    after,
    checked_roles,
    shown,
)
from clinic_api.auth.new_login import NewLogin, new_user
from clinic_api.auth.notices import send_link, tell_of_change
from clinic_api.errors import Refused
from clinic_api.guarded import Facts, guarded, hidden, permit
from clinic_api.ids import is_id
from clinic_api.paging import DEFAULT_ITEMS, Cursor, Limit, Page, page
from clinic_api.transaction import Transaction

Id = Annotated[str, Meta(max_length=36)]


class ListUsers(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the list, by time of creation."""

    cursor: Cursor = ""
    limit: Limit = DEFAULT_ITEMS


class OneUser(msgspec.Struct, frozen=True):
    """Which."""

    user_id: Id


class OneVersion(msgspec.Struct, frozen=True, kw_only=True):
    """Which, as it was read."""

    user_id: Id
    version: int


class CreateUser(NewLogin, frozen=True, kw_only=True):
    """A member of staff."""

    roles: frozenset[Role]


class ChangeRoles(msgspec.Struct, frozen=True, kw_only=True):
    """All the roles that the login has from now on."""

    user_id: Id
    version: int
    roles: frozenset[Role]


class IssuedCode(msgspec.Struct, frozen=True, kw_only=True):
    """To show or say to the person, once."""

    user: UserResult
    code: str
    expires_at: datetime


class Disabled(msgspec.Struct, frozen=True, kw_only=True):
    """What ended with the login."""

    user: UserResult
    sessions_ended: int
    api_keys_revoked: int


@guarded("user.list")
def list_users(tx: Transaction, actor: Actor, command: ListUsers) -> Page[UserResult]:
    """All logins, oldest first."""
    permit(tx, actor, Facts(kind="user", id=""))
    tx.note(actor, "user", "")
    return page(
        tx,
        store.users,
        tx.select(store.users),
        lambda row: _result(tx, store.user_of(row)),
        cursor=command.cursor,
        limit=command.limit,
    )


@guarded("user.read")
def read_user(tx: Transaction, actor: Actor, command: OneUser) -> UserResult:
    """One login."""
    user = _readable(tx, actor, command.user_id)
    tx.note(actor, "user", user.id)
    return _result(tx, user)


@guarded("user.create")
def create_user(tx: Transaction, actor: Actor, command: CreateUser) -> UserResult:
    """Invite a member of staff: by mail if there is an address. Raises Refused: invalid, conflict.

    Without an address (or a mail server) the desk's code activates it: `issue_activation_code`.
    """
    user = add_login(tx, actor, command, checked_roles(command.roles))
    tx.note(actor, "user", user.id, roles=",".join(sorted(user.roles)))
    return _result(tx, user)


def add_login(tx: Transaction, actor: Actor, asked: NewLogin, roles: frozenset[str]) -> User:
    """For services that make one: an invited login, with its mail. Raises invalid, conflict."""
    user = new_user(tx, actor, asked, roles)
    send_link(tx, actor, user, "account.invitation")
    return user


@guarded("user.issue_code")
def issue_activation_code(tx: Transaction, actor: Actor, command: OneUser) -> IssuedCode:
    """A one-time code for a person at the desk, to set the first password with.

    The desk may do that for patients, administrators for everybody. Raises Refused(illegal_event).
    """
    user = _at_desk(tx, actor, command.user_id)
    if user.state != "invited":
        raise Refused("illegal_event", "This login is activated already.")
    tx.note(actor, "user", user.id)
    return issued(tx, actor, user, "activate")


@guarded("user.issue_code")
def issue_reset_code(tx: Transaction, actor: Actor, command: OneUser) -> IssuedCode:
    """A one-time code for a person at the desk who forgot the password and has no e-mail.

    The second factor is needed as before. As for activation, by whom. Raises illegal_event.
    """
    user = _at_desk(tx, actor, command.user_id)
    if user.state != "active":
        raise Refused("illegal_event", "This login is not active.")
    tx.note(actor, "user", user.id)
    tell_of_change(tx, actor, user, "reset_code")
    return issued(tx, actor, user, "reset")


def issued(tx: Transaction, actor: Actor, user: User, purpose: Purpose) -> IssuedCode:
    """A new code for it; an older one is void, and tries at that are forgotten."""
    attempts.clear(tx, "activation", user.login)
    code, expires_at = issue_code(tx, actor, user.id, purpose)
    return IssuedCode(user=_result(tx, user), code=code, expires_at=expires_at)


@guarded("user.reset_factor")
def reset_factor(tx: Transaction, actor: Actor, command: OneUser) -> IssuedCode:
    """The phone is lost: after checking who it is, old factors die and a code replaces them once.

    The desk may do that for patients, administrators for everybody else. The password is needed as
    before. Raises Refused: illegal_event, not_allowed.
    """
    user = _at_desk(tx, actor, command.user_id)
    if user.id == actor.id:
        raise Refused("illegal_event", "Somebody else has to check that it is you.")
    resettable = factor_store.has_factor(tx, user.id) or awaits_factor(tx, user.id)
    if user.state != "active" or not resettable:
        raise Refused("illegal_event", "This login has no second factor to reset.")
    forget_factors(tx, actor, user.id)
    attempts.clear(tx, "code", user.id)
    tx.note(actor, "user", user.id)
    tell_of_change(tx, actor, user, "factor_reset")
    return issued(tx, actor, user, "factor")


def forget_factors(tx: Transaction, actor: Actor, user_id: str) -> None:
    """Apps, recovery codes and the desk's code for a new app are gone, sessions end."""
    factor_store.end_factors(tx, actor, user_id, "active")
    factor_store.end_factors(tx, actor, user_id, "pending")
    factor_store.replace_codes(tx, actor, user_id, ())
    code_store.forget_code(tx, user_id, "factor")
    session_store.end_sessions(tx, actor, user_id)


@guarded("user.change_roles")
def change_roles(tx: Transaction, actor: Actor, command: ChangeRoles) -> UserResult:
    """What the login may do from now on. Raises Refused: invalid, stale, illegal_event."""
    user = _readable(tx, actor, command.user_id)
    roles = checked_roles(command.roles)
    if "admin" not in roles:
        _keep_an_admin(tx, user)
    changed = store.change_user(
        tx, actor, user.id, command.version, roles=roles, generation=user.generation + 1
    )
    tx.note(actor, "user", user.id, roles=",".join(sorted(roles)))
    return _result(tx, changed)


@guarded("user.disable")
def disable_user(tx: Transaction, actor: Actor, command: OneVersion) -> Disabled:
    """Out of everything at once: sessions, keys, links; calls within seconds.

    Raises Refused: illegal_event, stale.
    """
    user = _readable(tx, actor, command.user_id)
    _keep_an_admin(tx, user)
    changed = store.change_user(
        tx,
        actor,
        user.id,
        command.version,
        state=after(user.state, "disable"),
        disabled_at=tx.now,
        generation=user.generation + 1,
    )
    sessions = session_store.end_sessions(tx, actor, user.id)
    keys = session_store.revoke_api_keys(tx, actor, user.id)
    store.set_password(tx, actor, user.id, None)
    tx.note(actor, "user", user.id, sessions=str(sessions), api_keys=str(keys))
    return Disabled(user=_result(tx, changed), sessions_ended=sessions, api_keys_revoked=keys)


@guarded("user.enable")
def enable_user(tx: Transaction, actor: Actor, command: OneVersion) -> UserResult:
    """Invite it once more: new password, new factor. Raises Refused: illegal_event, stale."""
    user = _readable(tx, actor, command.user_id)
    changed = store.change_user(
        tx,
        actor,
        user.id,
        command.version,
        state=after(user.state, "enable"),
        disabled_at=None,
        generation=user.generation + 1,
    )
    forget_factors(tx, actor, user.id)
    send_link(tx, actor, changed, "account.invitation")
    tx.note(actor, "user", user.id)
    return _result(tx, changed)


@guarded("user.recover")
def recover_admin(tx: Transaction, actor: Actor, login: str) -> IssuedCode:
    """From the console, when no administrator can sign in: a code to begin anew with.

    The login becomes an administrator again, without password and factors. Raises not_found.
    """
    user = store.user_by_login(tx, login)
    if user is None:
        raise hidden(tx, actor, "user", "")
    changed = store.change_user(
        tx,
        actor,
        user.id,
        state=after(user.state, "recover"),
        roles=user.roles | {"admin"},
        disabled_at=None,
        generation=user.generation + 1,
    )
    store.set_password(tx, actor, user.id, None)
    forget_factors(tx, actor, user.id)
    tx.note(actor, "user", user.id)
    tell_of_change(tx, actor, changed, "recovered")
    return issued(tx, actor, changed, "activate")


def _readable(tx: Transaction, actor: Actor, user_id: str) -> User:
    """Raises Refused(not_found), audited."""
    user = store.user(tx, user_id) if is_id(user_id) else None
    if user is None:
        raise hidden(tx, actor, "user", user_id)
    permit(tx, actor, Facts(kind="user", id=user.id, user_id=user.id))
    return user


def _at_desk(tx: Transaction, actor: Actor, user_id: str) -> User:
    """The desk sees patients' logins only. Raises Refused(not_found), audited."""
    user = _readable(tx, actor, user_id)
    if user.is_staff and "admin" not in actor.roles:
        raise hidden(tx, actor, "user", user_id)
    return user


def _keep_an_admin(tx: Transaction, user: User) -> None:
    if store.active_admins(tx) == [user.id]:
        raise Refused("illegal_event", "This is the last administrator. Make another one first.")


def _result(tx: Transaction, user: User) -> UserResult:
    return shown(user, has_second_factor=factor_store.has_factor(tx, user.id))
