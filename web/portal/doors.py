"""For patients: a code instead of a link, a lost link, an account, a record to take over."""

from __future__ import annotations

import math
import time
from datetime import date
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from clinic_api.auth import entry
from clinic_api.directory.claiming import Claim
from clinic_api.directory.flows import claim
from clinic_api.errors import Refused
from clinic_api.http.rate import Buckets, Rate
from clinic_api.visits.by_code import ByCode, link_by_code
from clinic_api.visits.inviting import RecoverLink, recover_link
from web.forms import Form, failed, read_form
from web.portal.desk import Desk, Pages, Visitor, redirect

GUESSING = Rate(burst=30, per_s=0.5)  # a clinic behind one address; a code has 38 bits


class CodeForm(msgspec.Struct, frozen=True):
    code: Annotated[str, Meta(max_length=40)]


class LostForm(msgspec.Struct, frozen=True):
    contact: Annotated[str, Meta(max_length=254)]


class RegisterForm(msgspec.Struct, frozen=True):
    display_name: Annotated[str, Meta(max_length=120)]
    email: Annotated[str, Meta(max_length=254)]


class ClaimForm(msgspec.Struct, frozen=True):
    birth_date: Annotated[date, Meta(extra={"wrong": "Please write the date of birth."})]
    token: Annotated[str, Meta(max_length=200)] = ""
    csrf: str = ""


class DoorPages(Pages):
    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._buckets = Buckets(GUESSING)

    def add_routes(self, app: web.Application) -> None:
        desk, add = self._desk, app.router
        self._add_open(app, "/code", self._ask_code, self._open_code)
        self._add_open(app, "/lost-link", self._ask_contact, self._recover)
        self._add_open(app, "/register", self._ask_name, self._register)
        add.add_get("/claim", desk.page(self._ask_birth_date, "patient.claim"))
        add.add_post("/claim", desk.page(self._claim, "patient.claim"))

    async def _ask_code(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        return self._desk.render(request, visitor, "visit_code.html", form=None)

    async def _open_code(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        self._count(visitor)
        form = await read_form(request, CodeForm)
        if form.value is None:
            return self._desk.render(request, visitor, "visit_code.html", status=422, form=form)
        command = ByCode(form.value.code)
        try:
            link = await self._desk.database.read(
                lambda tx: link_by_code(tx, visitor.actor, command)
            )
        except Refused as refused:
            again = failed(form, {"code": refused.message})
            return self._desk.render(
                request, visitor, "visit_code.html", status=refused.status, form=again
            )
        return redirect(link.path)

    async def _ask_contact(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        return self._desk.render(request, visitor, "lost_link.html", form=None, answer="")

    async def _recover(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        self._count(visitor)
        form = await read_form(request, LostForm)
        if form.value is None:
            return self._show_answer(request, visitor, "lost_link.html", form, "")
        command = RecoverLink(form.value.contact)
        asked = await self._desk.database.write(lambda tx: recover_link(tx, visitor.actor, command))
        return self._show_answer(request, visitor, "lost_link.html", form, asked.answer)

    async def _ask_name(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        return self._desk.render(request, visitor, "register.html", form=None, answer="")

    async def _register(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        form = await read_form(request, RegisterForm)
        if form.value is None:
            return self._show_answer(request, visitor, "register.html", form, "")
        command = entry.Register(email=form.value.email, display_name=form.value.display_name)
        try:
            asking = await self._desk.database.write(
                lambda tx: entry.register(tx, visitor.actor, command)
            )
        except Refused as refused:
            if not refused.fields:
                raise
            again = failed(form, refused.fields)
            return self._show_answer(request, visitor, "register.html", again, "")
        return self._show_answer(request, visitor, "register.html", form, asking.answer)

    def _show_answer(
        self,
        request: web.Request,
        visitor: Visitor,
        template: str,
        form: Form[LostForm] | Form[RegisterForm],
        answer: str,
    ) -> web.Response:
        status = 200 if answer else 422
        return self._desk.render(
            request, visitor, template, status=status, form=form, answer=answer
        )

    async def _ask_birth_date(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        return self._desk.render(request, visitor, "claim.html", form=None, token="", message="")

    async def _claim(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        form = await self._desk.form(request, visitor, ClaimForm)
        message = ""
        if form.value is not None:
            command = Claim(token=form.value.token, birth_date=form.value.birth_date)
            try:
                claimed = await claim(self._desk.database, visitor.actor, command)
            except Refused as refused:
                message = refused.message
            else:
                return redirect(f"/patients/{claimed.patient_id}")
        return self._desk.render(
            request,
            visitor,
            "claim.html",
            status=422,
            form=form,
            token=form.sent["token"],
            message=message,
        )

    def _count(self, visitor: Visitor) -> None:
        """Raises Refused(too_many_requests)."""
        wait_s = self._buckets.take(visitor.actor.client, time.monotonic())
        if wait_s:
            raise Refused("too_many_requests", retry_after_s=math.ceil(wait_s))
