"""The exchange of a link's secret for a join token: `POST /join/exchange`.

The secret comes in a small JSON body, never in an address. Every refusal is a problem document
(RFC 9457) with a stable `code` and a sentence for the person; only pages of our own origin may ask,
and each address only so often.
"""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable
from typing import Annotated

import msgspec
from aiohttp import web

from clinic_api.http.rate import Buckets, Rate

MAX_BODY_BYTES = 4096
# A whole clinic may sit behind one address; a secret of 192 bits cannot be guessed at any rate.
EXCHANGE_RATE = Rate(burst=120, per_s=4)


class JoinTicket(msgspec.Struct, frozen=True):
    """What a link's secret is exchanged for."""

    token: str
    name: str
    role: str
    room: str


class ExchangeRefused(Exception):
    """The link opens nothing: a stable code, a sentence, an HTTP status (404 unknown, 410 over)."""

    def __init__(self, code: str, message: str, status: int) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


Exchange = Callable[[str], Awaitable[JoinTicket]]


class _Asked(msgspec.Struct, forbid_unknown_fields=True):
    secret: Annotated[str, msgspec.Meta(min_length=1, max_length=512)]


class _Answer(msgspec.Struct):
    token: str
    name: str
    role: str


class _Problem(msgspec.Struct):
    """RFC 9457, with our `code` beside."""

    title: str
    status: int
    detail: str
    code: str


class ExchangeRoute:
    """The handler with its rate limit."""

    def __init__(self, exchange: Exchange, rate: Rate = EXCHANGE_RATE) -> None:
        self._exchange = exchange
        self._buckets = Buckets(rate)

    async def handle(self, request: web.Request) -> web.Response:
        try:
            self._check(request)
            ticket = await self._exchange(await _secret(request))
        except ExchangeRefused as refusal:
            return _problem(refusal)
        answer = _Answer(ticket.token, ticket.name, ticket.role)
        return _json(msgspec.json.encode(answer), 200, "application/json")

    def _check(self, request: web.Request) -> None:
        wait_s = self._buckets.take(str(request.get("client", "")), time.monotonic())
        if wait_s:
            raise _TooMany(wait_s)
        if not _is_own_page(request):
            raise ExchangeRefused("foreign_origin", "Please open the link on its own page.", 403)
        if request.content_type != "application/json":
            raise ExchangeRefused("not_json", "The request has to be JSON.", 415)


class _TooMany(ExchangeRefused):
    def __init__(self, wait_s: float) -> None:
        super().__init__("too_many_requests", "Too many tries. Please wait a minute.", 429)
        self.retry_after_s = math.ceil(wait_s)


def _is_own_page(request: web.Request) -> bool:
    # Either scheme: a proxy in front may have ended the TLS.
    scheme, _, host = request.headers.get("Origin", "").lower().partition("://")
    return scheme in {"http", "https"} and host == request.host.lower()


async def _secret(request: web.Request) -> str:
    body = await request.content.read(MAX_BODY_BYTES + 1)
    while len(body) <= MAX_BODY_BYTES and (more := await request.content.read(MAX_BODY_BYTES)):
        body += more
    if len(body) > MAX_BODY_BYTES:
        raise ExchangeRefused("too_large", "The request is too large.", 413)
    try:
        return msgspec.json.decode(body, type=_Asked).secret
    except msgspec.MsgspecError:
        raise ExchangeRefused("bad_request", "The request names no link.", 400) from None


def _problem(refusal: ExchangeRefused) -> web.Response:
    problem = _Problem(refusal.code, refusal.status, refusal.message, refusal.code)
    response = _json(msgspec.json.encode(problem), refusal.status, "application/problem+json")
    if isinstance(refusal, _TooMany):
        response.headers["Retry-After"] = str(refusal.retry_after_s)
    return response


def _json(body: bytes, status: int, content_type: str) -> web.Response:
    headers = {"Cache-Control": "no-store"}
    return web.Response(body=body, status=status, content_type=content_type, headers=headers)
