"""Sign-in and its second step: the parts that are transactions.

Slow hashing stands between them, in `flows.py`. A wrong name, a wrong password, and a login that is
disabled or not activated get one answer. A session gets a new token each time it is worth more.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Literal

import msgspec

from clinic_api.actor import Actor
from clinic_api.auth import attempts, factor_store, session_store, store
from clinic_api.auth.codes import awaits_factor, spend_code
from clinic_api.auth.model import (
    CodeText,
    Device,
    Level,
    User,
    UserResult,
    normal_login,
    shown,
)
from clinic_api.auth.session_store import Session
from clinic_api.auth.sessions import ends_at
from clinic_api.auth.totp import accepted_step, is_code
from clinic_api.errors import Attempt, Refused
from clinic_api.guarded import Facts, guarded, permit
from clinic_api.transaction import Transaction

TOKEN_BYTES = 32  # of a session: 256 bits
Next = Literal["second_factor", "enrol_factor", "nothing"]
NEXT: dict[Level, Next] = {
    "password": "second_factor",
    "enrolling": "enrol_factor",
    "full": "nothing",
}


class Nothing(msgspec.Struct, frozen=True):
    """A command that says nothing but its name."""


class Asked(msgspec.Struct, frozen=True):
    """What a password has to be compared with; of a name that nobody has: nothing."""

    password_hash: str | None


class FinishSignIn(msgspec.Struct, frozen=True, kw_only=True):
    """The password was compared with `asked`: `right` says how it went.

    `renewed`: a hash of the same password with today's costs, where `asked` has others.
    """

    login: str
    asked: Asked
    right: bool
    device: Device
    renewed: str | None = None


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """A session, and what it needs before it is worth something."""

    user: UserResult
    next: Next
    ends_at: datetime  # when nothing is done any more


class Opened(msgspec.Struct, frozen=True):
    """A new session with the token that is shown once."""

    signed_in: SignedIn
    token: str


class ShowCode(msgspec.Struct, frozen=True):
    """Six digits of the app, or a recovery code."""

    code: CodeText


# password


@guarded("account.begin_sign_in")
def begin_sign_in(tx: Transaction, actor: Actor, login: str) -> Asked:
    """Count the try. Raises Refused(too_many_requests), for names that nobody has as well."""
    name = normal_login(login)
    attempts.count_password(tx, actor, name)
    user = store.user_by_login(tx, name)
    return Asked(store.credential(tx, user.id).password_hash if user else None)


@guarded("account.sign_in")
def finish_sign_in(tx: Transaction, actor: Actor, command: FinishSignIn) -> Opened:
    """Open a session, of what level its login needs. Raises Refused(bad_credentials)."""
    name = normal_login(command.login)
    user = store.user_by_login(tx, name)
    known = store.credential(tx, user.id).password_hash if user else None
    unchanged = known is not None and known == command.asked.password_hash
    if not command.right or not unchanged or user is None or user.state != "active":
        raise Refused("bad_credentials", attempt=tried(tx, actor, user.id if user else ""))
    if command.renewed is not None:
        store.renew_hash(tx, actor, user.id, command.renewed)
    attempts.password_was_right(tx, actor, name)
    tx.note(actor, "user", user.id)
    return open_session(tx, actor, user, _level_by_password(tx, user), command.device)


def check_present(
    tx: Transaction, actor: Actor, user: User, asked: Asked | None, *, right: bool
) -> None:
    """Whether who is signed in has shown the password, which is the same as when it was asked.

    Raises Refused(bad_credentials).
    """
    held = store.credential(tx, user.id).password_hash
    if not right or asked is None or held is None or held != asked.password_hash:
        raise Refused(
            "bad_credentials",
            "The present password is not right.",
            attempt=tried(tx, actor, user.id),
        )
    attempts.password_was_right(tx, actor, user.login)


def _level_by_password(tx: Transaction, user: User) -> Level:
    if awaits_factor(tx, user.id) or factor_store.has_factor(tx, user.id):
        return "password"
    return "enrolling" if user.is_staff else "full"


def open_session(
    tx: Transaction, actor: Actor, user: User, level: Level, device: Device, *, fresh: bool = False
) -> Opened:
    """`fresh`: a second factor was shown just now."""
    if level == "full":
        attempts.remember(tx, actor, user.login)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    stepped_up_at = tx.now if fresh else None
    session_id = session_store.add_session(
        tx,
        actor,
        user_id=user.id,
        token=token,
        level=level,
        device=device,
        stepped_up_at=stepped_up_at,
    )
    session = session_store.session(tx, session_id)
    assert session is not None
    result = SignedIn(
        user=shown(user, has_second_factor=factor_store.has_factor(tx, user.id)),
        next=NEXT[level],
        ends_at=ends_at(session.times, staff=user.is_staff),
    )
    return Opened(result, token)


def tried(tx: Transaction, actor: Actor, user_id: str) -> Attempt:
    """Somebody failed at an account; audited with the account's id."""
    return Attempt(actor.kind, actor.id, tx.action, "user", user_id, actor.client)


# second factor


@guarded("account.begin_code")
def begin_code(tx: Transaction, actor: Actor) -> None:
    """Count the try at a code. Raises Refused(too_many_requests)."""
    attempts.count(tx, actor, "code", own(tx, actor).id)


@guarded("account.show_second_factor")
def finish_second_factor(tx: Transaction, actor: Actor, command: ShowCode) -> Opened:
    """Open the session that counts, end the one of the password alone. Raises Refused(bad_code)."""
    user, session = own(tx, actor), own_session(tx, actor)
    level = _level_by_code(tx, actor, user, command.code)
    attempts.clear(tx, "code", user.id)
    session_store.end_session(tx, actor, session.id)
    tx.note(actor, "user", user.id)
    return open_session(tx, actor, user, level, session.device, fresh=level == "full")


def _level_by_code(tx: Transaction, actor: Actor, user: User, code: str) -> Level:
    """A code from the desk lets in to set up a new app, and nowhere else."""
    if is_right(tx, actor, user.id, code):
        return "full"
    if spend_code(tx, actor, user.id, "factor", code):
        return "enrolling"
    raise Refused("bad_code", attempt=tried(tx, actor, user.id))


def is_right(tx: Transaction, actor: Actor, user_id: str, code: str) -> bool:
    """Whether the app or the list of recovery codes says so; either is spent by it."""
    if not is_code(code):
        return factor_store.use_code(tx, actor, user_id, code)
    factor = factor_store.factor(tx, user_id, "active")
    if factor is None:
        return False
    step = accepted_step(factor.secret, code, tx.now, factor.last_step)
    if step is None:
        return False
    factor_store.use_step(tx, actor, factor, step)
    return True


# who acts


def own(tx: Transaction, actor: Actor) -> User:
    """The acting user. Raises Refused(not_found) for an actor who is none, such as an API key."""
    permit(tx, actor, me(actor))
    return store.existing_user(tx, actor.id)


def own_session(tx: Transaction, actor: Actor) -> Session:
    """The session that asks. Raises Refused(sign_in_needed) where it has ended meanwhile."""
    session = session_store.session(tx, actor.session_id) if actor.session_id else None
    if session is None or session.times.ended_at is not None:
        raise Refused("sign_in_needed")
    return session


def me(actor: Actor) -> Facts:
    return Facts(kind="user", id=actor.id, user_id=actor.id if actor.kind == "user" else "")
