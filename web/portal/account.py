"""One's own account: the authenticator app, the password, where one is signed in."""

from __future__ import annotations

import asyncio

import msgspec
from aiohttp import web

from clinic_api.auth import factors, flows
from clinic_api.auth.account import Account, EndSession, end_session, list_sessions, read_account
from clinic_api.auth.service import Nothing
from clinic_api.errors import Refused
from clinic_api.http.answering import put_session
from web.forms import Form, failed
from web.portal.desk import Pages, Visitor, redirect
from web.portal.posted import CodeForm, Password, Posted

HOME = "/visits"
DONE = {  # what the page says after it was posted to
    "password": "Your password is changed. Elsewhere you are signed out.",
    "session": "That sign-in has ended.",
}
NOT_THIS_CODE = {
    "code": "This code is not right. Type the one that the app shows now; it changes every 30 s."
    " If it still is not, check that the phone’s clock is right."
}


class ChangePasswordForm(msgspec.Struct, frozen=True):
    present_password: Password
    password: Password
    csrf: str = ""


class BeginFactorForm(msgspec.Struct, frozen=True):
    """The password is asked of patients without an app."""

    present_password: Password = ""
    csrf: str = ""


class AccountPages(Pages):
    def add_routes(self, app: web.Application) -> None:
        desk, add = self._desk, app.router
        add.add_get("/account", desk.page(self._account, "account.read"))
        add.add_post("/account/password", desk.page(self._change_password, "account.change"))
        add.add_get("/account/factor", desk.page(self._offer_factor, "account.enrol_factor"))
        add.add_post("/account/factor/begin", desk.page(self._begin_factor, "account.enrol_factor"))
        add.add_post(
            "/account/factor/confirm", desk.page(self._confirm_factor, "account.enrol_factor")
        )
        add.add_post(
            "/account/recovery-codes", desk.page(self._renew_codes, "account.change_factor")
        )
        add.add_post(
            "/account/sessions/{session_id}/end",
            desk.page(self._end_session, "account.end_session"),
        )

    async def _offer_factor(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        return await self._show_offer(request, visitor)

    async def _show_offer(
        self, request: web.Request, visitor: Visitor, form: Form[BeginFactorForm] | None = None
    ) -> web.Response:
        actor = visitor.actor
        account: Account = await self._desk.database.read(
            lambda tx: read_account(tx, actor, Nothing())
        )
        return self._desk.render(
            request,
            visitor,
            "factor.html",
            status=422 if form else 200,
            enrolment=None,
            form=form,
            asks_password=account.next == "nothing" and not account.user.has_second_factor,
        )

    async def _begin_factor(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        form = await self._desk.form(request, visitor, BeginFactorForm)
        if form.value is None:
            return await self._show_offer(request, visitor, form)
        command = factors.BeginFactor(form.value.present_password)
        try:
            made = await flows.begin_enrolment(self._desk.database, visitor.actor, command)
        except Refused as refused:
            if refused.code != "bad_credentials":
                raise
            again = failed(form, {"present_password": refused.message})
            return await self._show_offer(request, visitor, again)
        return self._desk.render(request, visitor, "factor.html", enrolment=made, form=None)

    async def _confirm_factor(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        form = await self._desk.form(request, visitor, CodeForm)
        if form.value is None:
            return await self._show_factor_again(request, visitor, form)
        command = factors.ConfirmFactor(form.value.code)
        try:
            done = await flows.confirm_enrolment(self._desk.database, visitor.actor, command)
        except Refused as refused:
            if refused.code != "bad_code":
                raise
            return await self._show_factor_again(request, visitor, failed(form, NOT_THIS_CODE))
        answer = self._desk.render(
            request, visitor, "recovery_codes.html", codes=done.result.recovery_codes, on=HOME
        )
        put_session(answer, done.token)
        return answer

    async def _show_factor_again(
        self, request: web.Request, visitor: Visitor, form: Form[CodeForm]
    ) -> web.Response:
        """The same picture, which the app may have scanned already."""
        made = await self._desk.database.write(
            lambda tx: factors.show_enrolment(tx, visitor.actor, Nothing())
        )
        picture = await asyncio.to_thread(flows.qr_svg, made.uri)
        enrolment = flows.Enrolment(secret=made.secret, uri=made.uri, qr_svg=picture)
        return self._desk.render(
            request, visitor, "factor.html", status=422, enrolment=enrolment, form=form
        )

    async def _account(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        message = DONE.get(request.query.get("done", ""), "")
        return await self._show_account(request, visitor, done=message)

    async def _show_account(
        self,
        request: web.Request,
        visitor: Visitor,
        form: Form[ChangePasswordForm] | None = None,
        done: str = "",
    ) -> web.Response:
        actor, database = visitor.actor, self._desk.database
        account: Account = await database.read(lambda tx: read_account(tx, actor, Nothing()))
        sessions = await database.read(lambda tx: list_sessions(tx, actor, Nothing()))
        return self._desk.render(
            request,
            visitor,
            "account.html",
            status=422 if form else 200,
            account=account,
            sessions=sessions.items,
            form=form,
            done=done,
            own_records=sorted(actor.patient_ids),
        )

    async def _change_password(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        form = await self._desk.form(request, visitor, ChangePasswordForm)
        if form.value is None:
            return await self._show_account(request, visitor, form)
        command = flows.ChangePassword(
            present=form.value.present_password, password=form.value.password
        )
        try:
            await flows.change_password(self._desk.database, visitor.actor, command)
        except Refused as refused:
            again = failed(form, refused.fields or {"present_password": refused.message})
            return await self._show_account(request, visitor, again)
        return redirect("/account?done=password")

    async def _end_session(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        await self._desk.form(request, visitor, Posted)
        command = EndSession(request.match_info["session_id"])
        await self._desk.database.write(lambda tx: end_session(tx, visitor.actor, command))
        return redirect("/account?done=session")

    async def _renew_codes(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        await self._desk.form(request, visitor, Posted)
        made = await self._desk.database.write(
            lambda tx: factors.renew_recovery_codes(tx, visitor.actor, Nothing())
        )
        return self._desk.render(
            request, visitor, "recovery_codes.html", codes=made.recovery_codes, on="/account"
        )
