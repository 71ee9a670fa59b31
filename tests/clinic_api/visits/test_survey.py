"""Two questions after a visit, once for each who came; figures from five answers on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from clinic_api.actor import STRANGER
from clinic_api.visits.joining import Entered
from clinic_api.visits.seats import link_of
from clinic_api.visits.service import InstantVisit, OneVisit, end_visit
from clinic_api.visits.store import participant as seat_row
from clinic_api.visits.survey import (
    AnswerByLink,
    AnswerSurvey,
    SurveysOf,
    answer_by_link,
    answer_survey,
    read_surveys,
)
from clinic_api.visits.survey_store import visit_surveys
from tests.clinic_api.scheduling.cast import ADA
from tests.clinic_api.visits.cast import CAROL, CHARLIE, Clinic, signed_in, token_in


async def test_who_came_by_a_link_answers_once_after_the_visit(clinic_on_both: Clinic) -> None:
    clinic = clinic_on_both
    made, seat = await _in_call(clinic)
    answer = AnswerByLink(token=token_in(made), technical=9, recommend=10, remark="All well")
    assert (await clinic.refusal(answer_by_link, STRANGER, answer)).code == "too_early"
    await clinic.do(end_visit, clinic.bob, OneVisit(made.id))
    await clinic.do(answer_by_link, STRANGER, answer)
    assert (await clinic.refusal(answer_by_link, STRANGER, answer)).code == "conflict"
    (row,) = await clinic.rows(visit_surveys)
    assert (row.participant_id, row.technical, row.recommend) == (seat.participant_id, 9, 10)
    assert b"well" not in row.remark


async def test_a_patient_who_is_signed_in_needs_no_link(clinic: Clinic) -> None:
    made, _ = await _in_call(clinic)
    await clinic.do(end_visit, clinic.bob, OneVisit(made.id))
    assert made.visit.patient_id is not None
    answer = AnswerSurvey(visit_id=made.id, technical=5, recommend=5)
    assert (await clinic.refusal(answer_survey, CHARLIE, answer)).code == "not_found"
    await clinic.do(answer_survey, signed_in(made.visit.patient_id), answer)
    assert len(await clinic.rows(visit_surveys)) == 1


async def test_who_was_not_there_treats_or_comes_too_late_is_not_asked(clinic: Clinic) -> None:
    made, _ = await _in_call(clinic)
    unused = await clinic.visit(name="Dave")
    bob = await clinic.database.read(lambda tx: _providers_token(tx, made))
    for each in (made, unused):
        await clinic.do(end_visit, clinic.bob, OneVisit(each.id))
    for token in (token_in(unused), bob):
        answer = AnswerByLink(token=token, technical=1, recommend=1)
        assert (await clinic.refusal(answer_by_link, STRANGER, answer)).code == "not_found"
    forged = AnswerByLink(token=token_in(made)[:-2] + "xx", technical=1, recommend=1)
    assert (await clinic.refusal(answer_by_link, STRANGER, forged)).code == "link_unknown"
    clinic.clock.advance(timedelta(days=14, seconds=1).total_seconds())
    late = AnswerByLink(token=token_in(made), technical=1, recommend=1)
    assert (await clinic.refusal(answer_by_link, STRANGER, late)).code == "too_late"


async def test_figures_appear_from_five_answers_on_and_change_by_fives(
    clinic_on_both: Clinic,
) -> None:
    clinic = clinic_on_both
    for score in (10, 9, 8, 7):
        await _answered(clinic, score, "b" if score > 8 else "")
    asked = SurveysOf(str(clinic.bob.practitioner_id))
    nothing = await clinic.see(read_surveys, clinic.bob, asked)
    assert (nothing.answers, nothing.technical, nothing.remarks) == (0, None, ())
    await _answered(clinic, 6, "a")
    five = await clinic.see(read_surveys, clinic.bob, asked)
    assert (five.answers, five.technical, five.recommend) == (5, 8.0, 7.0)
    assert five.remarks == ("a", "b", "b")
    await _answered(clinic, 1, "c")
    assert await clinic.see(read_surveys, clinic.bob, asked) == five
    seen_by_ada = await clinic.see(read_surveys, ADA, asked)
    assert (seen_by_ada.technical, seen_by_ada.remarks) == (8.0, ())


@pytest.mark.parametrize(("actor", "code"), [(CAROL, "not_allowed"), (CHARLIE, "not_allowed")])
async def test_nobody_else_sees_the_figures(clinic: Clinic, actor: Any, code: str) -> None:
    asked = SurveysOf(str(clinic.bob.practitioner_id))
    assert (await clinic.refusal(read_surveys, actor, asked)).code == code


async def _answered(clinic: Clinic, score: int, remark: str) -> None:
    made, _ = await _in_call(clinic)
    await clinic.do(end_visit, clinic.bob, OneVisit(made.id))
    answer = AnswerByLink(token=token_in(made), technical=score, recommend=score - 1, remark=remark)
    await clinic.do(answer_by_link, STRANGER, answer)
    clinic.clock.advance(1)


async def _in_call(clinic: Clinic) -> tuple[InstantVisit, Entered]:
    made = await clinic.visit()
    seat = await clinic.tap(token_in(made))
    await clinic.joins(seat, f"a-{made.id}"[:60])
    await clinic.is_admitted(seat, f"a-{made.id}"[:60])
    return made, seat


def _providers_token(tx: Any, made: InstantVisit) -> str:
    provider = next(seat for seat in made.visit.participants if seat.role == "provider")
    seat = seat_row(tx, provider.id)
    assert seat is not None
    return link_of(tx, seat).path.partition("#")[2]
