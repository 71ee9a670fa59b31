"""Logins: who may sign in, how they are named, what is told of them. No I/O, no clock, no chance.

A login (`user`) is no person: `directory` links patients and practitioners to it. It is named by an
e-mail address, a telephone number or a user name; all three in one normalised form, so that one
name is one login.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from clinic_api.actor import STAFF, Role
from clinic_api.errors import Refused

UserState = Literal["invited", "active", "disabled"]
Event = Literal["activate", "disable", "enable", "recover"]
Device = Literal["phone", "tablet", "computer", "unknown"]
Level = Literal["password", "enrolling", "full"]  # what a session has shown so far

LoginText = Annotated[str, Meta(max_length=254)]
NameText = Annotated[str, Meta(max_length=120)]
PasswordText = Annotated[str, Meta(max_length=1024)]  # the rule itself tells of 256
CodeText = Annotated[str, Meta(max_length=40)]
TokenText = Annotated[str, Meta(max_length=200)]

_EMAIL = re.compile(r"[^@\s<>\"(),:;\\]{1,64}@[^@\s<>\"(),:;\\]+\.[^@\s.<>\"(),:;\\]{2,63}")
_PHONE = re.compile(r"\+[0-9]{6,15}")
_USER_NAME = re.compile(r"[a-z][a-z0-9._-]{2,39}")

# state × event → state; what is not here is refused.
STATES: Mapping[tuple[UserState, Event], UserState] = {
    ("invited", "activate"): "active",
    ("invited", "disable"): "disabled",
    ("invited", "recover"): "invited",
    ("active", "disable"): "disabled",
    ("active", "recover"): "invited",
    ("disabled", "enable"): "invited",  # a new password, a new factor
    ("disabled", "recover"): "invited",
}


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A login as the services know it."""

    id: str
    version: int
    login: str
    display_name: str
    email: str | None
    email_verified: bool
    roles: frozenset[str]
    state: UserState
    language: str
    generation: int  # of the links and codes that were made for it
    created_at: datetime
    disabled_at: datetime | None

    @property
    def is_staff(self) -> bool:
        return bool(self.roles & STAFF)


class UserResult(msgspec.Struct, frozen=True, kw_only=True):
    """A login as administrators see it."""

    id: str
    version: int
    login: str
    display_name: str
    email: str | None
    roles: tuple[str, ...]
    state: UserState
    language: str
    has_second_factor: bool
    created_at: datetime


def shown(user: User, *, has_second_factor: bool) -> UserResult:
    """What is told of it."""
    return UserResult(
        id=user.id,
        version=user.version,
        login=user.login,
        display_name=user.display_name,
        email=user.email,
        roles=tuple(sorted(user.roles)),
        state=user.state,
        language=user.language,
        has_second_factor=has_second_factor,
        created_at=user.created_at,
    )


def after(state: UserState, event: Event) -> UserState:
    """Raises Refused(illegal_event), naming both."""
    try:
        return STATES[state, event]
    except KeyError:
        raise Refused("illegal_event", f"A login that is {state} cannot {event}.") from None


def normal_login(text: str) -> str:
    """One form of an e-mail address, a telephone number or a user name; wrong ones stay wrong."""
    folded = unicodedata.normalize("NFKC", text).strip().casefold()
    digits = re.sub(r"[\s()./-]", "", folded)
    return digits if _PHONE.fullmatch(digits) else folded


def checked_login(text: str) -> str:
    """A name that a new login may have. Raises Refused(invalid)."""
    login = normal_login(text)
    if is_email(login) or _PHONE.fullmatch(login) or _USER_NAME.fullmatch(login):
        return login
    raise Refused(
        "invalid",
        fields={
            "login": "Please write an e-mail address, a telephone number with +, or a user name of "
            "3 to 40 letters, digits, dots and dashes."
        },
    )


def is_email(login: str) -> bool:
    return len(login) <= 254 and _EMAIL.fullmatch(login) is not None


def checked_email(text: str) -> str:
    """Raises Refused(invalid)."""
    email = normal_login(text)
    if not is_email(email):
        raise Refused("invalid", fields={"email": "Please write a whole e-mail address."})
    return email


def checked_name(text: str) -> str:
    """Raises Refused(invalid)."""
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if not name or any(unicodedata.category(char) in {"Cc", "Cf"} for char in name):
        raise Refused("invalid", fields={"display_name": "Please write your name."})
    return name


def checked_roles(roles: frozenset[Role]) -> frozenset[str]:
    """Raises Refused(invalid)."""
    if not roles:
        raise Refused("invalid", fields={"roles": "Please choose at least one role."})
    return frozenset(roles)
