"""Two questions after a visit, 0 to 10, and room for a remark; once for each seat that was there.

Sound and picture are asked apart from the rest, because they are mended by other people. The
second is the question of the NHS Friends and Family Test and of Reichheld (HBR, December 2003):
would you recommend it. A practitioner's figures appear from five answers on and change by fives, so
that nobody's answer can be told from the difference; the words are for that practitioner only.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import msgspec
from msgspec import Meta

from clinic_api.actor import Actor
from clinic_api.directory import store as people
from clinic_api.directory.model import Id, Secret
from clinic_api.errors import Attempt, Refused
from clinic_api.guarded import Facts, guarded, hidden, permit
from clinic_api.transaction import Transaction
from clinic_api.visits import call_store
from clinic_api.visits import survey_store as store
from clinic_api.visits.joining import seat_of_link
from clinic_api.visits.model import PATIENT_SIDE, Participant, Visit
from clinic_api.visits.own_seat import own_seat
from clinic_api.visits.service import permitted

OPEN_FOR = timedelta(days=14)  # after the end of the visit
STEP = 5  # answers that appear together
RECENT = 500  # answers that the figures are made from
Score = Annotated[int, Meta(ge=0, le=10)]
Remark = Annotated[str, Meta(max_length=2000)]


class AnswerSurvey(msgspec.Struct, frozen=True, kw_only=True):
    """How well sound and picture worked, and whether one would recommend such a visit."""

    visit_id: Id
    technical: Score
    recommend: Score
    remark: Remark = ""


class AnswerByLink(msgspec.Struct, frozen=True, kw_only=True):
    """The same by whoever came by a link, with the token of that link."""

    token: Secret
    technical: Score
    recommend: Score
    remark: Remark = ""


class SurveysOf(msgspec.Struct, frozen=True):
    practitioner_id: Id


class SurveyResults(msgspec.Struct, frozen=True, kw_only=True):
    """Means of the newest answers, without names or times; none below five."""

    practitioner_id: str
    answers: int  # that the figures are made from
    technical: float | None
    recommend: float | None
    remarks: tuple[str, ...]  # by letter, not by time


@guarded("visit.survey")
def answer_survey(tx: Transaction, actor: Actor, command: AnswerSurvey) -> None:
    """Raises Refused: not_found, conflict (answered already), too_early, too_late."""
    visit = permitted(tx, actor, command.visit_id)
    seat = own_seat(tx, actor, visit)
    _keep(tx, actor, visit, seat, command)


@guarded("visit.survey")
def answer_by_link(tx: Transaction, actor: Actor, command: AnswerByLink) -> None:
    """Raises Refused: link_unknown, not_found, conflict (answered already), too_early, too_late."""
    seat, visit = seat_of_link(tx, actor, command.token)
    _keep(tx, actor, visit, seat, command)


@guarded("visit.read_surveys")
def read_surveys(tx: Transaction, actor: Actor, command: SurveysOf) -> SurveyResults:
    """Raises Refused(not_found)."""
    practitioner_id = command.practitioner_id
    facts = Facts(kind="practitioner", id=practitioner_id, practitioner_ids=(practitioner_id,))
    permit(tx, actor, facts)
    if people.practitioner(tx, practitioner_id) is None:
        raise hidden(tx, actor, "practitioner", practitioner_id)
    held = store.in_steps(tx, practitioner_id, STEP, RECENT)
    is_own = actor.practitioner_id == practitioner_id
    tx.note(actor, "practitioner", practitioner_id, shown=str(len(held)))
    return SurveyResults(
        practitioner_id=practitioner_id,
        answers=len(held),
        technical=_mean([one.technical for one in held]),
        recommend=_mean([one.recommend for one in held]),
        remarks=tuple(sorted(one.remark for one in held if one.remark)) if is_own else (),
    )


def _keep(
    tx: Transaction,
    actor: Actor,
    visit: Visit,
    seat: Participant,
    command: AnswerSurvey | AnswerByLink,
) -> None:
    comings = call_store.participations_of(tx, visit.id)
    was_there = any(one.participant_id == seat.id and one.admitted_at for one in comings)
    if seat.role not in PATIENT_SIDE or not was_there:
        raise hidden(tx, actor, "visit", visit.id)
    if visit.ended_at is None:
        raise Refused("too_early")
    if tx.now > visit.ended_at + OPEN_FOR:
        raise Refused("too_late", "It is too late to answer this. You can still call the clinic.")
    if store.has_answered(tx, seat.id):
        attempt = Attempt(actor.kind, actor.id, tx.action, "visit", visit.id, actor.client)
        raise Refused("conflict", "You have answered already. Thank you.", attempt=attempt)
    store.insert(
        tx,
        actor,
        visit_id=visit.id,
        participant_id=seat.id,
        practitioner_id=visit.practitioner_id,
        technical=command.technical,
        recommend=command.recommend,
        remark=command.remark,
    )
    tx.note(actor, "visit", visit.id, patient_id=visit.patient_id or "")


def _mean(scores: list[int]) -> float | None:
    return round(sum(scores) / len(scores), 1) if scores else None
