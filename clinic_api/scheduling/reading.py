"""Appointments listed and read: a calendar by range, a patient's own, what new rules moved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import sqlalchemy as sa

from clinic_api.actions import ACTIONS
from clinic_api.actor import Actor
from clinic_api.directory.model import Id
from clinic_api.directory.relations import current_id, treating_practitioners
from clinic_api.directory.relations import facts_of as patient_facts
from clinic_api.errors import Refused
from clinic_api.guarded import guarded, hidden, permit, relations
from clinic_api.paging import DEFAULT_ITEMS, Cursor, Limit, Page, cursor_of, position_of
from clinic_api.scheduling import store
from clinic_api.scheduling.appointment import LIVE
from clinic_api.scheduling.model import Appointment, AppointmentView
from clinic_api.scheduling.needs import needs_of
from clinic_api.scheduling.store import appointments
from clinic_api.scheduling.views import facts_of, view_of
from clinic_api.transaction import Transaction

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class ListAppointments(msgspec.Struct, frozen=True, kw_only=True):
    """By start. `since` and `until`: what is not over before, and begins before."""

    patient_id: Id | None = None
    practitioner_id: Id | None = None
    since: datetime | None = None
    until: datetime | None = None
    open_only: bool = False  # what takes up time: not moved, cancelled, fulfilled or missed
    cursor: Cursor = ""
    limit: Limit = DEFAULT_ITEMS


class ListConflicts(msgspec.Struct, frozen=True, kw_only=True):
    """Which part of the list."""

    cursor: Cursor = ""
    limit: Limit = DEFAULT_ITEMS


class ReadAppointment(msgspec.Struct, frozen=True):
    appointment_id: Id


@guarded("appointment.list")
def list_appointments(
    tx: Transaction, actor: Actor, command: ListAppointments
) -> Page[AppointmentView]:
    """What the actor may see: patients their own, doctors theirs and, asked for one patient whom
    they treat, all of that patient's. Raises Refused: not_found, invalid."""
    narrow = [_visible(tx, actor, command)]
    c = appointments.c
    if command.practitioner_id is not None:
        narrow.append(c.practitioner_id == command.practitioner_id)
    if command.since is not None:
        narrow.append(c.ends_at > command.since)
    if command.until is not None:
        narrow.append(c.starts_at < command.until)
    if command.open_only:
        narrow.append(c.state.in_(sorted(LIVE)))
    return _page(tx, actor, narrow, command.cursor, command.limit)


@guarded("appointment.conflicts")
def list_conflicts(tx: Transaction, actor: Actor, command: ListConflicts) -> Page[AppointmentView]:
    """What new rules of its time zone moved onto another appointment, and is still to come."""
    c = appointments.c
    narrow = [c.conflicted, c.state.in_(sorted(LIVE)), c.ends_at > tx.now]
    return _page(tx, actor, narrow, command.cursor, command.limit)


@guarded("appointment.read")
def read_appointment(tx: Transaction, actor: Actor, command: ReadAppointment) -> AppointmentView:
    """Raises Refused(not_found)."""
    found = store.find(tx, command.appointment_id)
    if found is None:
        raise hidden(tx, actor, "appointment", command.appointment_id)
    permit(tx, actor, facts_of(found, *treating_practitioners(tx, found.patient_id)))
    tx.note(actor, "appointment", found.id, patient_id=found.patient_id)
    return view_of(tx, actor, found)


def _visible(tx: Transaction, actor: Actor, command: ListAppointments) -> sa.ColumnElement[bool]:
    if command.patient_id is not None:
        patient_id = current_id(tx, command.patient_id)
        permit(tx, actor, patient_facts(tx, patient_id))
        return appointments.c.patient_id.in_({patient_id, command.patient_id})
    held = relations(ACTIONS["appointment.list"], actor)
    if "any" in held:
        return sa.true()
    mine: list[sa.ColumnElement[bool]] = [sa.false()]
    if "care" in held and actor.practitioner_id is not None:
        mine.append(appointments.c.practitioner_id == actor.practitioner_id)
    if "own" in held:
        mine.append(appointments.c.patient_id.in_(sorted(actor.patient_ids)))
    return sa.or_(*mine)


def _page(
    tx: Transaction,
    actor: Actor,
    narrow: list[sa.ColumnElement[bool]],
    cursor: str,
    limit: int,
) -> Page[AppointmentView]:
    """By start, noted one by one."""
    scope = tx.action
    found = store.listed(tx, narrow, place_after(tx, scope, cursor) if cursor else None, limit + 1)
    shown, more = found[:limit], len(found) > limit
    for each in shown:
        tx.note(actor, "appointment", each.id, patient_id=each.patient_id)
    if not shown:
        tx.note(actor, "appointment_list", shown="0")
    following = cursor_after(tx, scope, shown[-1]) if more else None
    needs = needs_of(tx, shown)
    return Page(tuple(view_of(tx, actor, each, needs) for each in shown), following)


# for other lists of appointments


def cursor_after(tx: Transaction, scope: str, last: Appointment) -> str:
    """Where a list by start goes on."""
    return cursor_of(tx, scope, str((last.starts_at - _EPOCH) // _MICROSECOND), last.id)


def place_after(tx: Transaction, scope: str, cursor: str) -> tuple[datetime, str]:
    """For `store.listed`. Raises Refused(invalid)."""
    position = position_of(tx, scope, cursor)
    if len(position) != 2:
        raise Refused("invalid", fields={"cursor": "This is not a place in this list."})
    return _EPOCH + timedelta(microseconds=int(position[0])), position[1]
