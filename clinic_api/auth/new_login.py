"""A login that is new: what is asked of it, and its rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import msgspec
from msgspec import Meta

from clinic_api.actor import Actor
from clinic_api.auth import store
from clinic_api.auth.model import (
    LoginText,
    NameText,
    User,
    checked_email,
    checked_login,
    checked_name,
    is_email,
)
from clinic_api.errors import Refused
from clinic_api.transaction import Transaction

LanguageTag = Annotated[str, Meta(max_length=35, pattern="^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$")]


class NewLogin(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who shall sign in; without an e-mail the code at the desk is the only way."""

    login: LoginText
    display_name: NameText
    email: LoginText | None = None
    language: LanguageTag = "en"


def check_new(asked: NewLogin) -> None:
    """Raises Refused(invalid) with every field."""
    every_field(
        lambda: checked_login(asked.login),
        lambda: checked_name(asked.display_name),
        lambda: asked.email and checked_email(asked.email),
    )


def new_user(tx: Transaction, actor: Actor, asked: NewLogin, roles: frozenset[str]) -> User:
    """An invited login. Raises Refused: invalid, conflict for a taken name."""
    check_new(asked)
    login = checked_login(asked.login)
    email = checked_email(asked.email) if asked.email else login if is_email(login) else None
    return store.add_user(
        tx,
        actor,
        login=login,
        display_name=checked_name(asked.display_name),
        email=email,
        roles=roles,
        language=asked.language,
    )


def every_field(*checks: Callable[[], object]) -> None:
    """Run all checks. Raises Refused(invalid) with the fields of all that refuse."""
    fields: dict[str, str] = {}
    for check in checks:
        try:
            check()
        except Refused as refused:
            fields |= refused.fields
    if fields:
        raise Refused("invalid", fields=fields)
