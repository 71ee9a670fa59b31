"""What call control asks and tells: who may come in, who came, was admitted, left, wrote.

Every service here is the server's own (`visit.record`, `visit.watch`): nobody else may call it.
What call control tells may be said twice.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from clinic_api.actor import Actor
from clinic_api.errors import Attempt, Refused
from clinic_api.guarded import guarded
from clinic_api.transaction import Transaction
from clinic_api.visits import call_store, call_tokens, store
from clinic_api.visits.call_store import ChatMessage
from clinic_api.visits.calls import call_times, modality_of
from clinic_api.visits.model import Participant, Visit
from clinic_api.visits.service import close, known_visit
from clinic_api.visits.visit import OPEN, Event, after

MAX_HISTORY = 500  # newest messages that a person gets at once; far more than a visit has


class CallToken(msgspec.Struct, frozen=True):
    token: str


class CallEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What a call token stands for. `subject` is the participant's id."""

    room: str
    subject: str
    name: str
    role: str  # provider | patient | guest | device
    rights: tuple[str, ...]
    waits: bool
    alone: bool  # in the call on one device at a time


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


class ChatWritten(msgspec.Struct, frozen=True, kw_only=True):
    """`participant` is call control's name for who wrote; with `key` it names the message."""

    room: str
    participant: str
    name: str
    key: str
    text: str
    at: float


class ChatSince(msgspec.Struct, frozen=True):
    room: str
    since: str | None = None  # the id of a message; None: from the beginning


class CallOrder(msgspec.Struct, frozen=True):
    """What still runs although it must not: a whole room, or one person in it."""

    room: str
    subject: str | None  # None: everybody


# who may come in


@guarded("visit.record")
def enter_call(tx: Transaction, actor: Actor, command: CallToken) -> CallEntry:
    """Consume a call token. Raises Refused: token_invalid, token_expired, token_used,
    token_revoked, unknown_room, visit_ended."""
    claims = call_tokens.read(tx.keys, command.token)
    seat, visit = named_by(tx, claims)
    if tx.now.timestamp() >= claims.expires_at:
        raise _refused(tx, actor, "token_expired", seat)
    if seat.revoked_at is not None or claims.generation != seat.generation:
        raise _refused(tx, actor, "token_revoked", seat)
    if visit.state not in OPEN:
        raise _refused(tx, actor, "visit_ended", seat)
    call_tokens.consume(tx, actor, claims)
    tx.note(actor, "participant", seat.id, patient_id=visit.patient_id or "", event="enter")
    return _entry(visit, seat)


@guarded("visit.watch")
def identify_call(tx: Transaction, actor: Actor, command: CallToken) -> CallEntry:
    """What a token of ours stands for, whatever became of it. Raises Refused(token_invalid)."""
    del actor
    seat, visit = named_by(tx, call_tokens.read(tx.keys, command.token))
    return _entry(visit, seat)


def named_by(tx: Transaction, claims: call_tokens.Claims) -> tuple[Participant, Visit]:
    """Whose a token is. Raises Refused(unknown_room)."""
    seat = store.participant(tx, claims.participant_id)
    visit = None if seat is None else store.visit(tx, seat.visit_id)
    if seat is None or visit is None:
        raise Refused("unknown_room")
    return seat, visit


def _entry(visit: Visit, seat: Participant) -> CallEntry:
    return CallEntry(
        room=visit.room,
        subject=seat.id,
        name=seat.name,
        role="guest" if seat.role == "proxy" else seat.role,
        rights=seat.rights,
        waits=seat.waits,
        alone=seat.binds_device,
    )


def _refused(tx: Transaction, actor: Actor, code: str, seat: Participant) -> Refused:
    attempt = Attempt(actor.kind, actor.id, tx.action, "participant", seat.id, actor.client)
    return Refused(code, attempt=attempt)


# what happened


@guarded("visit.record")
def gate_joined(tx: Transaction, actor: Actor, command: Peer) -> None:
    """Somebody came, perhaps to wait. Raises Refused(unknown_room)."""
    visit, seat = _place(tx, command)
    at = _moment(command.at)
    if call_store.participation(tx, visit.id, command.peer) is None:
        call_store.insert_participation(
            tx, actor, visit.id, seat.id, command.peer, at, None if seat.waits else at
        )
    first = visit.first_joined_at or at
    _advance(tx, actor, visit, "arrive", first_joined_at=first)
    _note(tx, actor, visit, seat, "join")


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
    if seat.waits:
        _advance(tx, actor, visit, "admit", admitted_at=visit.admitted_at or at)
    else:
        _advance(tx, actor, visit, "arrive", first_joined_at=visit.first_joined_at or at)
    _note(tx, actor, visit, seat, "admit")


@guarded("visit.record")
def gate_left(tx: Transaction, actor: Actor, command: PeerLeft) -> None:
    """Somebody's coming is over. Raises Refused(unknown_room)."""
    visit, seat = _place(tx, command)
    here = call_store.participation(tx, visit.id, command.peer)
    if here is not None and here.left_at is None:
        why = command.why[:40]
        call_store.update_participation(tx, actor, here.id, left_at=_moment(command.at), why=why)
    _measure(tx, actor, visit)
    _note(tx, actor, visit, seat, "leave")


@guarded("visit.record")
def gate_media_came(tx: Transaction, actor: Actor, command: MediaCame) -> None:
    """A source's media has begun to come; makes the real modality. Raises unknown_room."""
    visit, seat = _place(tx, command)
    here = call_store.participation(tx, visit.id, command.peer)
    if here is None:
        return _note(tx, actor, visit, seat, "media")
    came = set(filter(None, here.media.split(","))) | {command.source}
    call_store.update_participation(tx, actor, here.id, media=",".join(sorted(came))[:60])
    _measure(tx, actor, visit)
    return _note(tx, actor, visit, seat, "media")


@guarded("visit.record")
def gate_ended(tx: Transaction, actor: Actor, command: RoomEnded) -> None:
    """Ended in the call itself, for everybody; a second word changes nothing."""
    visit = store.lock_visit(tx, command.room)
    if visit is None:
        raise Refused("unknown_room")
    if visit.state in OPEN:
        close(tx, actor, visit, "end")
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
        _measure(tx, actor, known_visit(tx, visit_id))
    tx.note(actor, event="settle", gone=str(len(gone)))
    return len(gone)


def _place(tx: Transaction, command: Peer) -> tuple[Visit, Participant]:
    visit = store.lock_visit(tx, command.room)
    seat = store.participant(tx, command.subject)
    if visit is None or seat is None or seat.visit_id != visit.id:
        raise Refused("unknown_room")
    return visit, seat


def _advance(tx: Transaction, actor: Actor, visit: Visit, event: Event, **times: Any) -> None:
    """The next state, unless the visit is over meanwhile: what happened is kept all the same."""
    state = after(visit.state, event) if visit.state in OPEN else visit.state
    tx.update(store.visits, actor, visit.id, state=state, **times)
    _measure(tx, actor, known_visit(tx, visit.id))


def _measure(tx: Transaction, actor: Actor, visit: Visit) -> None:
    """Times and modality of the call, from who was there."""
    comings = call_store.participations_of(tx, visit.id)
    roles = {seat.id: seat.role for seat in store.participants_of(tx, visit.id)}
    started_at, ended_at = call_times(comings, roles)
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


# what must not run any more


@guarded("visit.watch")
def call_orders(tx: Transaction, actor: Actor) -> tuple[CallOrder, ...]:
    """Whom to put out now; the same again until call control has said that they left."""
    del actor
    return tuple(CallOrder(row.room, row.subject) for row in call_store.stray_participations(tx))


# chat


@guarded("visit.record")
def append_chat(tx: Transaction, actor: Actor, command: ChatWritten) -> ChatMessage:
    """Keep a message, sealed; the same (participant, key) again gives the first."""
    visit = store.lock_visit(tx, command.room)
    if visit is None:
        raise Refused("unknown_room")
    written = call_store.chat_message(tx, visit.id, command.participant, command.key)
    if written is None:
        call_store.insert_chat(
            tx,
            actor,
            visit.id,
            command.participant,
            command.name,
            command.key,
            command.text,
            _moment(command.at),
        )
        written = call_store.chat_message(tx, visit.id, command.participant, command.key)
    tx.note(actor, "visit", visit.id, patient_id=visit.patient_id or "", event="chat")
    assert written is not None
    return written


@guarded("visit.watch")
def chat_history(tx: Transaction, actor: Actor, command: ChatSince) -> tuple[ChatMessage, ...]:
    """The newest messages after `since`, oldest first; a `since` not of ours is ignored."""
    del actor
    visit = store.visit_in(tx, command.room)
    since = command.since or ""
    number = int(since) if since.isascii() and since.isdigit() and len(since) <= 12 else 0
    if visit is None:
        return ()
    return tuple(call_store.chat_after(tx, visit.id, min(number, 2**31 - 1), MAX_HISTORY))
