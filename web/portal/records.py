"""A patient's record as far as it goes now, who looked at it, and the audit of everything."""

from __future__ import annotations

from aiohttp import web

from clinic_api.audit.flows import verify_audit
from clinic_api.audit.service import (
    AccessEntry,
    ReadAccessLog,
    ReadAudit,
    VerifyAudit,
    read_access_log,
    read_audit,
)
from clinic_api.auth.names import NamesOf, names_of
from clinic_api.directory.service import OnePatient, read_patient
from web.forms import read_form
from web.portal.desk import Desk, Visitor
from web.portal.posted import Posted

MAX_FILTER_CHARS = 100


class RecordPages:
    """Made once, by `add_portal`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_routes(self, app: web.Application) -> None:
        desk, add = self._desk, app.router
        add.add_get("/patients/{patient_id}", desk.page(self._patient, "patient.read"))
        add.add_get("/audit", desk.page(self._audit, "audit.read"))
        add.add_post("/audit/verify", desk.page(self._verify, "audit.verify"))

    async def _patient(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        patient_id, actor = request.match_info["patient_id"], visitor.actor
        database = self._desk.database
        patient = await database.read(lambda tx: read_patient(tx, actor, OnePatient(patient_id)))
        seen: tuple[AccessEntry, ...] = ()
        if actor.roles & {"admin"} or patient_id in actor.patient_ids:
            command = ReadAccessLog(patient_id=patient_id)
            log = await database.read(lambda tx: read_access_log(tx, actor, command))
            seen = log.items
        names = await self._names(visitor, frozenset(each.actor_id for each in seen))
        return self._desk.render(
            request, visitor, "patient.html", patient=patient, seen=seen, names=names
        )

    async def _audit(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        return await self._show_audit(request, visitor, "")

    async def _verify(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        self._desk.check_form(visitor, (await read_form(request, Posted)).sent)
        verdict = await verify_audit(self._desk.database, visitor.actor, VerifyAudit())
        return await self._show_audit(request, visitor, verdict.sentence)

    async def _show_audit(
        self, request: web.Request, visitor: Visitor, verdict: str
    ) -> web.Response:
        query, actor = request.query, visitor.actor
        command = ReadAudit(
            patient_id=query.get("patient", "")[:MAX_FILTER_CHARS],
            actor_id=query.get("actor", "")[:MAX_FILTER_CHARS],
            action=query.get("action", "")[:MAX_FILTER_CHARS],
            cursor=query.get("after", "")[:400],
        )
        found = await self._desk.database.read(lambda tx: read_audit(tx, actor, command))
        names = await self._names(visitor, frozenset(each.actor_id for each in found.items))
        return self._desk.render(
            request,
            visitor,
            "audit.html",
            rows=found.items,
            following=found.next,
            wanted=command,
            names=names,
            verdict=verdict,
        )

    async def _names(self, visitor: Visitor, ids: frozenset[str]) -> dict[str, str]:
        if not ids:
            return {}
        command = NamesOf(ids)
        return await self._desk.database.read(lambda tx: names_of(tx, visitor.actor, command).names)
