"""What the device doors read of a request: bearer token, media types, body, If-Match.

Strict and bounded; each refusal is a `Refusal` with a code of its own.
"""

from __future__ import annotations

import re

import msgspec
from aiohttp import web

from signaling.core.messages import Id, Token
from signaling.shell.replies import Refusal

MAX_BODY_BYTES = 65_536
_SESSION = re.compile(r"[0-9a-f]{64}")  # SHA-256 in hex


def bearer(request: web.Request) -> str:
    """The token of RFC 6750 section 2.1. Raises Refusal."""
    scheme, _, token = request.headers.get("Authorization", "").strip().partition(" ")
    if not token or scheme.lower() != "bearer":
        raise Refusal("token_missing")
    try:
        return msgspec.convert(token.strip(), Token)
    except msgspec.ValidationError:
        raise Refusal("token_invalid") from None


def followed(request: web.Request) -> str | None:
    """The participant whom a viewer wants to see, None for whoever speaks. Raises Refusal."""
    wanted = request.query.get("participant")
    if wanted is None:
        return None
    try:
        return msgspec.convert(wanted, Id)
    except msgspec.ValidationError:
        raise Refusal("bad_participant") from None


def session_of(request: web.Request) -> bytes | None:
    """The hash in a session's address; None where it cannot be one."""
    text = request.match_info["session"]
    return bytes.fromhex(text) if _SESSION.fullmatch(text) else None


def check_accepts(request: web.Request, media_type: str) -> None:
    """Raise Refusal where the client does not take this type (RFC 9110 section 12.5.1)."""
    kind = media_type.partition("/")[0]
    taken = {"*/*", f"{kind}/*", media_type}
    ranges = [part.strip() for part in request.headers.get("Accept", "").split(",")]
    named = [part.replace(" ", "").lower().split(";") for part in ranges if part]
    if named and not any(one[0] in taken and not _is_zero(one[1:]) for one in named):
        raise Refusal("not_acceptable")


def _is_zero(parameters: list[str]) -> bool:
    return any(one.startswith("q=0") and not one[3:].strip(".0") for one in parameters)


async def body(request: web.Request, media_type: str) -> str:
    """The whole body as text. Raises Refusal."""
    if request.content_type != media_type:
        raise Refusal("media_type")
    if (request.content_length or 0) > MAX_BODY_BYTES:
        raise Refusal("too_large")
    data = bytearray()
    async for chunk in request.content.iter_any():
        data += chunk
        if len(data) > MAX_BODY_BYTES:
            raise Refusal("too_large")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise Refusal("bad_sdp", "The body is not UTF-8.") from None


def check_if_match(request: web.Request, tag: str) -> None:
    """Raise Refusal unless If-Match is there and holds (RFC 9725 section 4.3.1)."""
    given = request.headers.get("If-Match")
    if given is None:
        raise Refusal("tag_missing")
    if given.strip() != "*" and f'"{tag}"' not in [one.strip() for one in given.split(",")]:
        raise Refusal("tag_mismatch")
