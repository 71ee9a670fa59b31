"""Time-limited TURN credentials, as `use-auth-secret` of coturn has them (TURN REST API draft).

The username is the end of its validity in Unix seconds, a colon and who it is for; the password is
derived from it with a secret that issuer and relay share. Nothing is stored, and our own relay and
a coturn take the same ones.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

import msgspec

LONGEST_S = 300  # design/media.md; one that says more is refused
MAX_USERNAME_CHARS = 128


class Credential(msgspec.Struct, frozen=True):
    username: str
    password: str


class Holder(msgspec.Struct, frozen=True):
    """What a username says."""

    person: str
    until: int  # Unix seconds


def issue(secret: bytes, person: str, until: float) -> Credential:
    """A credential of `person` (an opaque name) that is good until that Unix time."""
    username = f"{int(until)}:{person}"
    return Credential(username, password_of(secret, username))


def password_of(secret: bytes, username: str) -> str:
    return base64.b64encode(hmac.digest(secret, username.encode(), "sha1")).decode()


def read_username(username: str) -> Holder | None:
    """Whose it is and until when; None where it is none of ours."""
    until, colon, person = username.partition(":")
    plain = until.isascii() and until.isdigit() and len(until) <= 12 and username.isprintable()
    if not (plain and colon and person) or len(username) > MAX_USERNAME_CHARS:
        return None
    return Holder(person, int(until))


def long_term_key(username: str, realm: str, password: str) -> bytes:
    """The key of a long-term credential (RFC 8489 section 9.2.2): what SHA-1 clients agree on."""
    text = f"{username}:{realm}:{password}".encode()
    return hashlib.md5(text, usedforsecurity=False).digest()
