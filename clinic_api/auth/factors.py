"""Authenticator apps and recovery codes: set up, replaced, made anew; each change is told by mail.

The first one needs the password: staff have just shown it (or the link, or the desk's code), and
can do nothing else until they have an app; a patient, whose session may be days old, shows it once
more. Another one needs a fresh code of the one before.
"""

from __future__ import annotations

import secrets

import msgspec
import pyotp

from clinic_api.actor import Actor
from clinic_api.auth import (
    attempts,
    code_store,
    factor_store,
    recovery_codes,
    session_store,
    store,
    totp,
)
from clinic_api.auth.model import CodeText, PasswordText, User
from clinic_api.auth.notices import tell_of_change
from clinic_api.auth.service import (
    Asked,
    Nothing,
    Opened,
    check_present,
    open_session,
    own,
    own_session,
    tried,
)
from clinic_api.errors import Refused
from clinic_api.guarded import check_at, guarded
from clinic_api.organisation.store import organisation
from clinic_api.transaction import Transaction


class Secret(msgspec.Struct, frozen=True, kw_only=True):
    """What an authenticator app has to know."""

    secret: str  # base32, to type
    uri: str  # otpauth://, to show as a QR code


class BeginFactor(msgspec.Struct, frozen=True):
    """`present`: the password of a patient who has no app yet; of others it is not asked."""

    present: PasswordText = ""


class BeginConfirmed(msgspec.Struct, frozen=True, kw_only=True):
    """`right`: whether the present password was `asked`'s; None: it was not asked."""

    asked: Asked | None
    right: bool


class ConfirmFactor(msgspec.Struct, frozen=True):
    """The code that the app shows now."""

    code: CodeText


class RecoveryCodes(msgspec.Struct, frozen=True):
    """Shown once."""

    recovery_codes: tuple[str, ...]


class Enrolled(msgspec.Struct, frozen=True):
    """A new session and the codes to write down."""

    opened: Opened
    recovery_codes: tuple[str, ...]


@guarded("account.begin_sign_in")
def ask_password(tx: Transaction, actor: Actor) -> Asked | None:
    """What the password is compared with; None where none is asked. Raises too_many_requests."""
    user = own(tx, actor)
    if not _shows_password(tx, actor, user):
        return None
    attempts.count_password(tx, actor, user.login)
    return Asked(store.credential(tx, user.id).password_hash)


@guarded("account.enrol_factor")
def begin_enrolment(tx: Transaction, actor: Actor, command: BeginConfirmed) -> Secret:
    """A new secret; it counts once a code of it was shown.

    Raises Refused: step_up_needed where there is an app, bad_credentials for a first one.
    """
    user = _may_enrol(tx, actor)
    if _shows_password(tx, actor, user):
        check_present(tx, actor, user, command.asked, right=command.right)
    secret = pyotp.random_base32(totp.SECRET_CHARS)
    factor_store.add_pending(tx, actor, user.id, secret)
    tx.note(actor, "user", user.id, step="begun")
    return _secret(tx, user, secret)


@guarded("account.enrol_factor")
def show_enrolment(tx: Transaction, actor: Actor, command: Nothing) -> Secret:
    """The secret that waits for its first code, once more: after a code that was not right.

    Raises Refused: illegal_event, step_up_needed.
    """
    del command
    user = _may_enrol(tx, actor)
    pending = _pending(tx, user)
    tx.note(actor, "user", user.id, step="shown")
    return _secret(tx, user, pending.secret)


@guarded("account.enrol_factor")
def confirm_enrolment(tx: Transaction, actor: Actor, command: ConfirmFactor) -> Enrolled:
    """The new app counts, older ones do not any more. Raises Refused: bad_code, step_up_needed."""
    user, session = _may_enrol(tx, actor), own_session(tx, actor)
    pending = _pending(tx, user)
    step = totp.accepted_step(pending.secret, command.code, tx.now, pending.last_step)
    if step is None:
        raise Refused("bad_code", attempt=tried(tx, actor, user.id))
    factor_store.end_factors(tx, actor, user.id, "active")
    factor_store.activate(tx, actor, pending, step)
    code_store.forget_code(tx, user.id, "factor")
    codes = _new_codes(tx, actor, user)
    session_store.end_sessions(tx, actor, user.id)
    tx.note(actor, "user", user.id, step="confirmed")
    tell_of_change(tx, actor, user, "factor_enrolled")
    opened = open_session(tx, actor, user, "full", session.device, fresh=True)
    return Enrolled(opened, codes)


@guarded("account.change_factor")
def renew_recovery_codes(tx: Transaction, actor: Actor, command: Nothing) -> RecoveryCodes:
    """Ten new recovery codes; the old ones are void. Raises Refused(illegal_event)."""
    del command
    user = own(tx, actor)
    if not factor_store.has_factor(tx, user.id):
        raise Refused("illegal_event", "Please set up an authenticator app first.")
    codes = _new_codes(tx, actor, user)
    tx.note(actor, "user", user.id, step="codes")
    tell_of_change(tx, actor, user, "codes_renewed")
    return RecoveryCodes(codes)


def _may_enrol(tx: Transaction, actor: Actor) -> User:
    """The acting user, who has no app yet or has just shown it. Raises Refused(step_up_needed)."""
    user = own(tx, actor)
    if factor_store.has_factor(tx, user.id):
        check_at("account.change_factor", actor, tx.now)
    return user


def _shows_password(tx: Transaction, actor: Actor, user: User) -> bool:
    return "enrolling" not in actor.roles and not factor_store.has_factor(tx, user.id)


def _pending(tx: Transaction, user: User) -> factor_store.Factor:
    """Raises Refused(illegal_event)."""
    pending = factor_store.factor(tx, user.id, "pending")
    if pending is None:
        raise Refused("illegal_event", "Please begin with a new QR code.")
    return pending


def _secret(tx: Transaction, user: User, secret: str) -> Secret:
    return Secret(secret=secret, uri=totp.uri(secret, user.login, organisation(tx).name))


def _new_codes(tx: Transaction, actor: Actor, user: User) -> tuple[str, ...]:
    codes = tuple(
        recovery_codes.spelled(secrets.token_bytes(recovery_codes.CODE_BYTES))
        for _ in range(recovery_codes.CODES)
    )
    factor_store.replace_codes(tx, actor, user.id, codes)
    return codes
