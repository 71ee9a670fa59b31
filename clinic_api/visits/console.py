"""Seats and tokens without the clinic's pages: for the console, integrators, devices, tests."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from clinic_api.actor import Actor
from clinic_api.errors import Refused
from clinic_api.guarded import guarded
from clinic_api.transaction import Transaction
from clinic_api.visits import call_tokens, store
from clinic_api.visits.gate import CallToken, named_by
from clinic_api.visits.model import Participant
from clinic_api.visits.seats import Seat, add_seat, known_seat, withdraw
from clinic_api.visits.service import known_visit
from clinic_api.visits.visit import OPEN

CONSOLE_LASTS = timedelta(days=3650)  # rooms of integrators end when they are ended


class ConsoleSeat(msgspec.Struct, frozen=True, kw_only=True):
    """A seat made without the clinic's pages: by the console, the demo, tests, integrators."""

    room: str
    seat: Seat


class TokenFor(msgspec.Struct, frozen=True, kw_only=True):
    participant_id: str
    ttl_s: float
    reusable: bool = False  # a device's


@guarded("visit.record")
def seat_in_room(tx: Transaction, actor: Actor, command: ConsoleSeat) -> Participant:
    """A seat in the visit of this room, which is made where there is none. Raises visit_ended."""
    visit = store.lock_visit(tx, command.room)
    if visit is None:
        visit_id = store.insert_visit(
            tx,
            actor,
            "",
            room=command.room,
            kind="console",
            practitioner_id=None,
            patient_id=command.seat.patient_id,
            declared_modality="video",
            opens_at=tx.now,
            expires_at=tx.now + CONSOLE_LASTS,
        )
        visit = known_visit(tx, visit_id)
    if visit.state not in OPEN:
        raise Refused("visit_ended")
    added = add_seat(tx, actor, visit.id, command.seat)
    tx.note(actor, "participant", added.id)
    return added


@guarded("visit.record")
def call_token_for(tx: Transaction, actor: Actor, command: TokenFor) -> str:
    """A call token for the console."""
    seat = known_seat(tx, command.participant_id)
    tx.note(actor, "participant", seat.id, event="token")
    return call_tokens.issue(tx, seat, timedelta(seconds=command.ttl_s), reusable=command.reusable)


@guarded("visit.record")
def revoke_call_token(tx: Transaction, actor: Actor, command: CallToken) -> None:
    """Withdraw the seat that a token of ours is for. Raises Refused: token_invalid."""
    seat, _ = named_by(tx, call_tokens.read(tx.keys, command.token))
    withdraw(tx, actor, seat)
    tx.note(actor, "participant", seat.id, event="revoke")
