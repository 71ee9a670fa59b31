"""What a join page asks: what a link opens (`POST /join/open`), the tap (`POST /join/exchange`).

The secret comes in a small JSON body, never in an address. Opening consumes nothing; the tap takes
the seat and gives a call token, and the browser that made it is remembered by a cookie for this one
link. Every refusal is a problem document (RFC 9457) with a stable `code` and a sentence for the
person; only pages of our own origin may ask, and each address only so often.
"""

from __future__ import annotations

import math
import re
import time
from datetime import date
from typing import Annotated, Protocol, TypeVar

import msgspec
from aiohttp import web

from clinic_api.http.origin import is_own_page
from clinic_api.http.rate import Buckets, Rate

MAX_BODY_BYTES = 4096
# A whole clinic may sit behind one address; a secret of 192 bits cannot be guessed at any rate.
EXCHANGE_RATE = Rate(burst=120, per_s=4)
DEVICE_REMEMBERED_S = 7 * 86_400  # longer than a visit is open; the link ends with the visit

_SEAT = re.compile(r"([a-z2-7]{26})\.")
A = TypeVar("A", bound="_Opening")


class Invitation(msgspec.Struct, frozen=True):
    """What a link opens, told before the tap."""

    name: str  # of whom it is for
    clinic: str
    phone: str  # of the clinic; "" where it has none
    practitioner: str
    in_use: bool  # on some device; another one has to confirm
    only_sound: bool = False  # the visit is held without pictures


class Agreement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """To one text, as it was shown."""

    text_id: Annotated[str, msgspec.Meta(max_length=36)]
    sha256: Annotated[str, msgspec.Meta(max_length=64)]


class Text(msgspec.Struct, frozen=True):
    """What somebody has to agree to before they come in."""

    text_id: str
    sha256: str
    text: str


class Tap(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody comes in by a link. `device` is what the ticket of the first tap said."""

    secret: str
    client: str  # address
    device: str = ""
    birth_date: date | None = None
    confirmation: str = ""
    agrees: tuple[Agreement, ...] = ()


class JoinTicket(msgspec.Struct, frozen=True):
    """What a tap is answered with."""

    token: str
    name: str
    role: str
    device: str  # kept by the browser, to come back without confirming


class ExchangeRefused(Exception):
    """The link opens nothing: a stable code, a sentence, an HTTP status (404 unknown, 410 over)."""

    def __init__(self, code: str, message: str, status: int, phone: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.phone = phone  # of the clinic, whom to call about it


class ConsentNeeded(ExchangeRefused):
    """The seat is taken, but nobody comes in without having agreed to these texts."""

    def __init__(self, refused: ExchangeRefused, texts: tuple[Text, ...], device: str) -> None:
        super().__init__(refused.code, refused.message, refused.status, refused.phone)
        self.texts = texts
        self.device = device


class JoinDesk(Protocol):
    """Whoever knows the links. Both raise ExchangeRefused, `enter` also ConsentNeeded."""

    async def open(self, secret: str, client: str) -> Invitation: ...
    async def enter(self, tap: Tap) -> JoinTicket: ...


class _Opening(msgspec.Struct, forbid_unknown_fields=True):
    secret: Annotated[str, msgspec.Meta(min_length=1, max_length=512)]


class _Asked(_Opening, forbid_unknown_fields=True):
    birth_date: date | None = None
    confirmation: Annotated[str, msgspec.Meta(max_length=20)] = ""
    agrees: Annotated[tuple[Agreement, ...], msgspec.Meta(max_length=10)] = ()


class _Answer(msgspec.Struct):
    token: str
    name: str
    role: str


class _Problem(msgspec.Struct):
    """RFC 9457, with our `code` and the way out beside."""

    title: str
    status: int
    detail: str
    code: str
    phone: str = ""
    texts: tuple[Text, ...] = ()


class JoinRoutes:
    """The handlers with their common rate limit."""

    def __init__(self, desk: JoinDesk, rate: Rate = EXCHANGE_RATE) -> None:
        self._desk = desk
        self._buckets = Buckets(rate)

    async def open(self, request: web.Request) -> web.Response:
        try:
            self._check(request)
            asked = await _read(request, _Opening)
            invitation = await self._desk.open(asked.secret, _client(request))
        except ExchangeRefused as refusal:
            return _problem(refusal)
        return _json(msgspec.json.encode(invitation), 200, "application/json")

    async def exchange(self, request: web.Request) -> web.Response:
        try:
            self._check(request)
            asked = await _read(request, _Asked)
            cookie = _cookie_of(asked.secret)
            tap = Tap(
                secret=asked.secret,
                client=_client(request),
                device=request.cookies.get(cookie, ""),
                birth_date=asked.birth_date,
                confirmation=asked.confirmation,
                agrees=asked.agrees,
            )
            ticket = await self._desk.enter(tap)
        except ConsentNeeded as refusal:
            answered = _problem(refusal, refusal.texts)
            if cookie:
                _remember(answered, cookie, refusal.device)
            return answered
        except ExchangeRefused as refusal:
            return _problem(refusal)
        answer = _Answer(ticket.token, ticket.name, ticket.role)
        response = _json(msgspec.json.encode(answer), 200, "application/json")
        if cookie and ticket.device:
            _remember(response, cookie, ticket.device)
        return response

    def _check(self, request: web.Request) -> None:
        wait_s = self._buckets.take(_client(request), time.monotonic())
        if wait_s:
            raise _TooMany(wait_s)
        if not is_own_page(request):
            raise ExchangeRefused("foreign_origin", "Please open the link on its own page.", 403)
        if request.content_type != "application/json":
            raise ExchangeRefused("not_json", "The request has to be JSON.", 415)


class _TooMany(ExchangeRefused):
    def __init__(self, wait_s: float) -> None:
        super().__init__("too_many_requests", "Too many tries. Please wait a minute.", 429)
        self.retry_after_s = math.ceil(wait_s)


def _client(request: web.Request) -> str:
    return str(request.get("client", ""))


def _cookie_of(secret: str) -> str:
    """The cookie of the link's seat, which the secret names before its dot; "" for another."""
    seat = _SEAT.match(secret)
    return f"__Host-seat-{seat[1]}" if seat else ""


def _remember(response: web.Response, cookie: str, device: str) -> None:
    response.set_cookie(
        cookie,
        device,
        max_age=DEVICE_REMEMBERED_S,
        path="/",
        secure=True,
        httponly=True,
        samesite="Lax",
    )


async def _read(request: web.Request, kind: type[A]) -> A:
    body = await request.content.read(MAX_BODY_BYTES + 1)
    while len(body) <= MAX_BODY_BYTES and (more := await request.content.read(MAX_BODY_BYTES)):
        body += more
    if len(body) > MAX_BODY_BYTES:
        raise ExchangeRefused("too_large", "The request is too large.", 413)
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.MsgspecError:
        raise ExchangeRefused("bad_request", "The request names no link.", 400) from None


def _problem(refusal: ExchangeRefused, texts: tuple[Text, ...] = ()) -> web.Response:
    problem = _Problem(
        refusal.code, refusal.status, refusal.message, refusal.code, refusal.phone, texts
    )
    response = _json(msgspec.json.encode(problem), refusal.status, "application/problem+json")
    if isinstance(refusal, _TooMany):
        response.headers["Retry-After"] = str(refusal.retry_after_s)
    return response


def _json(body: bytes, status: int, content_type: str) -> web.Response:
    headers = {"Cache-Control": "no-store"}
    return web.Response(body=body, status=status, content_type=content_type, headers=headers)
