"""What a request says of who sends it; who that is, the feature of sign-in finds out.

A bearer token counts before a cookie: a request that has both acts for the token alone. Only user
input keeps a session alive; a page says of polling and autosave that they are none of it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web

from clinic_api.actor import Actor
from clinic_api.errors import Refused

SESSION_COOKIE = "__Host-session"
BACKGROUND_HEADER = "X-Background"  # "1": no person did this just now
MAX_SECRET_CHARS = 4096


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """Exactly as sent, nothing checked yet; one of `session` and `bearer` at most."""

    session: str | None = None  # the value of the session's cookie
    bearer: str | None = None  # an API key or a participant's token
    client: str = ""  # address
    user_input: bool = True


# Gives a stranger with the client's address where nothing is said. Raises Refused: sign_in_needed.
Authenticate = Callable[[Credentials], Awaitable[Actor]]


def credentials_of(request: web.Request) -> Credentials:
    """Raises Refused(sign_in_needed) for an Authorization header that is none (RFC 6750 2.1)."""
    bearer = _bearer(request)
    session = None if bearer is not None else request.cookies.get(SESSION_COOKIE)
    return Credentials(
        session=session if session and _can_be_ours(session) else None,
        bearer=bearer,
        client=client_of(request),
        user_input=request.headers.get(BACKGROUND_HEADER) != "1",
    )


def client_of(request: web.Request) -> str:
    """The address that the server's listener found; "" where there is none."""
    return str(request.get("client", ""))


def _bearer(request: web.Request) -> str | None:
    header = request.headers.get("Authorization")
    if header is None:
        return None
    scheme, _, token = header.strip().partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not (token and _can_be_ours(token)):
        raise Refused("sign_in_needed", "Send `Authorization: Bearer <key>`.")
    return token


def _can_be_ours(secret: str) -> bool:
    """What is no ASCII cannot even be hashed: a header may hold any bytes."""
    return secret.isascii() and len(secret) <= MAX_SECRET_CHARS
