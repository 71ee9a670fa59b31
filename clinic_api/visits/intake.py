"""The questions of a service before its visit: a draft that saves itself, then sent once.

The patient answers, or who acts for the patient. Staff who treat read what was sent, never a draft.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from clinic_api.actor import Actor
from clinic_api.catalogue import store as catalogue
from clinic_api.directory.model import Id
from clinic_api.errors import Refused
from clinic_api.forms import store as forms
from clinic_api.forms.answers import Answer, checked
from clinic_api.forms.definition import Definition
from clinic_api.forms.store import AnswersState, FormAnswers
from clinic_api.guarded import guarded, hidden
from clinic_api.scheduling import store as appointments
from clinic_api.transaction import Transaction
from clinic_api.visits.model import PATIENT_SIDE, Participant, Visit
from clinic_api.visits.service import permitted
from clinic_api.visits.third_parties import check_patient_side
from clinic_api.visits.visit import OPEN

MAX_BODY_BYTES = 512 * 1024
Answers = Annotated[dict[str, Answer], Meta(max_length=100)]


class IntakeOf(msgspec.Struct, frozen=True):
    visit_id: Id


class WriteIntake(msgspec.Struct, frozen=True, kw_only=True):
    """All answers so far, over the version that was read."""

    visit_id: Id
    version: int
    answers: Answers


class SendIntake(WriteIntake, frozen=True, kw_only=True):
    """All answers; they do not change any more."""


class IntakeView(msgspec.Struct, frozen=True, kw_only=True):
    """The questions as they were when the visit was booked, and the answers. Staff see none
    before they are sent."""

    id: str
    version: int
    visit_id: str
    state: AnswersState
    required: bool  # nobody on the patient's side comes into the call before it is sent
    definition: Definition
    answers: dict[str, Answer]
    submitted_at: datetime | None


@guarded("intake.read")
def read_intake(tx: Transaction, actor: Actor, command: IntakeOf) -> IntakeView:
    """Raises Refused(not_found), also for a visit without questions."""
    visit, held = _intake(tx, actor, command.visit_id)
    if not actor.is_staff:
        check_patient_side(tx, actor, visit)
    tx.note(actor, "visit", visit.id, patient_id=held.patient_id)
    return _view(tx, actor, visit, held)


@guarded("intake.write")
def save_intake(tx: Transaction, actor: Actor, command: WriteIntake) -> IntakeView:
    """Keep a draft. Raises Refused: not_found, stale, invalid, illegal_event (sent, or over)."""
    return _write(tx, actor, command, "draft")


@guarded("intake.write")
def send_intake(tx: Transaction, actor: Actor, command: SendIntake) -> IntakeView:
    """Send the answers, once. Raises Refused: not_found, stale, invalid (what is missing),
    illegal_event (sent, or over)."""
    return _write(tx, actor, command, "submitted")


def begin_intake(tx: Transaction, actor: Actor, visit: Visit, service_id: str) -> None:
    """With a booking: an empty draft of the questions that the service asks now."""
    service = catalogue.service(tx, service_id)
    form_id = None if service is None else service.details.form_id
    form = None if form_id is None else forms.form(tx, form_id)
    if form is not None and form.active and visit.patient_id is not None:
        forms.insert_answers(tx, actor, form.id, form.number, visit.patient_id, visit.id)


def lacks_intake(tx: Transaction, visit: Visit, seat: Participant) -> bool:
    """Whether the seat's holder may not enter a call before the questions are answered."""
    if seat.role not in PATIENT_SIDE or not _is_required(tx, visit):
        return False
    held = forms.answers_of_visit(tx, visit.id)
    return held is not None and held.state != "submitted"


def _write(tx: Transaction, actor: Actor, command: WriteIntake, state: AnswersState) -> IntakeView:
    visit, held = _intake(tx, actor, command.visit_id)
    check_patient_side(tx, actor, visit)
    if held.state == "submitted":
        raise Refused("illegal_event", "The answers were sent already.")
    if visit.state not in OPEN:
        raise Refused("illegal_event", f"The visit is {visit.state}: no answers are needed.")
    answers = checked(held.definition, command.answers, complete=state == "submitted")
    forms.write_answers(tx, actor, held, command.version, answers, state)
    tx.note(actor, "visit", visit.id, patient_id=held.patient_id, state=state)
    return _view(tx, actor, *_intake(tx, actor, visit.id))


def _intake(tx: Transaction, actor: Actor, visit_id: str) -> tuple[Visit, FormAnswers]:
    visit = permitted(tx, actor, visit_id)
    held = forms.answers_of_visit(tx, visit.id)
    if held is None:
        raise hidden(tx, actor, "visit", visit.id)
    return visit, held


def _view(tx: Transaction, actor: Actor, visit: Visit, held: FormAnswers) -> IntakeView:
    own = not actor.is_staff or visit.patient_id in actor.patient_ids
    return IntakeView(
        id=held.id,
        version=held.version,
        visit_id=visit.id,
        state=held.state,
        required=_is_required(tx, visit),
        definition=held.definition,
        answers=held.answers if own or held.state == "submitted" else {},
        submitted_at=held.submitted_at,
    )


def _is_required(tx: Transaction, visit: Visit) -> bool:
    appointment_id = visit.appointment_id
    booked = None if appointment_id is None else appointments.find(tx, appointment_id)
    service = None if booked is None else catalogue.service(tx, booked.service_id)
    return service is not None and service.details.form_required
