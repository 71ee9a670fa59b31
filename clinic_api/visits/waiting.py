"""The waiting room: who waits for whom, how long yet, and the word that it gets late.

Booked visits and others stand in one line: by the time that was booked, else by arrival.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

import msgspec
from msgspec import Meta

from clinic_api.actor import Actor
from clinic_api.directory.model import Id
from clinic_api.directory.store import practitioner
from clinic_api.guarded import Facts, guarded, hidden, permit
from clinic_api.scheduling.appointment import NO_SHOW_AFTER
from clinic_api.transaction import Transaction
from clinic_api.visits import queue, store
from clinic_api.visits.model import Visit
from clinic_api.visits.service import known_visit, permitted
from clinic_api.visits.views import VisitView, view_of
from clinic_api.visits.visit import OPEN, State, after

RECENT = 20  # visits that an estimate is made from
MAX_WAITING = 100
STALE = timedelta(hours=1)  # a word about being late counts for


class QueueOf(msgspec.Struct, frozen=True):
    visit_id: Id


class WaitingRoomOf(msgspec.Struct, frozen=True):
    practitioner_id: Id


class SayLate(msgspec.Struct, frozen=True, kw_only=True):
    """The practitioner will come `minutes` from now."""

    visit_id: Id
    minutes: Annotated[int, Meta(ge=0, le=480)]


class QueuePlace(msgspec.Struct, frozen=True, kw_only=True):
    """Of one visit; of nobody else's. `position` 0: it is going on, or over."""

    visit_id: str
    state: State
    position: int
    wait_minutes: int | None
    late_minutes: int | None
    late_said_at: datetime | None


class Waiter(msgspec.Struct, frozen=True, kw_only=True):
    visit_id: str
    patient_id: str | None
    name: str
    since: datetime
    starts_at: datetime | None  # as booked
    late_minutes: int | None


class WaitingRoom(msgspec.Struct, frozen=True):
    items: tuple[Waiter, ...]  # whose turn it is comes first


@guarded("visit.queue")
def read_queue(tx: Transaction, actor: Actor, command: QueueOf) -> QueuePlace:
    """How long yet. Raises Refused(not_found)."""
    visit = permitted(tx, actor, command.visit_id)
    where = queue.Place(position=0, wait_minutes=None)
    if visit.state in ("planned", "waiting"):
        where = _place(tx, visit)
    return QueuePlace(
        visit_id=visit.id,
        state=visit.state,
        position=where.position,
        wait_minutes=where.wait_minutes,
        late_minutes=visit.late_minutes,
        late_said_at=visit.late_said_at,
    )


@guarded("visit.waiting_room")
def read_waiting_room(tx: Transaction, actor: Actor, command: WaitingRoomOf) -> WaitingRoom:
    """Who waits for a practitioner. Raises Refused(not_found)."""
    practitioner_id = command.practitioner_id
    facts = Facts(kind="practitioner", id=practitioner_id, practitioner_ids=(practitioner_id,))
    permit(tx, actor, facts)
    if practitioner(tx, practitioner_id) is None:
        raise hidden(tx, actor, "practitioner", practitioner_id)
    waiting = _waiting(tx, practitioner_id)
    tx.note(actor, "practitioner", practitioner_id, shown=str(len(waiting)))
    return WaitingRoom(tuple(_waiter(tx, visit) for visit in waiting))


@guarded("visit.say_late")
def say_late(tx: Transaction, actor: Actor, command: SayLate) -> VisitView:
    """The waiting are told. Raises Refused: not_found, illegal_event."""
    visit = permitted(tx, actor, command.visit_id)
    if visit.state not in ("planned", "waiting"):
        after(visit.state, "cancel")  # the same refusal, in the same words
    tx.update(store.visits, actor, visit.id, late_minutes=command.minutes, late_said_at=tx.now)
    tx.note(actor, "visit", visit.id, patient_id=visit.patient_id or "")
    return view_of(tx, actor, known_visit(tx, visit.id))


def _place(tx: Transaction, visit: Visit) -> queue.Place:
    if visit.practitioner_id is None:
        return queue.Place(position=1, wait_minutes=None)
    others = [*_waiting(tx, visit.practitioner_id), *_expected(tx, visit.practitioner_id)]
    here = _turn(visit)
    ahead = sum(1 for one in others if one.id != visit.id and _turn(one) < here)
    running = _running(tx, visit.practitioner_id)
    said = visit.late_said_at is not None and tx.now - visit.late_said_at < STALE
    return queue.place(
        ahead,
        _durations_s(tx, visit.practitioner_id),
        None if running is None else (tx.now - running).total_seconds(),
        _still_late(tx, visit) if said else None,
        0.0 if visit.starts_at is None else (visit.starts_at - tx.now).total_seconds(),
    )


def _still_late(tx: Transaction, visit: Visit) -> int | None:
    """What is left of the minutes that were said."""
    if visit.late_minutes is None or visit.late_said_at is None:
        return None
    passed = (tx.now - visit.late_said_at).total_seconds() / 60
    return max(round(visit.late_minutes - passed), 0)


def _waiting(tx: Transaction, practitioner_id: str) -> list[Visit]:
    mine = store.visits.c.practitioner_id == practitioner_id
    waits = store.visits.c.state == "waiting"
    fresh = store.visits.c.expires_at > tx.now
    return sorted(store.list_visits(tx, mine, waits, fresh, limit=MAX_WAITING), key=_turn)


def _expected(tx: Transaction, practitioner_id: str) -> list[Visit]:
    """Booked ones whose time has come and whose patient may still come in time."""
    mine = store.visits.c.practitioner_id == practitioner_id
    absent = store.visits.c.state == "planned"
    due = store.visits.c.starts_at.between(tx.now - NO_SHOW_AFTER, tx.now)
    return store.list_visits(tx, mine, absent, due, limit=MAX_WAITING)


def _turn(visit: Visit) -> tuple[datetime, datetime]:
    return visit.starts_at or _since(visit), _since(visit)


def _since(visit: Visit) -> datetime:
    """Since when somebody waits; who has not come yet will wait from now on at the earliest."""
    return visit.first_joined_at or datetime.max.replace(tzinfo=visit.opens_at.tzinfo)


def _running(tx: Transaction, practitioner_id: str) -> datetime | None:
    """Since when the practitioner is in a call."""
    mine = store.visits.c.practitioner_id == practitioner_id
    now = store.visits.c.state == "in_progress"
    starts = [visit.call_started_at for visit in store.list_visits(tx, mine, now, limit=1)]
    return next(iter(starts), None)


def _durations_s(tx: Transaction, practitioner_id: str) -> list[float]:
    mine = store.visits.c.practitioner_id == practitioner_id
    over = store.visits.c.call_ended_at.is_not(None)
    closed = store.visits.c.state.not_in(OPEN)
    recent = store.list_visits(tx, mine, over, closed, limit=RECENT)
    return [
        (visit.call_ended_at - visit.call_started_at).total_seconds()
        for visit in recent
        if visit.call_started_at is not None and visit.call_ended_at is not None
    ]


def _waiter(tx: Transaction, visit: Visit) -> Waiter:
    seats = store.participants_of(tx, visit.id)
    names = [seat.name for seat in seats if seat.role == "patient"]
    return Waiter(
        visit_id=visit.id,
        patient_id=visit.patient_id,
        name=next(iter(names), ""),
        since=_since(visit),
        starts_at=visit.starts_at,
        late_minutes=visit.late_minutes,
    )
