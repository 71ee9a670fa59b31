"""A new patient's record, made by staff; who may be there already is shown first."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from aiohttp import web
from msgspec import Meta

from clinic_api.directory.model import PatientDetails, PatientSummary
from clinic_api.directory.namesakes import Namesakes, find_namesakes
from clinic_api.directory.service import CreatePatient, create_patient
from clinic_api.errors import Refused
from web.forms import Form, failed
from web.languages import languages
from web.places import countries
from web.portal.desk import Pages, Visitor, redirect
from web.portal.patient_form import CHANNELS, PatientForm, details_of, fields_of


class NewPatientForm(PatientForm, frozen=True, kw_only=True):
    """`anyway`: not one of those who were shown."""

    name: Annotated[str, Meta(max_length=200, extra={"wrong": "At most 200 characters."})]
    birth_date: Annotated[date, Meta(extra={"wrong": "Please write a date."})]
    anyway: Literal["", "yes"] = ""


class NewPatientPages(Pages):
    def add_routes(self, app: web.Application) -> None:
        desk, add = self._desk, app.router
        add.add_get("/patients/new", desk.page(self._ask, "patient.create"))
        add.add_post("/patients/new", desk.page(self._create, "patient.create"))

    async def _ask(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        return self._show(request, visitor, Form(fields_of(PatientDetails(name=""))))

    async def _create(self, request: web.Request, visitor: Visitor) -> web.StreamResponse:
        form = await self._desk.form(request, visitor, NewPatientForm)
        if form.value is None:
            return self._show(request, visitor, form)
        try:
            command = _command(form.value)
            same = () if form.value.anyway else await self._namesakes(visitor, command)
            if same:
                return self._show(request, visitor, form, same)
            made = await self._desk.database.write(
                lambda tx: create_patient(tx, visitor.actor, command)
            )
        except Refused as refused:
            if not refused.fields:
                raise
            return self._show(request, visitor, failed(form, refused.fields))
        return redirect(f"/patients/{made.id}")

    async def _namesakes(
        self, visitor: Visitor, command: CreatePatient
    ) -> tuple[PatientSummary, ...]:
        wanted = Namesakes(name=command.name, birth_date=command.birth_date)
        return await self._desk.database.read(lambda tx: find_namesakes(tx, visitor.actor, wanted))

    def _show(
        self,
        request: web.Request,
        visitor: Visitor,
        form: Form[PatientForm] | Form[NewPatientForm],
        same: tuple[PatientSummary, ...] = (),
    ) -> web.Response:
        return self._desk.render(
            request,
            visitor,
            "patient_new.html",
            status=422 if form.errors else 409 if same else 200,
            form=form,
            same=same,
            channels=CHANNELS,
            countries=countries(),
            languages=languages(form.shown("language")),
        )


def _command(said: NewPatientForm) -> CreatePatient:
    """Raises Refused(invalid)."""
    details = details_of(said, PatientDetails(name=said.name), is_staff=True)
    values = {name: getattr(details, name) for name in PatientDetails.__struct_fields__}
    return CreatePatient(**values)
