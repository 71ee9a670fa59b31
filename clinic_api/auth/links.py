"""Tokens of the links in mails: made anew from the keyring when they are needed, never stored.

    <user id without dashes>.<end, seconds since 1970>.<code>

The code also covers the e-mail address and the login's generation, which every use of a link and
every change of who may sign in moves on, so that each link works once. They travel after a `#` and
in bodies of POSTs only.
"""

from __future__ import annotations

import hmac
import uuid
from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec

from clinic_api.auth import store
from clinic_api.auth.model import User
from clinic_api.errors import Refused
from clinic_api.transaction import Keys, Transaction

LinkPurpose = Literal["activate", "reset", "verify"]
LIFETIMES: dict[LinkPurpose, timedelta] = {
    "activate": timedelta(days=3),
    "reset": timedelta(hours=1),
    "verify": timedelta(days=1),
}


class Link(msgspec.Struct, frozen=True):
    """What goes into a mail."""

    token: str
    expires_at: datetime


def link_of(tx: Transaction, purpose: LinkPurpose, user_id: str) -> Link | None:
    """The link as of now; None where the login is not to be activated or reset any more."""
    user = store.user(tx, user_id)
    if user is None or not _stands(purpose, user):
        return None
    expires_at = (tx.now + LIFETIMES[purpose]).replace(microsecond=0)
    return Link(make_token(tx.keys, purpose, user, expires_at), expires_at)


def make_token(keys: Keys, purpose: LinkPurpose, user: User, expires_at: datetime) -> str:
    ends = str(int(expires_at.timestamp()))
    return f"{uuid.UUID(user.id).hex}.{ends}.{_code(keys, purpose, user, ends)}"


def opened(tx: Transaction, purpose: LinkPurpose, token: str) -> User:
    """Whose link it is. Raises Refused(gone) for one that is wrong, old or used."""
    user_hex, ends, code = _parts(token)
    user = store.user(tx, user_hex)
    if user is None or not _stands(purpose, user):
        raise Refused("gone")
    if not hmac.compare_digest(_code(tx.keys, purpose, user, ends).encode(), code.encode()):
        raise Refused("gone")
    if datetime.fromtimestamp(int(ends), UTC) <= tx.now:
        raise Refused("gone", "This link is too old. Please ask for a new one.")
    return user


def _parts(token: str) -> tuple[str, str, str]:
    try:
        user_hex, ends, code = token.split(".")
        return str(uuid.UUID(hex=user_hex)), ends, code
    except ValueError:
        raise Refused("gone") from None


def _code(keys: Keys, purpose: LinkPurpose, user: User, ends: str) -> str:
    return keys.token(purpose, user.id, str(user.generation), ends, user.email or "")


def _stands(purpose: LinkPurpose, user: User) -> bool:
    if purpose == "activate":
        return user.state == "invited"
    has_address = user.email is not None and (purpose == "reset") == user.email_verified
    return user.state == "active" and has_address
