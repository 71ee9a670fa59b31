"""Problems, allergies, medicines and measurements: who notes, confirms, changes and reads them."""

from __future__ import annotations

from datetime import timedelta
from typing import get_args

import pytest
from msgspec.structs import replace

from clinic_api.actor import Actor
from clinic_api.errors import Refused
from clinic_api.records import lists_store, observations_store
from clinic_api.records.entry import EVENTS, STATES, TABLE, after
from clinic_api.records.lists import (
    ChangeProblem,
    NoteAllergy,
    NoteMedicine,
    NoteProblem,
    OfPatient,
    OneEntry,
    WithdrawEntry,
    change_problem,
    confirm_entry,
    end_entry,
    note_allergy,
    note_medicine,
    note_problem,
    reactivate_entry,
    read_lists,
    withdraw_entry,
)
from clinic_api.records.observations import (
    ListObservations,
    NoteObservation,
    WithdrawObservation,
    list_observations,
    newest_observations,
    note_observation,
    withdraw_observation,
)
from clinic_api.records.vital_signs import VITALS, VitalKind
from tests.clinic_api.records.cast import hers
from tests.clinic_api.visits.cast import CAROL, CHARLIE, Clinic
from tests.clinic_api.visits.test_service import OTHER_DOCTOR


async def test_what_the_patient_says_is_marked_so_until_the_doctor_confirms_it(
    clinic: Clinic, alice: Actor
) -> None:
    said = NoteProblem(patient_id=hers(alice), text="Asthma", since="2019")
    made = await clinic.do(note_problem, alice, said)
    assert (made.source, made.confirmed_by, made.confirmed_at) == ("patient", "", None)
    change = ChangeProblem(entry_id=made.id, version=1, text="Asthma, mild")
    changed = await clinic.do(change_problem, alice, change)
    confirm = OneEntry(entry_id=made.id, version=changed.version)
    confirmed = await clinic.do(confirm_entry, clinic.bob, confirm)
    assert confirmed.confirmed_by == clinic.bob.label
    assert confirmed.source == "patient"
    again = replace(change, version=confirmed.version)
    assert (await clinic.refusal(change_problem, alice, again)).code == "not_allowed"
    assert (await clinic.do(change_problem, clinic.bob, again)).problem is not None


@pytest.mark.parametrize("actor", [CAROL, CHARLIE, OTHER_DOCTOR], ids=["desk", "other", "doctor"])
async def test_nobody_else_reads_or_notes_anything(
    clinic: Clinic, alice: Actor, actor: Actor
) -> None:
    made = await clinic.do(
        note_problem, clinic.bob, NoteProblem(patient_id=hers(alice), text="Asthma")
    )
    read = await clinic.refusal(read_lists, actor, OfPatient(hers(alice)))
    noted = NoteProblem(patient_id=hers(alice), text="Gossip")
    wrote = await clinic.refusal(note_problem, actor, noted)
    error = WithdrawEntry(entry_id=made.id, version=1, because="I say so")
    changed = await clinic.refusal(withdraw_entry, actor, error)
    assert {read.code, wrote.code, changed.code} <= {"not_found", "not_allowed"}
    (kept,) = (await clinic.see(read_lists, alice, OfPatient(hers(alice)))).problems
    assert kept == made


async def test_a_chart_that_is_read_is_audited_once_and_its_texts_are_sealed(
    clinic: Clinic, alice: Actor
) -> None:
    for text in ("Asthma", "Back pain"):
        await clinic.do(note_problem, alice, NoteProblem(patient_id=hers(alice), text=text))
    lists = await clinic.see(read_lists, clinic.bob, OfPatient(hers(alice)))
    assert len(lists.problems) == 2
    (row,) = await clinic.audited("clinical.read")
    assert (row.actor_id, row.patient_id) == (clinic.bob.id, hers(alice))
    assert all(b"pain" not in each.detail for each in await clinic.rows(lists_store.entries))


async def test_a_list_says_allergies_or_that_none_is_known(clinic: Clinic, alice: Actor) -> None:
    none = NoteAllergy(patient_id=hers(alice), none_known=True)
    await clinic.do(note_allergy, alice, none)
    assert (await clinic.refusal(note_allergy, alice, none)).code == "conflict"
    nuts = NoteAllergy(patient_id=hers(alice), text="Nuts", severity="severe")
    await clinic.do(note_allergy, alice, nuts)
    lists = await clinic.see(read_lists, alice, OfPatient(hers(alice)))
    assert {one.state for one in lists.allergies if one.allergy and one.allergy.none_known} == {
        "inactive"
    }
    assert (await clinic.refusal(note_allergy, alice, none)).code == "conflict"
    both = NoteAllergy(patient_id=hers(alice), none_known=True, text="Nuts")
    assert (await clinic.refusal(note_allergy, alice, both)).fields.keys() == {"text"}


async def test_a_medicine_is_stopped_taken_again_and_withdrawn_for_good(
    clinic: Clinic, alice: Actor
) -> None:
    taken = NoteMedicine(patient_id=hers(alice), text="Ibuprofen", dosage="400 mg when needed")
    made = await clinic.do(note_medicine, clinic.bob, taken)
    ended = await clinic.do(end_entry, clinic.bob, OneEntry(entry_id=made.id, version=1))
    assert ended.state == "inactive"
    back = OneEntry(entry_id=made.id, version=ended.version)
    again = await clinic.do(reactivate_entry, clinic.bob, back)
    wrong = WithdrawEntry(entry_id=made.id, version=again.version, because="Another Alice")
    gone = await clinic.do(withdraw_entry, clinic.bob, wrong)
    assert (gone.state, gone.withdrawn_because) == ("entered_in_error", "Another Alice")
    late = OneEntry(entry_id=made.id, version=gone.version)
    assert (await clinic.refusal(reactivate_entry, clinic.bob, late)).code == "illegal_event"
    assert (await clinic.refusal(confirm_entry, clinic.bob, late)).code == "illegal_event"


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("event", EVENTS)
def test_every_event_in_every_state_is_in_the_table_or_refused(state: str, event: str) -> None:
    allowed = TABLE[state].get(event)  # type: ignore[index, call-overload]
    if allowed is not None:
        assert after(state, event) == allowed  # type: ignore[arg-type]
        return
    with pytest.raises(Refused) as refused:
        after(state, event)  # type: ignore[arg-type]
    assert refused.value.code == "illegal_event"


# what was measured


def pulse(alice: Actor, value: float, **more: object) -> NoteObservation:
    fields = {"kind": "heart_rate", "value": value, "unit": "/min", **more}
    return NoteObservation(patient_id=hers(alice), **fields)  # type: ignore[arg-type]


async def test_measurements_are_listed_newest_first_with_who_took_them(
    clinic: Clinic, alice: Actor
) -> None:
    now = clinic.database.now()
    await clinic.do(note_observation, alice, pulse(alice, 61, measured_at=now - timedelta(days=2)))
    await clinic.do(note_observation, clinic.bob, pulse(alice, 72))
    await clinic.do(
        note_observation,
        alice,
        pulse(alice, 66, measured_at=now - timedelta(days=1), by_device=True),
    )
    wanted = ListObservations(patient_id=hers(alice), kind="heart_rate")
    found = (await clinic.see(list_observations, clinic.bob, wanted)).items
    assert [(one.measured.value, one.origin) for one in found] == [
        (72, "staff"),
        (66, "device"),
        (61, "patient"),
    ]
    recent = replace(wanted, since=now - timedelta(hours=36), until=now)
    assert [
        one.measured.value
        for one in (await clinic.see(list_observations, clinic.bob, recent)).items
    ] == [66]
    (newest,) = (await clinic.see(newest_observations, alice, OfPatient(hers(alice)))).items
    assert (newest.measured.value, newest.loinc) == (72, "8867-4")
    assert all(
        b"72" not in row.measured for row in await clinic.rows(observations_store.observations)
    )


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"kind": "heart_rate", "value": 7200.0, "unit": "/min"}, "value"),
        ({"kind": "heart_rate", "value": 72.0, "unit": "Hz"}, "unit"),
        ({"kind": "heart_rate", "value": 72.0, "unit": "/min", "diastolic": 60.0}, "diastolic"),
        ({"kind": "temperature", "value": 98.6, "unit": "Cel"}, "value"),
        ({"kind": "blood_pressure", "value": 120.0, "unit": "mm[Hg]"}, "diastolic"),
        (
            {"kind": "blood_pressure", "value": 80.0, "unit": "mm[Hg]", "diastolic": 120.0},
            "diastolic",
        ),
    ],
)
async def test_what_no_living_person_has_is_refused(
    clinic: Clinic, alice: Actor, fields: dict[str, object], wrong: str
) -> None:
    command = NoteObservation(patient_id=hers(alice), **fields)  # type: ignore[arg-type]
    assert wrong in (await clinic.refusal(note_observation, alice, command)).fields


async def test_nothing_is_measured_tomorrow_or_in_anothers_visit(
    clinic: Clinic, alice: Actor
) -> None:
    tomorrow = clinic.database.now() + timedelta(days=1)
    late = await clinic.refusal(note_observation, alice, pulse(alice, 60, measured_at=tomorrow))
    assert late.fields.keys() == {"measured_at"}
    other = await clinic.visit()
    foreign = await clinic.refusal(note_observation, alice, pulse(alice, 60, visit_id=other.id))
    assert foreign.fields.keys() == {"visit_id"}


async def test_a_patient_takes_back_only_what_they_measured(clinic: Clinic, alice: Actor) -> None:
    theirs = await clinic.do(note_observation, alice, pulse(alice, 60))
    clinics = await clinic.do(note_observation, clinic.bob, pulse(alice, 160))
    back = WithdrawObservation(observation_id=theirs.id, version=1)
    assert (await clinic.do(withdraw_observation, alice, back)).state == "entered_in_error"
    foreign = WithdrawObservation(observation_id=clinics.id, version=1)
    assert (await clinic.refusal(withdraw_observation, alice, foreign)).code == "not_allowed"
    (newest,) = (await clinic.see(newest_observations, alice, OfPatient(hers(alice)))).items
    assert newest.id == clinics.id


def test_every_kind_has_its_code_and_units() -> None:
    assert set(VITALS) == set(get_args(VitalKind))
    assert all(vital.units for vital in VITALS.values())
