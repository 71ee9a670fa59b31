"""The questions before a visit: saved as a draft, sent once, read by who treats."""

from __future__ import annotations

from typing import Any

import pytest

from clinic_api.actor import Actor
from clinic_api.db import Database
from clinic_api.forms.definition import Definition, Question
from clinic_api.forms.service import ChangeForm, CreateForm, change_form, create_form
from clinic_api.forms.store import form_answers, list_forms
from clinic_api.scheduling.reading import ListAppointments, list_appointments
from clinic_api.transaction import Transaction
from clinic_api.visits.checking_in import SayWhere, check_in
from clinic_api.visits.intake import (
    IntakeOf,
    IntakeView,
    SendIntake,
    WriteIntake,
    read_intake,
    save_intake,
    send_intake,
)
from clinic_api.visits.invitations import Invite, invite
from tests.clinic_api.conftest import Clock
from tests.clinic_api.scheduling.cast import ADA, Practice, practice
from tests.clinic_api.visits.booked_cast import BookedCall
from tests.clinic_api.visits.cast import CAROL, CHARLIE, CONSOLE, participant

ASKED = Definition(
    titles={"en": "Before the visit"},
    questions=(
        Question(key="why", kind="text", labels={"en": "Why do you come?"}, required=True),
        Question(key="weight", kind="number", labels={"en": "Your weight"}, unit="kg"),
    ),
)
OTHERWISE = Definition(titles={"en": "Before"}, questions=ASKED.questions[:1])
NED = Actor(kind="user", id="ned", roles=frozenset({"nurse"}))


@pytest.fixture
async def clinic(sqlite_database: Database, clock: Clock) -> Practice:
    return await practice(sqlite_database, clock)


@pytest.fixture
async def clinic_on_both(database: Database, clock: Clock) -> Practice:
    return await practice(database, clock)


async def test_a_draft_is_saved_and_sent_once_and_then_read_by_who_treats(
    clinic_on_both: Practice,
) -> None:
    clinic = clinic_on_both
    visit_id, alice = await _asked(clinic)
    draft = await clinic.see(read_intake, alice, IntakeOf(visit_id))
    assert (draft.state, draft.answers, draft.required) == ("draft", {}, False)
    saved = await clinic.do(save_intake, alice, _answers(draft, weight=61.5))
    assert (await clinic.see(read_intake, clinic.bob, IntakeOf(visit_id))).answers == {}
    missing = await clinic.refusal(send_intake, alice, _sent(saved, weight=61.5))
    assert missing.fields == {"why": "Please answer this."}
    sent = await clinic.do(send_intake, alice, _sent(saved, why="A cough", weight=61.5))
    assert sent.submitted_at == clinic.database.now()
    seen = await clinic.see(read_intake, clinic.bob, IntakeOf(visit_id))
    assert seen.answers == {"why": "A cough", "weight": 61.5}
    again = await clinic.refusal(save_intake, alice, _answers(sent, why="Nothing"))
    assert again.code == "illegal_event"
    assert b"cough" not in (await clinic.rows(form_answers))[0].answers


async def test_a_draft_over_an_older_version_is_refused(clinic: Practice) -> None:
    visit_id, alice = await _asked(clinic)
    draft = await clinic.see(read_intake, alice, IntakeOf(visit_id))
    await clinic.do(save_intake, alice, _answers(draft, why="A cough"))
    assert (await clinic.refusal(save_intake, alice, _answers(draft))).code == "stale"


async def test_whoever_does_not_treat_reads_nothing(clinic: Practice) -> None:
    visit_id, _ = await _asked(clinic)
    made = await clinic.do(
        invite, clinic.bob, Invite(visit_id=visit_id, role="interpreter", name="Iris")
    )
    iris = participant(await clinic.tap(made.path.partition("#")[2]))
    for actor in (iris, CHARLIE, clinic.eve, clinic.dora, NED):
        assert (await clinic.refusal(read_intake, actor, IntakeOf(visit_id))).code == "not_found"
    for actor in (CAROL, ADA):
        assert (await clinic.refusal(read_intake, actor, IntakeOf(visit_id))).code == "not_allowed"


async def test_the_questions_stay_as_they_were_when_the_visit_was_booked(clinic: Practice) -> None:
    visit_id, alice = await _asked(clinic)
    assert (await clinic.see(read_intake, alice, IntakeOf(visit_id))).definition == ASKED
    await clinic.database.write(_changed)
    assert (await clinic.see(read_intake, alice, IntakeOf(visit_id))).definition == ASKED


async def test_where_the_service_demands_it_nobody_checks_in_or_comes_before_it_is_sent(
    clinic_on_both: Practice,
) -> None:
    clinic = clinic_on_both
    visit_id, alice = await _asked(clinic, form_required=True)
    seat = await clinic.tap(await _token(clinic))
    assert (seat.missing, seat.call_token) == (("intake",), "")
    where = SayWhere(visit_id=visit_id, location="At home", callback="+12025550123")
    refused = await clinic.refusal(check_in, alice, where)
    assert (refused.code, "questions" in refused.message) == ("intake_needed", True)
    draft = await clinic.see(read_intake, alice, IntakeOf(visit_id))
    assert draft.required
    await clinic.do(send_intake, alice, _sent(draft, why="A cough"))
    await clinic.do(check_in, alice, where)
    assert (await clinic.bob_enters(visit_id)).call_token
    again = await clinic.tap(await _token(clinic), device=seat.device)
    assert (again.missing, again.call_token != "") == ((), True)


async def test_a_visit_without_questions_has_none(clinic: Practice) -> None:
    visit = await (await BookedCall.booked(clinic)).visit()
    assert (await clinic.refusal(read_intake, clinic.bob, IntakeOf(visit.id))).code == "not_found"


async def _asked(clinic: Practice, **more: Any) -> tuple[str, Actor]:
    """A visit that is about to begin, and Alice, who came by her link where that is possible."""
    form = await clinic.do(create_form, CONSOLE, CreateForm(name="Intake", definition=ASKED))
    service_id = await clinic.service(form_id=form.id, duration_min=30, **more)
    call = await BookedCall.booked(clinic, service_id=service_id)
    call.at(-10)
    return (await call.visit()).id, clinic.alice


async def _token(clinic: Practice) -> str:
    found = await clinic.see(list_appointments, CONSOLE, ListAppointments())
    return await BookedCall(clinic, found.items[0]).token()


def _changed(tx: Transaction) -> None:
    (form,) = list_forms(tx, "", 10).items
    change_form(
        tx,
        CONSOLE,
        ChangeForm(form_id=form.id, version=form.version, name="Intake", definition=OTHERWISE),
    )


def _answers(held: IntakeView, **answers: Any) -> WriteIntake:
    return WriteIntake(visit_id=held.visit_id, version=held.version, answers=answers)


def _sent(held: IntakeView, **answers: Any) -> SendIntake:
    return SendIntake(visit_id=held.visit_id, version=held.version, answers=answers)
