"""Into an account without its password: registration, activation, reset, change of password.

Nobody learns whether a name is known: asking for a link has one answer, and what can be told apart
is told by mail. A reset never skips the second factor; it ends every session.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from clinic_api.actor import Actor
from clinic_api.auth import attempts, factor_store, links, passwords, session_store, store
from clinic_api.auth.code_store import Purpose
from clinic_api.auth.codes import is_code_of
from clinic_api.auth.model import (
    Device,
    LoginText,
    NameText,
    User,
    UserState,
    after,
    checked_email,
    checked_name,
    normal_login,
)
from clinic_api.auth.new_login import LanguageTag, NewLogin, every_field, new_user
from clinic_api.auth.notices import send_link, tell_of_change
from clinic_api.auth.service import Asked, Opened, check_present, open_session, own, tried
from clinic_api.errors import Refused
from clinic_api.guarded import guarded
from clinic_api.organisation.store import organisation
from clinic_api.transaction import Transaction


class Register(msgspec.Struct, frozen=True, kw_only=True):
    """A patient's own account; the password comes with the link in the mail."""

    email: LoginText
    display_name: NameText
    language: LanguageTag = "en"


class AskReset(msgspec.Struct, frozen=True):
    """By the name that one signs in with."""

    login: LoginText


class Asking(msgspec.Struct, frozen=True):
    """The same for everybody; what it promises depends on whether there is a mail server."""

    answer: Literal[
        "If this account exists, a mail is on its way to it.",
        "If this account exists, its link waits at the clinic, which sends no mail: please call.",
    ]


def _asking(tx: Transaction) -> Asking:
    if tx.sends_mail:
        return Asking("If this account exists, a mail is on its way to it.")
    return Asking(
        "If this account exists, its link waits at the clinic, which sends no mail: please call."
    )


class ByLink(msgspec.Struct, frozen=True, kw_only=True):
    """Whoever reads the person's mail."""

    token: str


class ByCode(msgspec.Struct, frozen=True, kw_only=True):
    """Whoever was at the desk."""

    login: str
    code: str


Proof = ByLink | ByCode


class Entrant(msgspec.Struct, frozen=True):
    """Whom a proof is of, and what their password has to be."""

    user_id: str
    with_factor: bool
    known: tuple[str, ...]  # names that make a bad password


class SetPassword(msgspec.Struct, frozen=True, kw_only=True):
    """The proof once more, as it may have been used meanwhile, and the slow hash."""

    proof: Proof
    password_hash: str
    device: Device = "unknown"


class FirstLogin(msgspec.Struct, frozen=True, kw_only=True):
    """Who sets the clinic up; the one-time link is the proof."""

    asked: NewLogin
    roles: frozenset[str]
    password_hash: str
    device: Device


class ReplacePassword(msgspec.Struct, frozen=True, kw_only=True):
    """`right`: whether the present password was `asked`'s."""

    asked: Asked
    right: bool
    password_hash: str


# asking


@guarded("account.register")
def register(tx: Transaction, actor: Actor, command: Register) -> Asking:
    """An invited login and its mail; a known address gets the mail that helps it.

    Raises Refused: invalid, too_many_requests.
    """
    every_field(lambda: checked_email(command.email), lambda: checked_name(command.display_name))
    email = checked_email(command.email)
    _count_mail(tx, actor, email)
    asked = NewLogin(login=email, display_name=command.display_name, language=command.language)
    user = store.user_by_login(tx, email) or new_user(tx, actor, asked, frozenset({"patient"}))
    tx.note(actor, "user", user.id)
    _send_what_helps(tx, actor, user)
    return _asking(tx)


@guarded("account.ask_reset")
def ask_reset(tx: Transaction, actor: Actor, command: AskReset) -> Asking:
    """A link to a new password, if there is a login with an address. Raises too_many_requests."""
    login = normal_login(command.login)
    _count_mail(tx, actor, login)
    user = store.user_by_login(tx, login)
    tx.note(actor, "user", user.id if user else "")
    if user is not None:
        _send_what_helps(tx, actor, user)
    return _asking(tx)


def _count_mail(tx: Transaction, actor: Actor, name: str) -> None:
    attempts.count_address(tx, actor)
    attempts.count(tx, actor, "mail", name)


def _send_what_helps(tx: Transaction, actor: Actor, user: User) -> None:
    if user.state == "invited":
        send_link(tx, actor, user, "account.invitation")
    elif user.state == "active" and user.email_verified:
        send_link(tx, actor, user, "account.reset_password")


# proving


@guarded("account.begin_link")
def count_code(tx: Transaction, actor: Actor, login: str) -> None:
    """Before a code from the desk is judged. Raises Refused(too_many_requests)."""
    attempts.count_address(tx, actor)
    attempts.count(tx, actor, "activation", normal_login(login))


@guarded("account.begin_link")
def begin_activation(tx: Transaction, actor: Actor, proof: Proof) -> Entrant:
    """Who activates. Raises Refused: gone, bad_code."""
    return _entrant(tx, _activating(tx, actor, proof))


@guarded("account.begin_link")
def begin_reset(tx: Transaction, actor: Actor, proof: Proof) -> Entrant:
    """Who resets. Raises Refused: gone, bad_code."""
    return _entrant(tx, _resetting(tx, actor, proof))


@guarded("account.activate")
def finish_activation(tx: Transaction, actor: Actor, command: SetPassword) -> Opened:
    """The login is active and signed in. Raises Refused: gone, bad_code."""
    invited = _activating(tx, actor, command.proof)
    by_link = isinstance(command.proof, ByLink)
    verified: dict[str, Any] = {"email_verified_at": tx.now} if by_link else {}
    user = store.change_user(
        tx,
        actor,
        invited.id,
        invited.version,
        state=after(invited.state, "activate"),
        generation=invited.generation + 1,
        **verified,
    )
    store.set_password(tx, actor, user.id, command.password_hash)
    attempts.clear(tx, "login", user.login)
    attempts.clear(tx, "activation", user.login)
    if not by_link:
        attempts.give_back_address(tx, actor)
    tx.note(actor, "user", user.id, by=_name(command.proof))
    if not user.email_verified:
        send_link(tx, actor, user, "account.verify_email")
    return open_session(tx, actor, user, "enrolling" if user.is_staff else "full", command.device)


@guarded("account.activate")
def add_active(tx: Transaction, actor: Actor, command: FirstLogin) -> Opened:
    """The login of the first run, active and signed in. Raises Refused: invalid, conflict."""
    invited = new_user(tx, actor, command.asked, command.roles)
    user = store.change_user(tx, actor, invited.id, state=after(invited.state, "activate"))
    store.set_password(tx, actor, user.id, command.password_hash)
    tx.note(actor, "user", user.id, by="set_up")
    send_link(tx, actor, user, "account.verify_email")
    return open_session(tx, actor, user, "enrolling", command.device)


@guarded("account.reset")
def finish_reset(tx: Transaction, actor: Actor, command: SetPassword) -> None:
    """The new password counts, every session ends. Raises Refused: gone, bad_code."""
    before = _resetting(tx, actor, command.proof)
    user = store.change_user(tx, actor, before.id, before.version, generation=before.generation + 1)
    store.set_password(tx, actor, user.id, command.password_hash)
    session_store.end_sessions(tx, actor, user.id)
    attempts.clear(tx, "login", user.login)
    attempts.clear(tx, "activation", user.login)
    tx.note(actor, "user", user.id, by=_name(command.proof))
    tell_of_change(tx, actor, user, "password_reset")


@guarded("account.begin_sign_in")
def begin_change(tx: Transaction, actor: Actor) -> tuple[Asked, Entrant]:
    """What the present password is compared with. Raises Refused(too_many_requests)."""
    user = own(tx, actor)
    attempts.count_password(tx, actor, user.login)
    return Asked(store.credential(tx, user.id).password_hash), _entrant(tx, user)


@guarded("account.change")
def finish_change(tx: Transaction, actor: Actor, command: ReplacePassword) -> None:
    """The new password counts, other sessions end. Raises Refused(bad_credentials)."""
    user = own(tx, actor)
    check_present(tx, actor, user, command.asked, right=command.right)
    store.change_user(tx, actor, user.id, generation=user.generation + 1)
    store.set_password(tx, actor, user.id, command.password_hash)
    session_store.end_sessions(tx, actor, user.id, but=actor.session_id)
    tx.note(actor, "user", user.id)
    tell_of_change(tx, actor, user, "password_changed")


def _activating(tx: Transaction, actor: Actor, proof: Proof) -> User:
    if isinstance(proof, ByLink):
        return links.opened(tx, "activate", proof.token)
    return _by_code(tx, actor, proof, "activate", "invited")


def _resetting(tx: Transaction, actor: Actor, proof: Proof) -> User:
    if isinstance(proof, ByLink):
        return links.opened(tx, "reset", proof.token)
    return _by_code(tx, actor, proof, "reset", "active")


def _name(proof: Proof) -> str:
    return "link" if isinstance(proof, ByLink) else "code"


def _by_code(
    tx: Transaction, actor: Actor, proof: ByCode, purpose: Purpose, state: UserState
) -> User:
    user = store.user_by_login(tx, normal_login(proof.login))
    right = user is not None and is_code_of(tx, user.id, purpose, proof.code)
    if user is None or user.state != state or not right:
        raise Refused("bad_code", attempt=tried(tx, actor, user.id if user else ""))
    return user


def _entrant(tx: Transaction, user: User) -> Entrant:
    with_factor = user.is_staff or factor_store.has_factor(tx, user.id)
    names = (organisation(tx).name, user.login, user.display_name, user.email or "")
    return Entrant(user.id, with_factor, names)


def check_password(entrant: Entrant, password: str) -> None:
    """Raises Refused(invalid) with the reason."""
    passwords.check(password, with_factor=entrant.with_factor, known=entrant.known)
