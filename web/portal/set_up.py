"""The first run: one form, opened by the one-time link that the console prints."""

from __future__ import annotations

from functools import cache
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from clinic_api.errors import Refused
from clinic_api.journeys import set_up as journey
from web.currencies import currencies, currency_of
from web.forms import Form, failed, read_form
from web.places import countries, zones, zones_of
from web.portal.asking import device_of
from web.portal.desk import Pages, Visitor, redirect

PLEASE_CHOOSE = ("", "Please choose")
Text = Annotated[str, Meta(max_length=1024)]


class SetUpForm(msgspec.Struct, frozen=True):
    """The clinic and its first doctor; the service says of every field at once what is wrong."""

    name: Text = ""
    phone: Text = ""
    country: Text = ""
    time_zone: Text = ""
    currency: Text = ""
    display_name: Text = ""
    login: Text = ""
    password: Text = ""
    token: Text = ""


class SetUpPages(Pages):
    def add_routes(self, app: web.Application) -> None:
        self._add_open(app, "/set-up", self._ask, self._set_up)

    async def _ask(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        if visitor.clinic.state == "ready":
            return redirect("/sign-in")
        return self._show(request, visitor)

    async def _set_up(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        form = await read_form(request, SetUpForm)
        if form.value is None:
            return self._show(request, visitor, form)
        said = form.value
        command = journey.SetUp(
            device=device_of(request),
            **{name: getattr(said, name) for name in SetUpForm.__struct_fields__},
        )
        try:
            done = await journey.set_up(self._desk.database, visitor.actor, command)
        except Refused as refused:
            return self._show(request, visitor, form, refused)
        return redirect("/account/factor", session=done.token)

    def _show(
        self,
        request: web.Request,
        visitor: Visitor,
        form: Form[SetUpForm] | None = None,
        refused: Refused | None = None,
    ) -> web.Response:
        errors = refused.fields if refused else {}
        return self._desk.render(
            request,
            visitor,
            "set_up.html",
            status=refused.status if refused else 422 if form else 200,
            form=failed(form, errors) if form and errors else form,
            token=form.sent["token"] if form else "",
            message=refused.message if refused and not errors else "",
            countries=(PLEASE_CHOOSE, *_countries()),
            zones=(PLEASE_CHOOSE, *zones()),
            currencies=(PLEASE_CHOOSE, *currencies()),
        )


@cache
def _countries() -> tuple[tuple[str, str, dict[str, str]], ...]:
    """Code, name, and what the page suggests by it."""
    return tuple(
        (code, name, {"data-zones": " ".join(zones_of(code)), "data-currency": currency_of(code)})
        for code, name in countries()
    )
