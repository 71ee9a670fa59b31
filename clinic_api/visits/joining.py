"""How a link's holder gets to a visit: the link says what it opens, a tap takes the seat.

Opening consumes nothing (mail scanners do it, too). The first browser that takes the seat is
remembered by a secret; another one has to confirm the date of birth on file, or six digits that the
clinic tells by phone, and takes the seat over. Tries are counted before they are compared, in a
transaction of their own, because a refusal keeps nothing: use `flows.enter`.
"""

from __future__ import annotations

import secrets
from datetime import date, datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from clinic_api.actor import Actor
from clinic_api.directory import store as people
from clinic_api.directory.model import Id, Secret
from clinic_api.errors import Attempt, Refused
from clinic_api.guarded import Facts, guarded, permit
from clinic_api.organisation.store import organisation
from clinic_api.transaction import Transaction
from clinic_api.visits import call_tokens, links, store
from clinic_api.visits.consenting import lacks_consent
from clinic_api.visits.intake import lacks_intake
from clinic_api.visits.model import (
    MAX_TRIES,
    PATIENT_SIDE,
    LinkState,
    Participant,
    Visit,
    link_state,
)
from clinic_api.visits.opening_words import opening_words
from clinic_api.visits.own_seat import seat_for
from clinic_api.visits.seats import known_seat
from clinic_api.visits.service import known_visit, permitted
from clinic_api.visits.third_parties import check_agreement
from clinic_api.visits.visit import State

CODES: dict[LinkState, str] = {  # of what a link does not open
    "early": "link_early",
    "expired": "link_expired",
    "ended": "visit_ended",
    "cancelled": "visit_cancelled",
    "revoked": "link_revoked",
}
Missing = Literal["consent", "intake"]
BEARER_PREFIX = "p_"  # a participant's, beside API keys


class OpenLink(msgspec.Struct, frozen=True, kw_only=True):
    """A link's token, or the short code that was read out."""

    token: Secret = ""
    code: Annotated[str, Meta(max_length=20)] = ""


class Enter(OpenLink, frozen=True, kw_only=True):
    """The tap. `device`: the secret that this browser got at the first tap; for another browser
    the date of birth or the confirmation code."""

    device: Secret = ""
    birth_date: date | None = None
    confirmation: Annotated[str, Meta(max_length=20)] = ""

    @property
    def confirms(self) -> bool:
        return self.birth_date is not None or bool(self.confirmation)


class TakeSeat(msgspec.Struct, frozen=True):
    visit_id: Id


class LinkView(msgspec.Struct, frozen=True, kw_only=True):
    """What a link opens: who invited to what, or why it does not, and the way out."""

    state: LinkState
    message: str
    clinic: str
    phone: str  # the way out
    practitioner: str
    name: str  # of whom the link is for; "" where it opens nothing
    opens_at: datetime
    starts_at: datetime | None  # as booked
    late_minutes: int | None  # the practitioner's own estimate
    in_use: bool  # on some device; another one has to confirm
    only_sound: bool  # the visit is held without pictures
    by_birth_date: bool  # whether the date of birth can confirm


class Entered(msgspec.Struct, frozen=True, kw_only=True):
    """A seat that was taken. `call_token` opens the call within a minute."""

    visit_id: str
    visit_state: State
    participant_id: str
    room: str
    name: str
    role: str
    device: str  # bearer of this participant: kept by the browser, "" for a signed-in user
    call_token: str  # "" while something is missing
    missing: tuple[Missing, ...]


@guarded("visit.open_link")
def open_link(tx: Transaction, actor: Actor, command: OpenLink) -> LinkView:
    """Describe, consuming nothing. Raises Refused(link_unknown)."""
    seat, visit, state = _linked(tx, actor, command)
    clinic = organisation(tx)
    practitioner = people.practitioner(tx, visit.practitioner_id or "")
    return LinkView(
        state=state,
        message="" if state == "open" else _refusal(tx, actor, state, seat).message,
        clinic=clinic.name,
        phone=clinic.phone,
        practitioner="" if practitioner is None else practitioner.name,
        name=seat.name if state in ("open", "early") else "",
        opens_at=visit.opens_at,
        starts_at=visit.starts_at,
        late_minutes=visit.late_minutes,
        in_use=seat.bound,
        only_sound=visit.declared_modality == "audio",
        by_birth_date=_birth_date(tx, seat) is not None,
    )


@guarded("visit.enter")
def spend_try(tx: Transaction, actor: Actor, command: Enter) -> None:
    """Count a confirmation before it is compared. Raises Refused: no_tries_left, link_unknown …"""
    seat, _, state = _linked(tx, actor, command)
    if state != "open":
        raise _refusal(tx, actor, state, seat)
    if seat.tries >= MAX_TRIES:
        raise _refused(tx, actor, "no_tries_left", seat)
    tx.update(store.participants, actor, seat.id, seat.version, tries=seat.tries + 1)
    tx.note(actor, "participant", seat.id, event="confirm")


@guarded("visit.enter")
def take_linked_seat(tx: Transaction, actor: Actor, command: Enter) -> Entered:
    """After `spend_try`, where something is confirmed. Raises Refused: link_*, visit_ended,
    visit_cancelled, confirm_needed, not_confirmed, no_tries_left."""
    seat, visit, state = _linked(tx, actor, command)
    if state != "open":
        raise _refusal(tx, actor, state, seat)
    check_agreement(seat)
    device = command.device
    if not (device and store.participant_by_device(tx, seat.id, device)):
        if seat.bound and seat.binds_device:
            _check_confirmation(tx, actor, command, seat)
        device = f"{BEARER_PREFIX}{links.short_id(seat.id)}.{secrets.token_urlsafe(24)}"
        seat = _bind(tx, actor, seat, device)
    tx.note(actor, "participant", seat.id, patient_id=visit.patient_id or "", event="enter")
    return _entered(tx, visit, seat, device)


@guarded("visit.enter")
def take_seat(tx: Transaction, actor: Actor, command: TakeSeat) -> Entered:
    """By somebody who is known already: the doctor, the patient, a participant of the visit.
    Raises Refused: not_found, visit_ended …"""
    visit = permitted(tx, actor, command.visit_id)
    seat = seat_for(tx, actor, visit)
    state = link_state(visit, seat, tx.now)
    if state != "open":
        raise _refusal(tx, actor, state, seat)
    tx.note(actor, "participant", seat.id, patient_id=visit.patient_id or "", event="enter")
    return _entered(tx, visit, seat, "")


def participant_actor(tx: Transaction, bearer: str, client: str) -> Actor | None:
    """Who a participant's bearer is, for authentication; None where it is nobody's any more."""
    participant_id = links.id_in(bearer.removeprefix(BEARER_PREFIX))
    if not bearer.startswith(BEARER_PREFIX) or participant_id is None:
        return None
    seat = store.participant_by_device(tx, participant_id, bearer)
    if seat is None or link_state(known_visit(tx, seat.visit_id), seat, tx.now) != "open":
        return None
    return Actor(kind="participant", id=seat.id, visit_id=seat.visit_id, client=client)


def _linked(
    tx: Transaction, actor: Actor, command: OpenLink
) -> tuple[Participant, Visit, LinkState]:
    """The seat of a link or a code, and what it opens. Raises Refused(link_unknown)."""
    seat, is_newest = _found(tx, command)
    if seat is None:
        attempt = Attempt(actor.kind, actor.id, tx.action, client=actor.client)
        raise Refused("link_unknown", attempt=attempt)
    facts = Facts(kind="participant", id=seat.id, visit_id=seat.visit_id)
    if actor.kind == "stranger":
        permit(tx, actor, facts)
    visit = known_visit(tx, seat.visit_id)
    state = link_state(visit, seat, tx.now)
    replaced = not is_newest and state in ("open", "early")
    return seat, visit, "revoked" if replaced else state


def seat_of_link(tx: Transaction, actor: Actor, token: str) -> tuple[Participant, Visit]:
    """Whose the newest link of a seat is, also after the visit. Raises Refused: link_unknown,
    link_revoked."""
    seat, is_newest = _found(tx, OpenLink(token=token))
    if seat is None:
        attempt = Attempt(actor.kind, actor.id, tx.action, client=actor.client)
        raise Refused("link_unknown", attempt=attempt)
    if not is_newest or seat.revoked_at is not None:
        raise _refused(tx, actor, "link_revoked", seat)
    return seat, known_visit(tx, seat.visit_id)


def _found(tx: Transaction, command: OpenLink) -> tuple[Participant | None, bool]:
    if command.code:
        return store.participant_by_code(tx, links.tidy_code(command.code)), True
    participant_id = links.id_in(command.token)
    seat = None if participant_id is None else store.participant(tx, participant_id)
    if seat is None:
        return None, False
    generation = links.generation_of(tx.keys, command.token, seat.id, seat.generation)
    return (None if generation is None else seat), generation == seat.generation


def _check_confirmation(tx: Transaction, actor: Actor, command: Enter, seat: Participant) -> None:
    if not command.confirms:
        raise _refused(tx, actor, "confirm_needed", seat)
    birth_date = _birth_date(tx, seat)
    code = links.confirmation_of(tx.keys, seat.id, seat.generation, seat.takeovers)
    by_date = birth_date is not None and command.birth_date == birth_date
    if not (by_date or links.same(links.tidy_confirmation(command.confirmation), code)):
        raise _refused(tx, actor, "not_confirmed", seat)


def _birth_date(tx: Transaction, seat: Participant) -> date | None:
    """The date that confirms: the patient's, for whoever comes as or for the patient."""
    if seat.role not in PATIENT_SIDE or seat.patient_id is None:
        return None
    patient = people.patient(tx, seat.patient_id)
    return None if patient is None else patient.details.birth_date


def _bind(tx: Transaction, actor: Actor, seat: Participant, device: str) -> Participant:
    """Of two browsers at once, one is the first, and the other is asked who it is."""
    try:
        tx.update(
            store.participants,
            actor,
            seat.id,
            seat.version,
            device=tx.index(store.participants.c.device, device),
            takeovers=seat.takeovers + int(seat.bound),
            tries=0,
        )
    except Refused:
        raise _refused(tx, actor, "confirm_needed", seat) from None
    return known_seat(tx, seat.id)


def _entered(tx: Transaction, visit: Visit, seat: Participant, device: str) -> Entered:
    lacks: dict[Missing, bool] = {
        "consent": lacks_consent(tx, seat),
        "intake": lacks_intake(tx, visit, seat),
    }
    missing = tuple(name for name, is_missing in lacks.items() if is_missing)
    return Entered(
        visit_id=visit.id,
        visit_state=visit.state,
        participant_id=seat.id,
        room=visit.room,
        name=seat.name,
        role=seat.role,
        device=device,
        call_token="" if missing else call_tokens.issue(tx, seat),
        missing=missing,
    )


def _refusal(tx: Transaction, actor: Actor, state: LinkState, seat: Participant) -> Refused:
    words = opening_words(tx, known_visit(tx, seat.visit_id), seat) if state == "early" else ""
    return _refused(tx, actor, CODES[state], seat, words)


def _refused(
    tx: Transaction, actor: Actor, code: str, seat: Participant, words: str = ""
) -> Refused:
    """With the clinic's phone number as the way out."""
    attempt = Attempt(actor.kind, actor.id, tx.action, "participant", seat.id, actor.client)
    phone = organisation(tx).phone
    way_out = f" You can call the clinic: {phone}" if phone else ""
    return Refused(code, (words or Refused(code).message) + way_out, attempt=attempt)
