"""Forms of the clinic: made, listed, read, changed. Who answers them is in `visits`."""

from __future__ import annotations

import msgspec

from clinic_api.actor import Actor
from clinic_api.directory.model import Id, Name
from clinic_api.forms import store
from clinic_api.forms.definition import Definition, checked
from clinic_api.forms.store import Form
from clinic_api.guarded import Facts, guarded, hidden, permit
from clinic_api.paging import DEFAULT_ITEMS, Cursor, Limit, Page
from clinic_api.transaction import Transaction


class CreateForm(msgspec.Struct, frozen=True, kw_only=True):
    """Questions that a service may ask before a visit."""

    name: Name
    definition: Definition


class ChangeForm(msgspec.Struct, frozen=True, kw_only=True):
    """The whole form, as it shall be from now on; what was answered keeps its questions."""

    form_id: Id
    version: int
    name: Name
    definition: Definition
    active: bool = True


class OneForm(msgspec.Struct, frozen=True):
    form_id: Id


class ListForms(msgspec.Struct, frozen=True, kw_only=True):
    cursor: Cursor = ""
    limit: Limit = DEFAULT_ITEMS


@guarded("form.list")
def list_forms(tx: Transaction, actor: Actor, command: ListForms) -> Page[Form]:
    """Forms with their newest questions."""
    del actor
    return store.list_forms(tx, command.cursor, command.limit)


@guarded("form.list")
def read_form(tx: Transaction, actor: Actor, command: OneForm) -> Form:
    """Raises Refused(not_found)."""
    return _form(tx, actor, command.form_id)


@guarded("form.publish")
def create_form(tx: Transaction, actor: Actor, command: CreateForm) -> Form:
    """Raises Refused(invalid)."""
    form_id = store.insert_form(tx, actor, command.name, checked(command.definition))
    tx.note(actor, "form", form_id)
    return _form(tx, actor, form_id)


@guarded("form.publish")
def change_form(tx: Transaction, actor: Actor, command: ChangeForm) -> Form:
    """Raises Refused: not_found, stale, invalid."""
    held = _form(tx, actor, command.form_id)
    definition = checked(command.definition)
    store.update_form(tx, actor, held, command.version, command.name, definition, command.active)
    tx.note(actor, "form", held.id)
    return _form(tx, actor, held.id)


def _form(tx: Transaction, actor: Actor, form_id: str) -> Form:
    found = store.form(tx, form_id)
    if found is None:
        raise hidden(tx, actor, "form", form_id)
    permit(tx, actor, Facts(kind="form", id=form_id))
    return found
