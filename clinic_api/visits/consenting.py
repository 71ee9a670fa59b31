"""Consents: texts with versions, never edited; who agreed to which, in which language.

A clinic that publishes a telehealth text requires it: nobody on the patient's side enters a call
before agreeing to its newest version.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from clinic_api.actor import Actor
from clinic_api.directory.model import Id, Language
from clinic_api.errors import Refused
from clinic_api.guarded import guarded, hidden
from clinic_api.transaction import Transaction
from clinic_api.visits import consent_store as store
from clinic_api.visits.consent import Event, State, after
from clinic_api.visits.model import PATIENT_SIDE, Participant, Visit
from clinic_api.visits.own_seat import own_seat
from clinic_api.visits.service import permitted

Kind = Literal["telehealth", "treatment", "messaging", "data_sharing"]


class PublishText(msgspec.Struct, frozen=True, kw_only=True):
    """A new version; the one before stays as it was."""

    kind: Kind
    language: Language = "en"
    text: Annotated[str, Meta(min_length=1, max_length=50_000)]


class ListTexts(msgspec.Struct, frozen=True):
    """All kinds and languages, newest versions only."""


class TextPage(msgspec.Struct, frozen=True):
    items: tuple[store.ConsentText, ...]


class ConsentsOf(msgspec.Struct, frozen=True):
    visit_id: Id


class AnswerConsent(msgspec.Struct, frozen=True, kw_only=True):
    """The signer's own answer to the text with this hash, as it was shown."""

    visit_id: Id
    text_id: Id
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    answer: Literal["give", "refuse", "withdraw"]


class Consent(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    version: int
    kind: str
    text_id: str
    text_version: int
    language: str
    sha256: str
    state: State
    decided_at: datetime


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the person still has to answer, and what was answered."""

    open: tuple[store.ConsentText, ...]
    answered: tuple[Consent, ...]


@guarded("consent_text.publish")
def publish_text(tx: Transaction, actor: Actor, command: PublishText) -> store.ConsentText:
    """The next version of this kind in this language."""
    digest = hashlib.sha256(command.text.encode()).hexdigest()
    text_id = store.insert_text(tx, actor, command.kind, command.language, command.text, digest)
    tx.note(actor, "consent_text", text_id)
    return _text(tx, actor, text_id)


@guarded("consent_text.list")
def list_texts(tx: Transaction, actor: Actor, command: ListTexts) -> TextPage:
    del actor, command
    return TextPage(tuple(store.newest_texts(tx)))


@guarded("visit.consent")
def read_consents(tx: Transaction, actor: Actor, command: ConsentsOf) -> Asked:
    """What the actor is asked in this visit. Raises Refused(not_found)."""
    visit, seat = _seat(tx, actor, command.visit_id)
    tx.note(actor, "visit", visit.id, patient_id=visit.patient_id or "")
    return _asked(tx, seat)


@guarded("visit.consent")
def answer_consent(tx: Transaction, actor: Actor, command: AnswerConsent) -> Asked:
    """Raises Refused: not_found, conflict (another text than the one that was shown),
    illegal_event."""
    visit, seat = _seat(tx, actor, command.visit_id)
    text = _text(tx, actor, command.text_id)
    if text.sha256 != command.sha256:
        raise Refused("conflict", "This is not the text that was shown.")
    _answer(tx, actor, visit, seat, text, command.answer)
    return _asked(tx, seat)


def lacks_consent(tx: Transaction, seat: Participant) -> bool:
    """Whether the seat's holder may not enter a call yet."""
    if seat.role not in PATIENT_SIDE:
        return False
    wanted = _wanted(tx, seat, "telehealth")
    return wanted is not None and not _stands(tx, seat, wanted)


def _answer(
    tx: Transaction,
    actor: Actor,
    visit: Visit,
    seat: Participant,
    text: store.ConsentText,
    event: Event,
) -> None:
    held = store.standing_consent(tx, seat.patient_id, seat.id, text.id)
    if held is not None and event == "withdraw":
        store.move_consent(tx, actor, held, after(held.state, event))
        consent_id = held.id
    else:
        state = after("presented", event)
        store.supersede(tx, actor, seat.patient_id, seat.id, text.kind)
        consent_id = store.insert_consent(tx, actor, visit.id, seat, text, state)
    tx.note(actor, "consent", consent_id, patient_id=seat.patient_id or "", event=event)


def _asked(tx: Transaction, seat: Participant) -> Asked:
    kinds = sorted({text.kind for text in store.newest_texts(tx)})
    wanted = [text for kind in kinds if (text := _wanted(tx, seat, kind)) is not None]
    still_open = tuple(text for text in wanted if not _stands(tx, seat, text))
    answered = tuple(
        Consent(**{name: getattr(one, name) for name in Consent.__struct_fields__})
        for one in store.consents_of(tx, seat.patient_id, seat.id)
    )
    return Asked(open=still_open, answered=answered)


def _stands(tx: Transaction, seat: Participant, text: store.ConsentText) -> bool:
    return store.standing_consent(tx, seat.patient_id, seat.id, text.id) is not None


def _wanted(tx: Transaction, seat: Participant, kind: str) -> store.ConsentText | None:
    """The newest text of the kind, in the person's language if there is one."""
    texts = [text for text in store.newest_texts(tx) if text.kind == kind]
    own = [text for text in texts if text.language == seat.language]
    return next(iter(own or texts), None)


def _seat(tx: Transaction, actor: Actor, visit_id: str) -> tuple[Visit, Participant]:
    visit = permitted(tx, actor, visit_id)
    return visit, own_seat(tx, actor, visit)


def _text(tx: Transaction, actor: Actor, text_id: str) -> store.ConsentText:
    text = store.text(tx, text_id)
    if text is None:
        raise hidden(tx, actor, "consent_text", text_id)
    return text
