"""Forms: published by administrators, in versions that are never edited."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from clinic_api.db import Database
from clinic_api.forms import store
from clinic_api.forms.service import (
    ChangeForm,
    CreateForm,
    ListForms,
    OneForm,
    change_form,
    create_form,
    list_forms,
    read_form,
)
from tests.clinic_api.catalogue.test_service import ADA
from tests.clinic_api.conftest import Clock
from tests.clinic_api.forms.test_answers import FORM
from tests.clinic_api.visits.cast import CAROL, CHARLIE, Clinic, opened


@pytest.fixture
async def clinic(database: Database, clock: Clock) -> Clinic:
    return await opened(database, clock)


async def test_other_questions_are_the_next_version_and_another_name_is_not(
    clinic: Clinic,
) -> None:
    made = await clinic.do(create_form, ADA, CreateForm(name="Intake", definition=FORM))
    named = ChangeForm(form_id=made.id, version=1, name="Before a visit", definition=FORM)
    assert (await clinic.do(change_form, ADA, named)).number == 1
    fewer = replace(FORM, questions=FORM.questions[:1])
    changed = await clinic.do(change_form, ADA, replace(named, version=2, definition=fewer))
    assert (changed.number, changed.definition) == (2, fewer)
    assert len(await clinic.rows(store.form_versions)) == 2
    assert (await clinic.refusal(change_form, ADA, named)).code == "stale"


async def test_staff_read_forms_and_patients_do_not_list_them(clinic: Clinic) -> None:
    made = await clinic.do(create_form, ADA, CreateForm(name="Intake", definition=FORM))
    assert (await clinic.see(list_forms, CAROL, ListForms())).items == (made,)
    assert (await clinic.see(read_form, clinic.bob, OneForm(made.id))) == made
    assert (await clinic.refusal(read_form, CHARLIE, OneForm(made.id))).code == "not_allowed"
    again = CreateForm(name="Mine", definition=FORM)
    assert (await clinic.refusal(create_form, CAROL, again)).code == "not_allowed"


async def test_answers_are_sealed_and_keep_their_questions(clinic: Clinic) -> None:
    made = await clinic.do(create_form, ADA, CreateForm(name="Intake", definition=FORM))
    visit = await clinic.visit()
    assert visit.visit.patient_id is not None
    patient_id = visit.visit.patient_id

    await clinic.database.write(
        lambda tx: store.insert_answers(tx, clinic.bob, made.id, 1, patient_id, visit.id)
    )
    held = await clinic.database.read(lambda tx: store.answers_of_visit(tx, visit.id))
    assert held is not None
    await clinic.database.write(
        lambda tx: store.write_answers(
            tx, clinic.bob, held, held.version, {"why": "a secret cough"}, "submitted"
        )
    )
    (row,) = await clinic.rows(store.form_answers)
    assert b"cough" not in row.answers
    read = await clinic.database.read(lambda tx: store.answers_of_visit(tx, visit.id))
    assert read is not None
    assert (read.answers, read.state, read.definition) == (
        {"why": "a secret cough"},
        "submitted",
        FORM,
    )
