"""What an appointment still needs of its patient: seen at booking, gone once it is done."""

from __future__ import annotations

import pytest

from clinic_api.db import Database
from clinic_api.forms.definition import Definition, Question
from clinic_api.forms.service import CreateForm, create_form
from clinic_api.scheduling.booking import confirm
from clinic_api.scheduling.ending import Cancel, cancel
from clinic_api.scheduling.model import AppointmentView
from clinic_api.scheduling.reading import (
    ListAppointments,
    ReadAppointment,
    list_appointments,
    read_appointment,
)
from clinic_api.visits import store
from clinic_api.visits.consenting import (
    AnswerConsent,
    Kind,
    PublishText,
    answer_consent,
    publish_text,
)
from clinic_api.visits.intake import IntakeOf, SendIntake, read_intake, send_intake
from tests.clinic_api.conftest import Clock
from tests.clinic_api.scheduling.cast import ADA, HALF_HOUR, NINE, Practice, one, practice

ASKED = Definition(
    titles={"en": "Before the visit"},
    questions=(Question(key="why", kind="text", labels={"en": "Why do you come?"}),),
)


@pytest.fixture
async def clinic(database: Database, clock: Clock) -> Practice:
    return await practice(database, clock)


async def with_form(clinic: Practice) -> str:
    """A service that asks something and wants consent to treatment."""
    form = await clinic.do(create_form, ADA, CreateForm(name="Intake", definition=ASKED))
    return await clinic.service(form_id=form.id, consents=("treatment",), step_min=30)


async def agree(clinic: Practice, visit_id: str, kind: Kind) -> None:
    text = await clinic.do(publish_text, ADA, PublishText(kind=kind, text="Yes?"))
    answer = AnswerConsent(visit_id=visit_id, text_id=text.id, sha256=text.sha256, answer="give")
    await clinic.do(answer_consent, clinic.alice, answer)


async def visit_id_of(clinic: Practice, booked: AppointmentView) -> str:
    visit = await clinic.database.read(lambda tx: store.visit_of(tx, booked.id))
    assert visit is not None
    return visit.id


async def needs(clinic: Practice, booked: AppointmentView) -> tuple[str, ...]:
    """As it is read alone, and in a list: the same."""
    alone = await clinic.see(read_appointment, clinic.alice, ReadAppointment(booked.id))
    listed = await clinic.see(list_appointments, clinic.alice, ListAppointments())
    assert [each.needs for each in listed.items if each.id == booked.id] == [alone.needs]
    return alone.needs


async def test_a_booking_tells_what_is_still_needed_until_it_is_there(clinic: Practice) -> None:
    service_id = await with_form(clinic)
    for kind in ("telehealth", "treatment", "messaging"):
        await clinic.do(publish_text, ADA, PublishText(kind=kind, text="May we?"))
    held = await clinic.hold(clinic.alice, service_id=service_id)
    everything = ("form", "consent:telehealth", "consent:treatment")
    assert held.needs == everything
    booked = await clinic.do(confirm, clinic.alice, one(held))
    assert booked.needs == everything
    visit_id = await visit_id_of(clinic, booked)
    draft = await clinic.see(read_intake, clinic.alice, IntakeOf(visit_id))
    answers = SendIntake(visit_id=visit_id, version=draft.version, answers={"why": "A cough"})
    await clinic.do(send_intake, clinic.alice, answers)
    assert await needs(clinic, booked) == everything[1:]
    await agree(clinic, visit_id, "telehealth")
    assert await needs(clinic, booked) == everything[2:]
    await agree(clinic, visit_id, "treatment")
    assert await needs(clinic, booked) == ()
    other = await clinic.booked(clinic.eve, NINE + HALF_HOUR, service_id=service_id)
    assert other.needs == everything  # what Alice said is not Eve's


async def test_what_cannot_be_given_and_what_is_over_needs_nothing(clinic: Practice) -> None:
    service_id = await with_form(clinic)
    assert (await clinic.booked(clinic.alice)).needs == ()
    booked = await clinic.booked(clinic.eve, NINE + HALF_HOUR, service_id=service_id)
    assert booked.needs == ("form",)  # there is no text to agree to
    given_up = Cancel(appointment_id=booked.id, version=booked.version)
    assert (await clinic.do(cancel, clinic.eve, given_up)).needs == ()
