"""What call control tells: who came, was admitted, sent, left, and when.

Every service here is the server's own (`visit.record`): nobody else may call it. What is told may
be told twice, and late: times are those of what happened.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from clinic_api.actor import Actor
from clinic_api.errors import Refused
from clinic_api.guarded import guarded
from clinic_api.transaction import Transaction
from clinic_api.visits import call_store, store
from clinic_api.visits.calls import call_times, modality_of
from clinic_api.visits.model import PATIENT_SIDE, THIRD_PARTIES, Participant, Role, Visit
from clinic_api.visits.outcomes import follow_visit
from clinic_api.visits.seats import withdraw
from clinic_api.visits.service import close, known_visit
from clinic_api.visits.visit import OPEN, Event, after

_REMOVED_FOR_GOOD: frozenset[Role] = THIRD_PARTIES | {"guest"}  # their links end with it


class Peer(msgspec.Struct, frozen=True, kw_only=True):
    """One coming to the call: `peer` is call control's name for it, `at` Unix seconds."""

    room: str
    subject: str
    peer: str
    at: float


class PeerLeft(Peer, frozen=True, kw_only=True):
    why: str


class MediaCame(Peer, frozen=True, kw_only=True):
    source: str  # microphone | camera | screen


class StillThere(msgspec.Struct, frozen=True):
    """Everybody who has a seat, by call control's names."""

    peers: frozenset[str]


class RoomEnded(msgspec.Struct, frozen=True, kw_only=True):
    """A moderator ended the visit for everybody."""

    room: str
    subject: str
    at: float


@guarded("visit.record")
def gate_joined(tx: Transaction, actor: Actor, command: Peer) -> None:
    """Somebody came, perhaps to wait. Raises Refused(unknown_room)."""
    visit, seat = _place(tx, command)
    is_new = call_store.participation(tx, visit.id, command.peer) is None
    if is_new:
        at = _moment(command.at)
        admitted_at = None if seat.waits else at
        call_store.insert_participation(tx, actor, visit.id, seat.id, command.peer, at, admitted_at)
        _came(tx, actor, visit, seat, at, admitted_at)
    _note(tx, actor, visit, seat, "join" if is_new else "join_again")


@guarded("visit.record")
def gate_admitted(tx: Transaction, actor: Actor, command: Peer) -> None:
    """Somebody was let in. Raises Refused(unknown_room)."""
    visit, seat = _place(tx, command)
    at = _moment(command.at)
    here = call_store.participation(tx, visit.id, command.peer)
    if here is None:
        call_store.insert_participation(tx, actor, visit.id, seat.id, command.peer, at, at)
    elif here.admitted_at is None:
        call_store.update_participation(tx, actor, here.id, admitted_at=at)
    is_new = here is None or here.admitted_at is None
    if is_new:
        _came(tx, actor, visit, seat, at, at)
    _note(tx, actor, visit, seat, "admit" if is_new else "admit_again")


@guarded("visit.record")
def gate_left(tx: Transaction, actor: Actor, command: PeerLeft) -> None:
    """Somebody's coming is over. Raises Refused(unknown_room)."""
    visit, seat = _place(tx, command)
    here = call_store.participation(tx, visit.id, command.peer)
    if here is not None and here.left_at is None:
        why = command.why[:40]
        call_store.update_participation(tx, actor, here.id, left_at=_moment(command.at), why=why)
        if why == "removed" and seat.role in _REMOVED_FOR_GOOD:
            withdraw(tx, actor, seat)
        _went(tx, actor, visit)
    _note(tx, actor, visit, seat, "leave")


@guarded("visit.record")
def gate_media_came(tx: Transaction, actor: Actor, command: MediaCame) -> None:
    """A source's media has begun to come; makes the real modality. Raises unknown_room."""
    visit, seat = _place(tx, command)
    here = call_store.participation(tx, visit.id, command.peer)
    before = set() if here is None else set(filter(None, here.media.split(",")))
    if here is not None and command.source not in before:
        media = ",".join(sorted(before | {command.source}))[:60]
        call_store.update_participation(tx, actor, here.id, media=media)
        _measure(tx, actor, visit)
    _note(tx, actor, visit, seat, "media")


@guarded("visit.record")
def gate_ended(tx: Transaction, actor: Actor, command: RoomEnded) -> None:
    """Ended in the call itself, for everybody; a second word changes nothing."""
    visit = store.lock_visit(tx, command.room)
    if visit is None:
        raise Refused("unknown_room")
    if visit.state in OPEN:
        close(tx, actor, visit, "end", _moment(command.at))
    else:
        tx.note(actor, "visit", visit.id, patient_id=visit.patient_id or "", event="end")


@guarded("visit.record")
def gate_settled(tx: Transaction, actor: Actor, command: StillThere) -> int:
    """At call control's start: who is not there any more has left, though no word of it came.

    Returns how many.
    """
    gone = [one for one in call_store.open_participations(tx) if one.peer not in command.peers]
    for one in gone:
        call_store.update_participation(tx, actor, one.id, left_at=tx.now, why="lost")
    for visit_id in sorted({one.visit_id for one in gone}):
        _went(tx, actor, known_visit(tx, visit_id))
    tx.note(actor, event="settle", gone=str(len(gone)))
    return len(gone)


def _place(tx: Transaction, command: Peer) -> tuple[Visit, Participant]:
    visit = store.lock_visit(tx, command.room)
    seat = store.participant(tx, command.subject)
    if visit is None or seat is None or seat.visit_id != visit.id:
        raise Refused("unknown_room")
    return visit, seat


def _came(
    tx: Transaction,
    actor: Actor,
    visit: Visit,
    seat: Participant,
    at: datetime,
    admitted_at: datetime | None,
) -> None:
    """Who treats may be there alone: the visit waits, and begins, for those who are treated."""
    if seat.role not in THIRD_PARTIES and (seat.waits or seat.role in PATIENT_SIDE):
        event: Event = "arrive" if admitted_at is None else "admit"
        first_joined_at = visit.first_joined_at or at
        admitted_at = visit.admitted_at or admitted_at
        _advance(tx, actor, visit, event, first_joined_at=first_joined_at, admitted_at=admitted_at)
    _measure(tx, actor, visit)
    follow_visit(tx, visit.id)


def _went(tx: Transaction, actor: Actor, visit: Visit) -> None:
    if visit.state == "waiting" and not _is_anybody_waiting(tx, visit.id):
        _advance(tx, actor, visit, "depart")
    _measure(tx, actor, visit)
    follow_visit(tx, visit.id)


def _is_anybody_waiting(tx: Transaction, visit_id: str) -> bool:
    """Whether the visit waits to begin: third parties wait without it."""
    roles = store.roles_of(tx, visit_id)
    return any(
        one.admitted_at is None and roles[one.participant_id] not in THIRD_PARTIES
        for one in call_store.here_now(tx, visit_id)
    )


def _advance(tx: Transaction, actor: Actor, visit: Visit, event: Event, **times: Any) -> None:
    """The next state, unless the visit is over meanwhile: what happened is kept all the same."""
    state = after(visit.state, event) if visit.state in OPEN else visit.state
    tx.update(store.visits, actor, visit.id, state=state, **times)


def _measure(tx: Transaction, actor: Actor, visit: Visit) -> None:
    """Times and modality of the call, from who was there; after each word that can change them."""
    comings = call_store.participations_of(tx, visit.id)
    started_at, ended_at = call_times(comings, store.roles_of(tx, visit.id))
    modality = modality_of(comings)
    measured = (started_at, ended_at, modality)
    if measured != (visit.call_started_at, visit.call_ended_at, visit.real_modality):
        tx.update(
            store.visits,
            actor,
            visit.id,
            call_started_at=started_at,
            call_ended_at=ended_at,
            real_modality=modality,
        )


def _note(tx: Transaction, actor: Actor, visit: Visit, seat: Participant, event: str) -> None:
    tx.note(actor, "participant", seat.id, patient_id=visit.patient_id or "", event=event)


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
