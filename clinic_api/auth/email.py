"""The e-mail address of a login: changed, then verified by a link that only its reader has.

Until then nothing is sent to it but that link. Whoever had the old address is told. As the address
opens the account, who changes it shows a fresh code of the app, or without one the password.
"""

from __future__ import annotations

import msgspec

from clinic_api.actor import Actor
from clinic_api.auth import attempts, factor_store, links, store
from clinic_api.auth.model import (
    LoginText,
    PasswordText,
    TokenText,
    UserResult,
    checked_email,
    shown,
)
from clinic_api.auth.notices import send_link, tell_of_change
from clinic_api.auth.service import Asked, Nothing, check_present, own
from clinic_api.errors import Refused
from clinic_api.guarded import check_at, guarded
from clinic_api.transaction import Transaction


class ChangeEmail(msgspec.Struct, frozen=True, kw_only=True):
    """The new address, which counts once verified; `present`: the password of who has no app."""

    email: LoginText
    present: PasswordText = ""


class ConfirmedEmail(msgspec.Struct, frozen=True, kw_only=True):
    """`right`: whether the present password was `asked`'s; both count for who has no app."""

    email: LoginText
    asked: Asked | None
    right: bool


class VerifyEmail(msgspec.Struct, frozen=True):
    """The token of the link."""

    token: TokenText


class Verified(msgspec.Struct, frozen=True):
    """Nobody needs to be signed in for it, so it says no more."""

    verified: bool = True


@guarded("account.begin_sign_in")
def begin_change(tx: Transaction, actor: Actor) -> Asked | None:
    """What the password is compared with; None where an app is asked. Raises too_many_requests."""
    user = own(tx, actor)
    if factor_store.has_factor(tx, user.id):
        return None
    attempts.count_password(tx, actor, user.login)
    return Asked(store.credential(tx, user.id).password_hash)


@guarded("account.change")
def finish_change(tx: Transaction, actor: Actor, command: ConfirmedEmail) -> UserResult:
    """Raises Refused: invalid, too_many_requests; step_up_needed where there is a factor, else
    bad_credentials."""
    user, email = own(tx, actor), checked_email(command.email)
    has_factor = factor_store.has_factor(tx, user.id)
    if has_factor:
        check_at("account.change_factor", actor, tx.now)
    else:
        check_present(tx, actor, user, command.asked, right=command.right)
    attempts.count(tx, actor, "mail", user.login)
    tell_of_change(tx, actor, user, "email_changed")
    changed = store.change_user(
        tx,
        actor,
        user.id,
        email=email,
        email_verified_at=None,
        generation=user.generation + 1,
    )
    send_link(tx, actor, changed, "account.verify_email")
    tx.note(actor, "user", user.id, field="email")
    return shown(changed, has_second_factor=has_factor)


@guarded("account.change")
def ask_verification(tx: Transaction, actor: Actor, command: Nothing) -> UserResult:
    """The link once more. Raises Refused: illegal_event, too_many_requests."""
    del command
    user = own(tx, actor)
    if user.email is None or user.email_verified:
        raise Refused("illegal_event", "There is no address that has to be verified.")
    attempts.count(tx, actor, "mail", user.login)
    send_link(tx, actor, user, "account.verify_email")
    tx.note(actor, "user", user.id, field="email")
    return shown(user, has_second_factor=factor_store.has_factor(tx, user.id))


@guarded("account.verify_email")
def verify_email(tx: Transaction, actor: Actor, command: VerifyEmail) -> Verified:
    """The address is the person's. Raises Refused(gone)."""
    user = links.opened(tx, "verify", command.token)
    store.change_user(
        tx, actor, user.id, user.version, email_verified_at=tx.now, generation=user.generation + 1
    )
    tx.note(actor, "user", user.id)
    return Verified()
