"""Patients: found by name or contact, each with a page, whose details may be put right.

What is searched for is posted, because addresses end up in histories and logs.
"""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from msgspec import Meta

from clinic_api.actions import ACTIONS
from clinic_api.actor import Actor
from clinic_api.audit.service import AccessEntry, ReadAccessLog, read_access_log
from clinic_api.directory.model import Patient, PatientDetails
from clinic_api.directory.service import (
    ChangePatient,
    OnePatient,
    SearchPatients,
    change_patient,
    read_patient,
    search_patients,
)
from clinic_api.errors import Refused
from clinic_api.guarded import relations
from web.forms import Form, failed
from web.languages import languages
from web.places import countries
from web.portal.desk import Pages, Visitor, redirect
from web.portal.patient_form import CHANNELS, PatientForm, details_of, fields_of
from web.portal.posted import Posted


class SearchForm(Posted, frozen=True, kw_only=True):
    text: Annotated[str, Meta(max_length=200, extra={"wrong": "At most 200 characters."})] = ""
    cursor: Annotated[str, Meta(max_length=400)] = ""


class ChangePatientForm(PatientForm, frozen=True, kw_only=True):
    version: int


class PatientPages(Pages):
    def add_routes(self, app: web.Application) -> None:
        desk, add = self._desk, app.router
        add.add_get("/patients", desk.page(self._list, "patient.search"))
        add.add_post("/patients/search", desk.page(self._search, "patient.search"))
        add.add_get("/patients/{patient_id}", desk.page(self._patient, "patient.read"))
        add.add_get("/patients/{patient_id}/edit", desk.page(self._edit, "patient.change"))
        add.add_post("/patients/{patient_id}/edit", desk.page(self._change, "patient.change"))

    async def _list(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        return await self._show_list(request, visitor, SearchForm())

    async def _search(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        form = await self._desk.form(request, visitor, SearchForm)
        return await self._show_list(request, visitor, form.value or SearchForm(), form)

    async def _show_list(
        self,
        request: web.Request,
        visitor: Visitor,
        wanted: SearchForm,
        form: Form[SearchForm] | None = None,
    ) -> web.Response:
        command = SearchPatients(text=wanted.text, cursor=wanted.cursor)
        found = await self._desk.database.read(
            lambda tx: search_patients(tx, visitor.actor, command)
        )
        return self._desk.render(
            request,
            visitor,
            "patients.html",
            status=422 if form and form.errors else 200,
            patients=found.items,
            following=found.next,
            text=wanted.text,
            form=form,
            may_create=bool(relations(ACTIONS["patient.create"], visitor.actor)),
            only_own="any" not in relations(ACTIONS["patient.read"], visitor.actor),
        )

    async def _patient(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        patient = await self._read(request, visitor)
        seen = await self._seen(visitor.actor, patient.id)
        names = await self._desk.names(visitor, frozenset(each.actor_id for each in seen))
        return self._desk.render(
            request,
            visitor,
            "patient.html",
            patient=patient,
            language=dict(languages(patient.details.language))[patient.details.language],
            seen=seen,
            names=names,
            may_change=_may_change(visitor.actor, patient),
            may_audit=bool(relations(ACTIONS["audit.read"], visitor.actor)),
        )

    async def _seen(self, actor: Actor, patient_id: str) -> tuple[AccessEntry, ...]:
        """Who looked at it, for those who may know."""
        held = relations(ACTIONS["patient.access_log"], actor)
        if not ("any" in held or patient_id in actor.patient_ids):
            return ()
        command = ReadAccessLog(patient_id=patient_id)
        log = await self._desk.database.read(lambda tx: read_access_log(tx, actor, command))
        return log.items

    async def _read(self, request: web.Request, visitor: Visitor) -> Patient:
        command = OnePatient(request.match_info["patient_id"])
        return await self._desk.database.read(lambda tx: read_patient(tx, visitor.actor, command))

    async def _edit(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        patient = await self._read(request, visitor)
        sent = fields_of(patient.details) | {"version": str(patient.version)}
        return self._show_form(request, visitor, patient, Form(sent))

    async def _change(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        form = await self._desk.form(request, visitor, ChangePatientForm)
        patient = await self._read(request, visitor)
        if form.value is None:
            return self._show_form(request, visitor, patient, form)
        try:
            command = _command(patient, form.value, is_staff=visitor.actor.is_staff)
            await self._desk.database.write(lambda tx: change_patient(tx, visitor.actor, command))
        except Refused as refused:
            if refused.code not in {"invalid", "stale", "conflict"}:
                raise
            again = failed(form, refused.fields) if refused.fields else form
            return self._show_form(request, visitor, patient, again, refused)
        return redirect(f"/patients/{patient.id}")

    def _show_form(
        self,
        request: web.Request,
        visitor: Visitor,
        patient: Patient,
        form: Form[PatientForm] | Form[ChangePatientForm],
        refused: Refused | None = None,
    ) -> web.Response:
        return self._desk.render(
            request,
            visitor,
            "patient_edit.html",
            status=refused.status if refused else 422 if form.errors else 200,
            patient=patient,
            form=form,
            message=refused.message if refused and not refused.fields else "",
            channels=CHANNELS,
            countries=countries(),
            languages=languages(form.shown("language")),
        )


def _may_change(actor: Actor, patient: Patient) -> bool:
    """For those who may read it: the relations of both actions are the same."""
    return patient.state != "merged" and bool(relations(ACTIONS["patient.change"], actor))


def _command(patient: Patient, said: ChangePatientForm, *, is_staff: bool) -> ChangePatient:
    """What the form does not have stays as it is. Raises Refused(invalid)."""
    details = details_of(said, patient.details, is_staff=is_staff)
    values = {name: getattr(details, name) for name in PatientDetails.__struct_fields__}
    return ChangePatient(patient_id=patient.id, version=said.version, **values)
