"""What call control asks: who may come in, and who must go.

Every service here is the server's own (`visit.record`, `visit.watch`): nobody else may call it.
"""

from __future__ import annotations

import msgspec

from clinic_api.actor import Actor
from clinic_api.errors import Attempt, Refused
from clinic_api.guarded import guarded
from clinic_api.transaction import Transaction
from clinic_api.visits import call_store, call_tokens, store
from clinic_api.visits.model import Participant, Visit
from clinic_api.visits.visit import OPEN


class CallToken(msgspec.Struct, frozen=True):
    token: str


class CallEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What a call token stands for. `subject` is the participant's id."""

    room: str
    subject: str
    name: str
    role: str  # provider | patient | guest | device
    rights: tuple[str, ...]
    only_sound: bool  # the visit was agreed to be held without pictures
    waits: bool
    alone: bool  # in the call on one device at a time


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
        role=seat.role if seat.role in ("provider", "patient", "device") else "guest",
        rights=seat.rights,
        only_sound=visit.declared_modality == "audio",
        waits=seat.waits,
        alone=seat.binds_device,
    )


def _refused(tx: Transaction, actor: Actor, code: str, seat: Participant) -> Refused:
    attempt = Attempt(actor.kind, actor.id, tx.action, "participant", seat.id, actor.client)
    return Refused(code, attempt=attempt)


# what must not run any more


@guarded("visit.watch")
def call_orders(tx: Transaction, actor: Actor) -> tuple[CallOrder, ...]:
    """Whom to put out now; the same again until call control has said that they left."""
    del actor
    return tuple(CallOrder(row.room, row.subject) for row in call_store.stray_participations(tx))
