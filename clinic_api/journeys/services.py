"""A service and the form that it asks before its visits: the form has to be there and in use."""

from __future__ import annotations

from clinic_api.actor import Actor
from clinic_api.catalogue.model import Service, ServiceDetails
from clinic_api.catalogue.service import (
    ChangeService,
    CreateService,
    change_service,
    create_service,
)
from clinic_api.errors import Refused
from clinic_api.forms import store as forms
from clinic_api.guarded import guarded
from clinic_api.http.route import Route
from clinic_api.transaction import Transaction


@guarded("service.create")
def add_service(tx: Transaction, actor: Actor, command: CreateService) -> Service:
    """A kind of visit that can be booked. Raises Refused(invalid)."""
    made = create_service(tx, actor, command)
    _check_form(tx, command)
    return made


@guarded("service.change")
def alter_service(tx: Transaction, actor: Actor, command: ChangeService) -> Service:
    """Other details; what is booked keeps its own. Raises Refused: not_found, stale, invalid."""
    changed = change_service(tx, actor, command)
    _check_form(tx, command)
    return changed


def _check_form(tx: Transaction, details: ServiceDetails) -> None:
    if details.form_id is None:
        if details.form_required:
            raise Refused("invalid", fields={"form_required": "Please choose the form, too."})
        return
    form = forms.form(tx, details.form_id)
    if form is None or not form.active:
        raise Refused("invalid", fields={"form_id": "Please choose a form that is in use."})


ROUTES: tuple[Route, ...] = (
    Route("POST", "/services", add_service, CreateService, Service, status=201),
    Route("PUT", "/services/{service_id}", alter_service, ChangeService, Service),
)
