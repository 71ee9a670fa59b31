"""Patients: found by name or contact, each with a page, whose details may be put right.

What is searched for is posted, because addresses end up in histories and logs.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta
from msgspec.structs import replace

from clinic_api.actions import ACTIONS
from clinic_api.actor import Actor
from clinic_api.audit.service import AccessEntry, ReadAccessLog, read_access_log
from clinic_api.directory.model import EmergencyContact, Patient, PatientDetails, Sex
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
from web.portal.desk import Pages, Visitor, redirect
from web.portal.posted import Posted

MAX_CONTACTS = 5  # of each kind: PatientDetails
_Contacts = Annotated[str, Meta(max_length=1400)]  # five e-mail addresses, a line each
_Line = Annotated[str, Meta(max_length=200, extra={"wrong": "At most 200 characters."})]
_Short = Annotated[str, Meta(max_length=100, extra={"wrong": "At most 100 characters."})]
_Phone = Annotated[str, Meta(max_length=40, extra={"wrong": "At most 40 characters."})]


class SearchForm(Posted, frozen=True, kw_only=True):
    text: Annotated[str, Meta(max_length=200, extra={"wrong": "At most 200 characters."})] = ""
    cursor: Annotated[str, Meta(max_length=400)] = ""


class PatientForm(msgspec.Struct, frozen=True, kw_only=True):
    """What may be put right here; whose own record it is does not send the first three."""

    name: _Line = ""
    birth_date: Annotated[date | None, Meta(extra={"wrong": "Please write a date."})] = None
    sex: Sex = "unknown"
    phones: _Contacts = ""
    emails: _Contacts = ""
    emergency_name: _Line = ""
    emergency_phone: _Phone = ""
    emergency_relationship: _Short = ""
    version: int
    csrf: str = ""


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
        return self._show_form(request, visitor, patient, Form(_fields(patient)))

    async def _change(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        form = await self._desk.form(request, visitor, PatientForm)
        patient = await self._read(request, visitor)
        if form.value is None:
            return self._show_form(request, visitor, patient, form)
        command = _command(patient, form.value, is_staff=visitor.actor.is_staff)
        try:
            _check_contacts(command)
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
        form: Form[PatientForm],
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
        )


def _may_change(actor: Actor, patient: Patient) -> bool:
    """For those who may read it: the relations of both actions are the same."""
    return patient.state != "merged" and bool(relations(ACTIONS["patient.change"], actor))


def _fields(patient: Patient) -> dict[str, str]:
    """The record as the form shows it."""
    details = patient.details
    return {
        "name": details.name,
        "birth_date": details.birth_date.isoformat() if details.birth_date else "",
        "sex": details.sex,
        "phones": "\n".join(details.phones),
        "emails": "\n".join(details.emails),
        "emergency_name": details.emergency.name,
        "emergency_phone": details.emergency.phone,
        "emergency_relationship": details.emergency.relationship,
        "version": str(patient.version),
    }


def _command(patient: Patient, said: PatientForm, *, is_staff: bool) -> ChangePatient:
    """What the form does not have stays as it is; so does who the patient is, but for staff."""
    emergency = EmergencyContact(
        name=said.emergency_name,
        phone=said.emergency_phone,
        relationship=said.emergency_relationship,
    )
    details = replace(
        patient.details,
        phones=tuple(line for line in said.phones.splitlines() if line.strip()),
        emails=tuple(said.emails.split()),
        emergency=emergency,
    )
    if is_staff:
        details = replace(details, name=said.name, birth_date=said.birth_date, sex=said.sex)
    values = {name: getattr(details, name) for name in PatientDetails.__struct_fields__}
    return ChangePatient(patient_id=patient.id, version=said.version, **values)


def _check_contacts(command: ChangePatient) -> None:
    """Raises Refused(invalid)."""
    many = {
        name: f"At most {MAX_CONTACTS}."
        for name in ("phones", "emails")
        if len(getattr(command, name)) > MAX_CONTACTS
    }
    if many:
        raise Refused("invalid", fields=many)
