"""What every page of the clinic does first: find out who asks, and answer in the house's style.

A page is a function `(request, visitor) → response`; `Desk.page` makes a handler of it. It reads
the session's cookie, checks the origin and the form's token of what is posted, and turns refusals
into pages: to sign-in where that helps, else a sentence with a way out. Where what is posted needs
a fresh second factor, that is asked at once, and what was posted is kept and then done.
"""

from __future__ import annotations

import hmac
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote
from zoneinfo import ZoneInfo

import msgspec
from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined

from clinic_api.actor import STAFF, STRANGER, Actor
from clinic_api.auth import flows
from clinic_api.auth.names import NamesOf, names_of
from clinic_api.auth.service import ShowCode
from clinic_api.db import Database
from clinic_api.errors import Refused
from clinic_api.guarded import check_at
from clinic_api.http.answering import put_session
from clinic_api.http.authentication import Authenticate
from clinic_api.http.origin import check_origin
from clinic_api.organisation.model import Organisation, ReadOrganisation
from clinic_api.organisation.service import read_organisation
from web.forms import Form, is_secret, posted_fields, read_form
from web.portal import words
from web.portal.asking import NEXT, credentials_of_page, page_of

MAX_CODE_CHARS = 40
STEP_UP_CODE = "step_up_code"  # the field of the page that asks for it
_WRONG_CODE = {"bad_code", "too_many_requests"}
_ELSEWHERE = {  # refusals that another page mends
    "sign_in_needed": "/sign-in",
    "second_factor_needed": "/sign-in/code",
    "enrolment_needed": "/account/factor",
}
_UNFINISHED = {"unfinished": "/sign-", "enrolling": "/account/factor"}  # role → its pages
_MENU = (
    ("/visits", "Visits", frozenset({"doctor", "nurse", "desk", "admin", "patient"})),
    ("/patients", "Patients", frozenset({"doctor", "nurse", "desk", "billing", "admin"})),
    ("/users", "People who sign in", frozenset({"admin"})),
    ("/messages", "Messages", frozenset({"admin", "desk"})),
    ("/audit", "Audit", frozenset({"admin"})),
    ("/account", "Your account", STAFF | {"patient"}),
)


class Visitor(msgspec.Struct, frozen=True):
    """Who asks for a page."""

    actor: Actor
    clinic: Organisation
    csrf: str  # for forms; "" without a session

    @property
    def is_signed_in(self) -> bool:
        return self.actor.kind == "user"

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.clinic.time_zone or "UTC")


# With no-referrer a browser says of its own forms `Origin: null` (Fetch 3.2); secrets stand in
# fragments, which no Referer carries.
_HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "same-origin"}

T = TypeVar("T")
Page = Callable[[web.Request, Visitor], Awaitable[web.StreamResponse]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Desk:
    """Shared by all pages."""

    def __init__(self, database: Database, authenticate: Authenticate) -> None:
        self.database = database
        self._authenticate = authenticate
        self._templates = Environment(
            loader=PackageLoader("web"), autoescape=True, undefined=StrictUndefined
        )
        self._templates.globals["say"] = words

    async def names(self, visitor: Visitor, ids: frozenset[str]) -> dict[str, str]:
        """What staff of these ids are called."""
        if not ids:
            return {}
        command = NamesOf(ids)
        return await self.database.read(lambda tx: names_of(tx, visitor.actor, command).names)

    def page(self, show: Page, action: str = "", *, open_to_all: bool = False) -> Handler:
        """A handler. Whether the role may do `action` is checked before any form is read;
        `open_to_all` pages are shown to strangers too, with what they may see."""

        async def handle(request: web.Request) -> web.StreamResponse:
            visitor = await self._visitor(request, STRANGER)
            try:
                visitor = await self._recognise(request, visitor, open_to_all)
                return await self._shown(request, visitor, show, action)
            except Refused as refused:
                return self.refuse(request, visitor, refused)

        return handle

    def render(
        self,
        request: web.Request,
        visitor: Visitor,
        template: str,
        *,
        status: int = 200,
        **values: Any,
    ) -> web.Response:
        """A page that no cache keeps."""
        text = self._templates.get_template(template).render(
            who=visitor.is_signed_in,
            staff=visitor.actor.is_staff,
            clinic=visitor.clinic.name,
            phone=visitor.clinic.phone,
            sends_mail=self.database.sends_mail,
            csrf=visitor.csrf,
            menu=[(path, text) for path, text, roles in _MENU if roles & visitor.actor.roles],
            here=request.path,
            local=local_times(visitor.zone),
            **values,
        )
        return web.Response(
            text=text,
            status=status,
            content_type="text/html",
            charset="utf-8",
            headers=_HEADERS,
        )

    def refuse(
        self, request: web.Request, visitor: Visitor, refused: Refused
    ) -> web.StreamResponse:
        """The page of a refusal, or the way to where it is mended."""
        elsewhere = _ELSEWHERE.get(refused.code)
        if elsewhere is not None and elsewhere != request.path:
            return redirect(f"{elsewhere}?{NEXT}={quote(page_of(request))}")
        answer = self.render(
            request, visitor, "refused.html", status=refused.status, message=refused.message
        )
        if refused.retry_after_s is not None:
            answer.headers["Retry-After"] = str(refused.retry_after_s)
        return answer

    def check_form(self, visitor: Visitor, sent: Mapping[str, str]) -> None:
        """Raises Refused(foreign_origin) where the form is not one of this session's."""
        if not hmac.compare_digest(sent.get("csrf", "").encode(), visitor.csrf.encode()):
            raise Refused("foreign_origin", "The page was too old. Please go back and try again.")

    async def form(self, request: web.Request, visitor: Visitor, kind: type[T]) -> Form[T]:
        """What was posted by a form of this session. Raises Refused(foreign_origin)."""
        form = await read_form(request, kind)
        self.check_form(visitor, form.sent)
        return form

    async def _shown(
        self, request: web.Request, visitor: Visitor, show: Page, action: str
    ) -> web.StreamResponse:
        try:
            if action:
                await self._check(action, visitor.actor)
            return await show(request, visitor)
        except Refused as refused:
            if refused.code != "step_up_needed" or request.method != "POST":
                raise
        return await self._step_up(request, visitor, show)

    async def _check(self, action: str, actor: Actor) -> None:
        """Raises Refused, audited."""
        await self.database.read(lambda tx: check_at(action, actor, tx.now))

    async def _step_up(
        self, request: web.Request, visitor: Visitor, show: Page
    ) -> web.StreamResponse:
        """Asks for the code with all that was posted kept, less the secrets; once it is right, what
        was asked for is done."""
        posted = await posted_fields(request)
        self.check_form(visitor, posted)
        code, wrong = posted.get(STEP_UP_CODE, ""), Refused("step_up_needed")
        if code:
            try:
                await flows.step_up(self.database, visitor.actor, ShowCode(code[:MAX_CODE_CHARS]))
            except Refused as refused:
                if refused.code not in _WRONG_CODE:
                    raise
                wrong = refused
            else:
                return await show(request, await self._recognise(request, visitor, False))
        kept = {name: value for name, value in posted.items() if not is_secret(name)}
        return self.render(
            request,
            visitor,
            "step_up.html",
            status=wrong.status,
            message=wrong.message if code else "",
            kept=kept,
        )

    async def _visitor(self, request: web.Request, actor: Actor) -> Visitor:
        credentials = credentials_of_page(request)
        actor = msgspec.structs.replace(actor, client=credentials.client)
        clinic = await self.database.read(
            lambda tx: read_organisation(tx, STRANGER, ReadOrganisation())
        )
        csrf = self.database.keys.token("csrf", actor.session_id) if actor.session_id else ""
        return Visitor(actor, clinic, csrf)

    async def _recognise(
        self, request: web.Request, stranger: Visitor, open_to_all: bool
    ) -> Visitor:
        credentials = credentials_of_page(request)
        check_origin(request, credentials)
        if credentials.session is None:
            if not open_to_all:
                raise Refused("sign_in_needed")
            return stranger
        actor = await self._authenticate(credentials)
        if actor.kind != "user" and not open_to_all:
            raise Refused("sign_in_needed")
        for role, step in _UNFINISHED.items():
            if role in actor.roles and not (open_to_all or request.path.startswith(step)):
                raise Refused(
                    "second_factor_needed" if role == "unfinished" else "enrolment_needed"
                )
        return await self._visitor(request, actor)


class Pages(ABC):
    """Pages about one thing: their functions, on the desk that all share."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @abstractmethod
    def add_routes(self, app: web.Application) -> None:
        """Adds every page."""

    def _add_open(self, app: web.Application, path: str, ask: Page, take: Page) -> None:
        """A form that strangers see, and what takes it."""
        app.router.add_get(path, self._desk.page(ask, open_to_all=True))
        app.router.add_post(path, self._desk.page(take, open_to_all=True))


def redirect(path: str, *, session: str | None = None) -> web.Response:
    """To another page of ours after a post (303); with `session`, signed in."""
    response = web.Response(status=303, headers={"Location": path, "Cache-Control": "no-store"})
    if session is not None:
        put_session(response, session)
    return response


def local_times(zone: ZoneInfo) -> Callable[[datetime], str]:
    """Instants as the clinic's clock shows them."""

    def shown(at: datetime) -> str:
        return at.astimezone(zone).strftime("%d %b %Y, %H:%M:%S")

    return shown
