"""Messages that have not left, and why; each to copy, print or show, without a mail server."""

from __future__ import annotations

from aiohttp import web

from clinic_api.errors import Refused
from clinic_api.mail.service import ShowMessage, show
from clinic_api.outbox import (
    ChangeMessage,
    ListMessages,
    list_messages,
    retry,
    sees,
    withdraw,
)
from clinic_api.outbox_states import State
from web.forms import read_form
from web.portal.desk import Desk, Visitor, redirect
from web.portal.posted import Posted

WORDS = {
    "account.invitation": "invitation to an account",
    "account.reset_password": "new password",
    "account.verify_email": "confirmation of an address",
    "account.factor_changed": "news of a changed sign-in",
    "patient.claim": "invitation to a record",
    "visit.invitation": "link to a visit",
    "visit.link_recovery": "lost link",
}
STATES: dict[State, str] = {
    "queued": "waits",
    "leased": "is being sent",
    "failed": "not sent yet, is tried again",
    "dead": "could not be sent",
}


class MessageForm(Posted, frozen=True, kw_only=True):
    """Which version of the message the page showed."""

    version: int


class MessagePages:
    """Made once, by `add_portal`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_routes(self, app: web.Application) -> None:
        desk, add = self._desk, app.router
        add.add_get("/messages", desk.page(self._list, "outbox.list"))
        add.add_post("/messages/{message_id}/show", desk.page(self._show, "outbox.show"))
        add.add_post("/messages/{message_id}/retry", desk.page(self._retry, "outbox.retry"))
        add.add_post(
            "/messages/{message_id}/withdraw", desk.page(self._withdraw, "outbox.withdraw")
        )

    async def _list(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        found = await self._desk.database.read(
            lambda tx: list_messages(tx, visitor.actor, ListMessages())
        )
        expired = await self._desk.database.read(
            lambda tx: list_messages(tx, visitor.actor, ListMessages(state="expired"))
        )
        return self._desk.render(
            request,
            visitor,
            "messages.html",
            messages=found.items,
            expired=expired.items,
            sees_all="staff" in sees(visitor.actor),
            words=WORDS,
            states=STATES,
        )

    async def _show(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        self._desk.check_form(visitor, (await read_form(request, Posted)).sent)
        command = ShowMessage(request.match_info["message_id"])
        shown = await self._desk.database.read(lambda tx: show(tx, visitor.actor, command))
        return self._desk.render(request, visitor, "message.html", message=shown)

    async def _retry(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        change = await self._change(request, visitor)
        await self._desk.database.write(lambda tx: retry(tx, visitor.actor, change))
        return redirect("/messages")

    async def _withdraw(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        change = await self._change(request, visitor)
        await self._desk.database.write(lambda tx: withdraw(tx, visitor.actor, change))
        return redirect("/messages")

    async def _change(self, request: web.Request, visitor: Visitor) -> ChangeMessage:
        """Over the version that the list showed. Raises Refused(stale)."""
        form = await read_form(request, MessageForm)
        self._desk.check_form(visitor, form.sent)
        if form.value is None:
            raise Refused("stale")
        return ChangeMessage(id=request.match_info["message_id"], version=form.value.version)
