"""A doctor's visits: the list, an instant visit in one form, one visit with its links and times."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from aiohttp import web
from msgspec import Meta

from clinic_api.actions import ACTIONS
from clinic_api.errors import Refused
from clinic_api.guarded import relations
from clinic_api.visits.before_entering import stand_before
from clinic_api.visits.call_quality import QualityOf, read_quality
from clinic_api.visits.chat import ReadChat, read_chat
from clinic_api.visits.invitations import OneSeat, renew_link, revoke, show_link
from clinic_api.visits.seats import Link
from clinic_api.visits.service import (
    CreateInstantVisit,
    ListVisits,
    OneVisit,
    create_instant_visit,
    end_visit,
    list_visits,
    read_visit,
)
from clinic_api.visits.views import VisitView
from web.forms import Form, failed, read_form
from web.portal.desk import Desk, Visitor, redirect
from web.portal.posted import Posted
from web.portal.quality import BAR_TOP, STRIP_POINTS, QualityShown, shown
from web.portal.standing import clock, second, standing


class InstantForm(msgspec.Struct, frozen=True):
    """Who is called; nothing but the name is needed."""

    name: Annotated[str, Meta(max_length=200, extra={"wrong": "At most 200 characters."})]
    phone: Annotated[str, Meta(max_length=40)] = ""
    email: Annotated[str, Meta(max_length=254)] = ""
    modality: Literal["video", "audio"] = "video"
    csrf: str = ""


class VisitPages:
    """Made once, by `add_portal`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_routes(self, app: web.Application) -> None:
        desk, add = self._desk, app.router
        add.add_get("/visits", desk.page(self._board, "visit.list"))
        add.add_post("/visits/new", desk.page(self._begin, "visit.create"))
        add.add_get("/visits/{visit_id}", desk.page(self._visit, "visit.read"))
        add.add_get("/visits/{visit_id}/link", desk.page(self._patients_link, "visit.show_link"))
        add.add_get("/visits/{visit_id}/call", desk.page(self._call, "visit.enter"))
        add.add_post("/visits/{visit_id}/end", desk.page(self._end, "visit.end"))
        add.add_post(
            "/visits/{visit_id}/seats/{participant_id}/link",
            desk.page(self._link, "visit.show_link"),
        )
        add.add_post(
            "/visits/{visit_id}/seats/{participant_id}/renew",
            desk.page(self._renew, "visit.renew_link"),
        )
        add.add_post(
            "/visits/{visit_id}/seats/{participant_id}/revoke",
            desk.page(self._revoke, "visit.revoke"),
        )

    async def _board(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        return await self._show_board(request, visitor)

    async def _show_board(
        self, request: web.Request, visitor: Visitor, form: Form[InstantForm] | None = None
    ) -> web.Response:
        found = await self._desk.database.read(
            lambda tx: list_visits(tx, visitor.actor, ListVisits())
        )
        now = self._desk.database.now()
        return self._desk.render(
            request,
            visitor,
            "visits.html",
            status=422 if form else 200,
            visits=found.items,
            standing=standing,
            now=now,
            clock=clock(visitor.zone, now),
            form=form,
            may_begin=visitor.actor.practitioner_id is not None,
        )

    async def _begin(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        form = await read_form(request, InstantForm)
        self._desk.check_form(visitor, form.sent)
        said = form.value
        if said is None:
            return await self._show_board(request, visitor, form)
        command = CreateInstantVisit(
            name=said.name, phone=said.phone, email=said.email, modality=said.modality
        )
        try:
            made = await self._desk.database.write(
                lambda tx: create_instant_visit(tx, visitor.actor, command)
            )
        except Refused as refused:
            if not refused.fields:
                raise
            return await self._show_board(request, visitor, failed(form, refused.fields))
        return redirect(f"/visits/{made.id}/link")  # a reload makes no second visit

    async def _patients_link(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        """The visit with the link of its patient, shown at once."""
        visit_id = request.match_info["visit_id"]
        visit = await self._desk.database.read(
            lambda tx: read_visit(tx, visitor.actor, OneVisit(visit_id))
        )
        patient = next((seat for seat in visit.participants if seat.role == "patient"), None)
        if patient is None or patient.revoked:
            return redirect(f"/visits/{visit_id}")
        seat = OneSeat(visit_id=visit_id, participant_id=patient.id)
        link = await self._desk.database.read(lambda tx: show_link(tx, visitor.actor, seat))
        return await self._show_visit(request, visitor, visit, link)

    async def _visit(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        command = OneVisit(request.match_info["visit_id"])
        visit = await self._desk.database.read(lambda tx: read_visit(tx, visitor.actor, command))
        return await self._show_visit(request, visitor, visit)

    async def _show_visit(
        self, request: web.Request, visitor: Visitor, visit: VisitView, link: Link | None = None
    ) -> web.Response:
        """The link is shown where it was asked for; it is no part of the page's address."""
        return self._desk.render(
            request,
            visitor,
            "visit.html",
            visit=visit,
            standing=standing(visit),
            clock=clock(visitor.zone, self._desk.database.now()),
            link=link,
            chat=await self._chat(visitor, visit),
            quality=await self._quality(visitor, visit),
            second=second(visitor.zone),
            bar_top=BAR_TOP,
        )

    async def _chat(self, visitor: Visitor, visit: VisitView) -> tuple[object, ...]:
        """Nothing for those who may not read it: it is for who treats."""
        who = visitor.actor.practitioner_id
        treats = who is not None and who == visit.practitioner_id
        if not (treats and relations(ACTIONS["visit.read_chat"], visitor.actor)):
            return ()
        command = ReadChat(visit_id=visit.id)
        found = await self._desk.database.read(lambda tx: read_chat(tx, visitor.actor, command))
        return found.items

    async def _quality(self, visitor: Visitor, visit: VisitView) -> QualityShown | None:
        """None for those who may not read it."""
        if not relations(ACTIONS["visit.read_quality"], visitor.actor):
            return None
        command = QualityOf(visit.id, STRIP_POINTS)
        database = self._desk.database
        found = await database.read(lambda tx: read_quality(tx, visitor.actor, command))
        return shown(found, visit, database.now())

    async def _call(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        command = OneVisit(request.match_info["visit_id"])
        door = await self._desk.database.read(lambda tx: stand_before(tx, visitor.actor, command))
        return self._desk.render(request, visitor, "call.html", door=door)

    async def _end(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        self._desk.check_form(visitor, (await read_form(request, Posted)).sent)
        command = OneVisit(request.match_info["visit_id"])
        await self._desk.database.write(lambda tx: end_visit(tx, visitor.actor, command))
        return redirect(f"/visits/{command.visit_id}")

    async def _link(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        seat = await self._seat(request, visitor)
        link = await self._desk.database.read(lambda tx: show_link(tx, visitor.actor, seat))
        return await self._with_link(request, visitor, seat.visit_id, link)

    async def _renew(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        seat = await self._seat(request, visitor)
        link = await self._desk.database.write(lambda tx: renew_link(tx, visitor.actor, seat))
        return await self._with_link(request, visitor, seat.visit_id, link)

    async def _revoke(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        seat = await self._seat(request, visitor)
        await self._desk.database.write(lambda tx: revoke(tx, visitor.actor, seat))
        return redirect(f"/visits/{seat.visit_id}")

    async def _seat(self, request: web.Request, visitor: Visitor) -> OneSeat:
        self._desk.check_form(visitor, (await read_form(request, Posted)).sent)
        return OneSeat(
            visit_id=request.match_info["visit_id"],
            participant_id=request.match_info["participant_id"],
        )

    async def _with_link(
        self, request: web.Request, visitor: Visitor, visit_id: str, link: Link
    ) -> web.Response:
        visit = await self._desk.database.read(
            lambda tx: read_visit(tx, visitor.actor, OneVisit(visit_id))
        )
        return await self._show_visit(request, visitor, visit, link)
