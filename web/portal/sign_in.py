"""Into an account: password, second factor, its enrolment, links from mails, out again."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

import msgspec
from aiohttp import web
from msgspec import Meta

from clinic_api.auth import entry, flows
from clinic_api.auth.email import VerifyEmail, verify_email
from clinic_api.auth.service import Next, Nothing, ShowCode, SignedIn
from clinic_api.errors import Refused
from clinic_api.http.answering import put_session
from clinic_api.http.route import WithSession
from web.forms import Form, failed, read_form
from web.portal.asking import NEXT, device_of, wanted_next
from web.portal.desk import Pages, Visitor, redirect
from web.portal.posted import Code, CodeForm, Password, Posted

_NEXT: dict[Next, str] = {
    "second_factor": "/sign-in/code",
    "enrol_factor": "/account/factor",
    "nothing": "",
}
HOME = "/visits"
DONE = {  # what the page says to whom it was opened for
    "sign-out": "You are signed out.",
    "reset": "Your new password counts from now on. Please sign in with it.",
}
FIRST, NEW = "Choose your password", "Choose a new password"


class SignInForm(msgspec.Struct, frozen=True):
    login: Annotated[str, Meta(max_length=254)]
    password: Password


class TokenForm(msgspec.Struct, frozen=True):
    token: Annotated[str, Meta(max_length=200)] = ""


class ActivateForm(msgspec.Struct, frozen=True):
    """By the link of a mail (`token`), or by a name and the code from the desk."""

    password: Password
    token: Annotated[str, Meta(max_length=200)] = ""
    login: Annotated[str, Meta(max_length=254)] = ""
    code: Code = ""


class ForgotForm(msgspec.Struct, frozen=True):
    login: Annotated[str, Meta(max_length=254)]


class SignInPages(Pages):
    def add_routes(self, app: web.Application) -> None:
        self._add_open(app, "/sign-in", self._ask, self._sign_in)
        self._add_open(app, "/sign-in/code", self._ask_code, self._show_code)
        self._add_open(app, "/forgot", self._ask_login, self._send_link)
        self._add_open(app, "/activate", self._ask_first_password, self._activate)
        self._add_open(app, "/reset", self._ask_new_password, self._reset)
        self._add_open(app, "/verify", self._ask_to_verify, self._verify)
        sign_out = self._desk.page(self._sign_out, "account.sign_out")
        app.router.add_post("/sign-out", sign_out)

    # password

    async def _ask(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        if visitor.is_signed_in and visitor.actor.roles:
            return redirect(wanted_next(request, HOME))
        return self._show_sign_in(request, visitor)

    async def _sign_in(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        form = await read_form(request, SignInForm)
        if form.value is None:
            return self._show_sign_in(request, visitor, form)
        command = flows.SignIn(
            login=form.value.login, password=form.value.password, device=device_of(request)
        )
        try:
            done = await flows.sign_in(self._desk.database, visitor.actor, command)
        except Refused as refused:
            return self._show_sign_in(request, visitor, form, refused)
        return _go_on(request, done.result.next, done.token)

    def _show_sign_in(
        self,
        request: web.Request,
        visitor: Visitor,
        form: Form[SignInForm] | None = None,
        refused: Refused | None = None,
    ) -> web.Response:
        return self._desk.render(
            request,
            visitor,
            "sign_in.html",
            status=refused.status if refused else 422 if form else 200,
            form=form,
            message=refused.message if refused else "",
            done="" if form else DONE.get(request.query.get("done", ""), ""),
            action=_here(request),
        )

    # second factor

    async def _ask_code(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        return self._show_code_form(request, visitor)

    async def _show_code(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        form = await read_form(request, CodeForm)
        if form.value is None:
            return self._show_code_form(request, visitor, form)
        command = ShowCode(form.value.code)
        try:
            done = await flows.show_second_factor(self._desk.database, visitor.actor, command)
        except Refused as refused:
            if refused.code == "sign_in_needed":
                raise
            return self._show_code_form(request, visitor, form, refused)
        return _go_on(request, done.result.next, done.token)

    def _show_code_form(
        self,
        request: web.Request,
        visitor: Visitor,
        form: Form[CodeForm] | None = None,
        refused: Refused | None = None,
    ) -> web.Response:
        return self._desk.render(
            request,
            visitor,
            "code.html",
            status=refused.status if refused else 422 if form else 200,
            form=form,
            message=refused.message if refused else "",
            action=_here(request),
        )

    # links from mails

    async def _ask_login(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        return self._desk.render(request, visitor, "forgot.html", form=None, answer="")

    async def _send_link(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        form = await read_form(request, ForgotForm)
        if form.value is None:
            return self._desk.render(
                request, visitor, "forgot.html", status=422, form=form, answer=""
            )
        command = entry.AskReset(form.value.login)
        asking = await self._desk.database.write(
            lambda tx: entry.ask_reset(tx, visitor.actor, command)
        )
        return self._desk.render(request, visitor, "forgot.html", form=form, answer=asking.answer)

    async def _ask_first_password(
        self, request: web.Request, visitor: Visitor
    ) -> web.StreamResponse:
        return self._show_activation(request, visitor)

    async def _activate(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        form = await read_form(request, ActivateForm)
        if form.value is None:
            return self._show_activation(request, visitor, form)
        try:
            done = await self._activated(request, visitor, form.value)
        except Refused as refused:
            return self._show_activation(request, visitor, form, refused)
        return _go_on(request, done.result.next, done.token)

    async def _activated(
        self, request: web.Request, visitor: Visitor, said: ActivateForm
    ) -> WithSession[SignedIn]:
        device = device_of(request)
        if said.token:
            by_link = flows.ActivateByLink(token=said.token, password=said.password, device=device)
            return await flows.activate_by_link(self._desk.database, visitor.actor, by_link)
        by_code = flows.ActivateByCode(
            login=said.login, code=said.code, password=said.password, device=device
        )
        return await flows.activate_by_code(self._desk.database, visitor.actor, by_code)

    def _show_activation(
        self,
        request: web.Request,
        visitor: Visitor,
        form: Form[ActivateForm] | None = None,
        refused: Refused | None = None,
        title: str = FIRST,
    ) -> web.Response:
        errors = refused.fields if refused else {}
        return self._desk.render(
            request,
            visitor,
            "activate.html",
            title=title,
            action=request.path,
            status=refused.status if refused else 422 if form else 200,
            form=failed(form, errors) if form and errors else form,
            token=form.sent["token"] if form else "",
            message=refused.message if refused and not errors else "",
        )

    async def _ask_new_password(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        return self._show_activation(request, visitor, title=NEW)

    async def _reset(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        form = await read_form(request, ActivateForm)
        said = form.value
        if said is None:
            return self._show_activation(request, visitor, form, title=NEW)
        database, actor = self._desk.database, visitor.actor
        try:
            if said.token:
                by_link = flows.ResetPassword(token=said.token, password=said.password)
                await flows.reset_password(database, actor, by_link)
            else:
                by_code = flows.ResetByCode(
                    login=said.login, code=said.code, password=said.password
                )
                await flows.reset_by_code(database, actor, by_code)
        except Refused as refused:
            return self._show_activation(request, visitor, form, refused, title=NEW)
        return redirect("/sign-in?done=reset")

    async def _ask_to_verify(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        return self._desk.render(request, visitor, "verify.html", answer="")

    async def _verify(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        form = await read_form(request, TokenForm)
        command = VerifyEmail(form.sent["token"])
        await self._desk.database.write(lambda tx: verify_email(tx, visitor.actor, command))
        answer = "Thank you. This address is confirmed."
        return self._desk.render(request, visitor, "verify.html", answer=answer)

    async def _sign_out(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        await self._desk.form(request, visitor, Posted)
        await flows.sign_out(self._desk.database, visitor.actor, Nothing())
        answer = redirect("/sign-in?done=sign-out")
        put_session(answer, None)
        return answer


def _go_on(request: web.Request, following: Next, token: str | None) -> web.Response:
    """To the next step of signing in, or to where somebody wanted to go."""
    step = _NEXT[following]
    wanted = wanted_next(request, HOME)
    path = f"{step}?{NEXT}={quote(wanted)}" if step == "/sign-in/code" else step or wanted
    return redirect(path, session=token)


def _here(request: web.Request) -> str:
    """The form's address, with where to go afterwards."""
    wanted = wanted_next(request, "")
    return f"{request.path}?{NEXT}={quote(wanted)}" if wanted else request.path
