"""Operations on forms under /api/v1."""

from __future__ import annotations

from clinic_api.forms.service import (
    ChangeForm,
    CreateForm,
    ListForms,
    OneForm,
    change_form,
    create_form,
    list_forms,
    read_form,
)
from clinic_api.forms.store import Form
from clinic_api.http.route import Route
from clinic_api.paging import Page

ROUTES: tuple[Route, ...] = (
    Route("GET", "/forms", list_forms, ListForms, Page[Form]),
    Route("POST", "/forms", create_form, CreateForm, Form, status=201),
    Route("GET", "/forms/{form_id}", read_form, OneForm, Form),
    Route("PUT", "/forms/{form_id}", change_form, ChangeForm, Form),
)
