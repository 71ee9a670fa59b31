"""Templates of notes: one's own, and those that an administrator makes for everybody.

What stands in braces is filled in when a note is begun; only what is listed here may stand there.
"""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

import msgspec

from clinic_api.actor import Actor
from clinic_api.directory import store as people
from clinic_api.directory.model import Id, Name
from clinic_api.errors import Refused
from clinic_api.guarded import Facts, guarded, hidden, permit
from clinic_api.organisation.store import organisation
from clinic_api.paging import DEFAULT_ITEMS, Cursor, Limit, Page
from clinic_api.records import notes_store as store
from clinic_api.records.note import Sections
from clinic_api.records.notes_store import Template
from clinic_api.transaction import Transaction

PLACES = ("patient", "birth_date", "today")
_PLACE = re.compile(r"\{([^{}]*)\}")


class ListTemplates(msgspec.Struct, frozen=True, kw_only=True):
    cursor: Cursor = ""
    limit: Limit = DEFAULT_ITEMS


class CreateTemplate(Sections, frozen=True, kw_only=True):
    """`{patient}`, `{birth_date}` and `{today}` are filled in when a note is begun."""

    name: Name
    for_everybody: bool = False


class ChangeTemplate(Sections, frozen=True, kw_only=True):
    """The whole of it, as it shall be; not `active`: not offered any more."""

    template_id: Id
    version: int
    name: Name
    active: bool = True


@guarded("note_template.list")
def list_templates(tx: Transaction, actor: Actor, command: ListTemplates) -> Page[Template]:
    """Everybody's and one's own."""
    return store.list_templates(tx, actor.practitioner_id, command.cursor, command.limit)


@guarded("note_template.change")
def create_template(tx: Transaction, actor: Actor, command: CreateTemplate) -> Template:
    """For everybody only by administrators. Raises Refused: not_allowed, invalid."""
    sections = _checked(command)
    owner = None if command.for_everybody else actor.practitioner_id
    if owner is None and not _may_for_all(actor):
        raise Refused("not_allowed", "Only administrators make templates for everybody.")
    template_id = store.insert_template(tx, actor, owner, command.name, sections)
    tx.note(actor, "note_template", template_id)
    return _template(tx, actor, template_id)


@guarded("note_template.change")
def change_template(tx: Transaction, actor: Actor, command: ChangeTemplate) -> Template:
    """Raises Refused: not_found, stale, invalid."""
    held = _template(tx, actor, command.template_id)
    mine = held.practitioner_id is not None and held.practitioner_id == actor.practitioner_id
    if not mine and not (held.practitioner_id is None and _may_for_all(actor)):
        raise hidden(tx, actor, "note_template", held.id)
    sections = _checked(command)
    ended_at = None if command.active else tx.now
    store.update_template(tx, actor, held.id, command.version, command.name, sections, ended_at)
    tx.note(actor, "note_template", held.id)
    return msgspec.structs.replace(
        held, version=command.version + 1, name=command.name, sections=sections
    )


def filled(
    tx: Transaction, actor: Actor, template_id: str, patient_id: str, written: Sections
) -> Sections:
    """The template for this patient where nothing is written. Raises Refused(not_found)."""
    held = _template(tx, actor, template_id)
    patient = people.patient(tx, patient_id)
    assert patient is not None, "the caller has read it"
    born = patient.details.birth_date
    today = tx.now.astimezone(ZoneInfo(organisation(tx).time_zone)).date()
    values = {
        "patient": patient.details.name,
        "birth_date": "" if born is None else born.isoformat(),
        "today": today.isoformat(),
    }
    return Sections(
        **{
            name: getattr(written, name)
            or _PLACE.sub(lambda found: values[found[1]], getattr(held.sections, name))
            for name in Sections.__struct_fields__
        }
    )


def _checked(command: Sections) -> Sections:
    names = Sections.__struct_fields__
    wrong = {
        name: "Only {patient}, {birth_date} and {today} can be filled in."
        for name in names
        if set(_PLACE.findall(getattr(command, name))) - set(PLACES)
    }
    if wrong:
        raise Refused("invalid", fields=wrong)
    return Sections(**{name: getattr(command, name) for name in names})


def _may_for_all(actor: Actor) -> bool:
    return "admin" in actor.roles or actor.kind == "system"


def _template(tx: Transaction, actor: Actor, template_id: str) -> Template:
    held = store.template(tx, template_id)
    others = held is not None and held.practitioner_id not in (None, actor.practitioner_id)
    if held is None or (others and actor.kind != "system"):
        raise hidden(tx, actor, "note_template", template_id)
    if tx.action.startswith("note_template."):
        permit(tx, actor, Facts(kind="note_template", id=template_id))
    return held
