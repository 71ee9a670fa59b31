"""The audit of everything, in words, for who answers for the clinic."""

from __future__ import annotations

from aiohttp import web

from clinic_api.audit.flows import verify_audit
from clinic_api.audit.service import ReadAudit, VerifyAudit, read_audit
from web.portal.desk import Pages, Visitor
from web.portal.posted import Posted
from web.portal.words import ACTIONS, OUTCOMES

MAX_FILTER_CHARS = 100


class AuditPages(Pages):
    def add_routes(self, app: web.Application) -> None:
        desk, add = self._desk, app.router
        add.add_get("/audit", desk.page(self._audit, "audit.read"))
        add.add_post("/audit/verify", desk.page(self._verify, "audit.verify"))

    async def _audit(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        return await self._show(request, visitor, "")

    async def _verify(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        await self._desk.form(request, visitor, Posted)
        verdict = await verify_audit(self._desk.database, visitor.actor, VerifyAudit())
        return await self._show(request, visitor, verdict.sentence)

    async def _show(self, request: web.Request, visitor: Visitor, verdict: str) -> web.Response:
        query, actor = request.query, visitor.actor
        command = ReadAudit(
            patient_id=query.get("patient", "")[:MAX_FILTER_CHARS],
            actor_id=query.get("actor", "")[:MAX_FILTER_CHARS],
            action=query.get("action", "")[:MAX_FILTER_CHARS],
            outcome=query.get("outcome", "")[:MAX_FILTER_CHARS],
            cursor=query.get("after", "")[:400],
        )
        found = await self._desk.database.read(lambda tx: read_audit(tx, actor, command))
        names = await self._desk.names(visitor, frozenset(each.actor_id for each in found.items))
        return self._desk.render(
            request,
            visitor,
            "audit.html",
            rows=found.items,
            following=found.next,
            wanted=command,
            names=names,
            verdict=verdict,
            actions=(("", "everything"), *sorted(ACTIONS.items(), key=lambda each: each[1])),
            outcomes=(("", "done or refused"), *OUTCOMES.items()),
        )
