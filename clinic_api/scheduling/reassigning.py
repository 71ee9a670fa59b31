"""Somebody is away: what they were to do is given to another practitioner, at the same times.

Each appointment in a transaction of its own, so that one whose time is taken keeps nobody from
theirs; those are named, and staff move or cancel them by hand. May be asked again at any time.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from clinic_api.actor import Actor
from clinic_api.db import Database
from clinic_api.directory import store as people
from clinic_api.directory.model import Id
from clinic_api.errors import Refused
from clinic_api.guarded import Facts, guarded, hidden, permit
from clinic_api.http.route import flow
from clinic_api.paging import Cursor
from clinic_api.scheduling import store
from clinic_api.scheduling.changes import change
from clinic_api.scheduling.model import Appointment, Reason
from clinic_api.scheduling.moving import place_for, put
from clinic_api.scheduling.reading import cursor_after, place_after
from clinic_api.scheduling.views import permitted
from clinic_api.transaction import Transaction

AT_ONCE = 50  # appointments of one request


class Reassign(msgspec.Struct, frozen=True, kw_only=True):
    """Give all that is still to come of one practitioner to another who gives the service."""

    practitioner_id: Id
    to_practitioner_id: Id
    why: Annotated[Reason, Meta(min_length=1)]
    cursor: Cursor = ""  # where the request before stopped


class NewPlace(msgspec.Struct, frozen=True):
    """An appointment, and the one that has taken its place."""

    appointment_id: str
    new_id: str


class Conflict(msgspec.Struct, frozen=True):
    """An appointment that stays as it is, and why: slot_taken, not_offered, …"""

    appointment_id: str
    code: str


class Reassigned(msgspec.Struct, frozen=True, kw_only=True):
    """By start. With `next_cursor` there are more."""

    moved: tuple[NewPlace, ...]
    conflicts: tuple[Conflict, ...]
    next_cursor: str | None


class ToCome(msgspec.Struct, frozen=True):
    """Some appointments of a practitioner, by start; the cursor after them, if there are more."""

    ids: tuple[str, ...]
    next_cursor: str | None


@flow("appointment.reassign")
async def reassign(database: Database, actor: Actor, command: Reassign) -> Reassigned:
    """Appointments at the same times with somebody else; their patients are told. Raises Refused:
    not_found, invalid."""
    found = await database.write(lambda tx: to_reassign(tx, actor, command))
    moved, conflicts = [], []
    for appointment_id in found.ids:
        done = await _one(database, actor, appointment_id, command)
        if isinstance(done, NewPlace):
            moved.append(done)
        else:
            conflicts.append(done)
    return Reassigned(moved=tuple(moved), conflicts=tuple(conflicts), next_cursor=found.next_cursor)


async def _one(
    database: Database, actor: Actor, appointment_id: str, command: Reassign
) -> NewPlace | Conflict:
    try:
        made = await database.write(lambda tx: give_to(tx, actor, appointment_id, command))
    except Refused as refused:
        if refused.status >= 500:
            raise
        return Conflict(appointment_id, refused.code)
    return NewPlace(appointment_id, made.id)


@guarded("appointment.reassign")
def to_reassign(tx: Transaction, actor: Actor, command: Reassign) -> ToCome:
    """Which. Raises Refused: not_found, invalid."""
    both = (command.practitioner_id, command.to_practitioner_id)
    for practitioner_id in both:
        if people.practitioner(tx, practitioner_id) is None:
            raise hidden(tx, actor, "practitioner", practitioner_id)
    permit(tx, actor, Facts(kind="practitioner", id=both[0], practitioner_ids=both))
    if both[0] == both[1]:
        raise Refused("invalid", fields={"to_practitioner_id": "Please choose somebody else."})
    after = place_after(tx, tx.action, command.cursor) if command.cursor else None
    found = store.listed(tx, store.to_come(tx, both[0]), after, AT_ONCE + 1)
    shown = found[:AT_ONCE]
    tx.note(actor, "practitioner", both[0], to=both[1], appointments=str(len(shown)))
    more = len(found) > AT_ONCE
    following = cursor_after(tx, tx.action, shown[-1]) if more else None
    return ToCome(tuple(each.id for each in shown), following)


@guarded("appointment.reassign")
def give_to(tx: Transaction, actor: Actor, appointment_id: str, command: Reassign) -> Appointment:
    """The new appointment, at the price that was agreed. Raises Refused as a move does."""
    old = permitted(tx, actor, appointment_id)
    place = place_for(tx, actor, old, command.to_practitioner_id, old.starts_at)
    freed = change(tx, actor, old, "move", why=command.why)
    return put(tx, actor, freed, place, old.price_minor, command.why)
