"""Records: made, found, read, changed by who may; audited; sensitive parts sealed."""

from __future__ import annotations

from datetime import date

import pytest

from clinic_api.actor import Actor
from clinic_api.directory import store
from clinic_api.directory.model import Address, ContactRule, EmergencyContact, Patient
from clinic_api.directory.relations import of_user
from clinic_api.directory.service import (
    ChangePatient,
    ChangePractitioner,
    CreatePatient,
    CreatePractitioner,
    ListPractitioners,
    OnePatient,
    SearchPatients,
    change_patient,
    change_practitioner,
    create_patient,
    create_practitioner,
    list_practitioners,
    read_patient,
    register_patient,
    search_patients,
)
from tests.clinic_api.visits.cast import CAROL, CHARLIE, CONSOLE, Clinic, signed_in, user_id
from tests.clinic_api.visits.test_service import OTHER_DOCTOR

ALICE = CreatePatient(
    name="Alice Müller",
    birth_date=date(1984, 2, 29),
    sex="female",
    phones=("(202) 555-0123", "+12025550123"),
    emails=("Alice@Example.com",),
    address=Address(lines=("1 Elm Street",), city="Springfield"),
    emergency=EmergencyContact(name="Mum", phone="+12025550111"),
    contact_rules=(ContactRule("voicemail", "never"),),
)


async def test_a_record_is_kept_as_it_was_given_with_tidy_contacts(clinic_on_both: Clinic) -> None:
    clinic = clinic_on_both
    made = await clinic.do(create_patient, CAROL, ALICE)
    read = await clinic.see(read_patient, CAROL, OnePatient(made.id))
    assert read == made
    assert (read.state, read.version, read.has_login) == ("matched", 1, False)
    assert read.details.phones == ("+12025550123",)
    assert read.details.emails == ("alice@example.com",)
    assert read.details.address == ALICE.address
    assert read.details.emergency == ALICE.emergency
    assert read.details.contact_rules == ALICE.contact_rules
    (row,) = await clinic.rows(store.patients)
    assert b"Elm" not in row.address + row.emergency + row.contact_rules


async def test_who_opened_the_record_is_audited(clinic: Clinic) -> None:
    made = await clinic.do(create_patient, CAROL, ALICE)
    await clinic.see(read_patient, CAROL, OnePatient(made.id))
    (row,) = await clinic.audited("patient.read")
    assert (row.actor_id, row.patient_id) == (CAROL.id, made.id)


@pytest.mark.parametrize("actor", [CHARLIE, OTHER_DOCTOR], ids=["Charlie", "another doctor"])
async def test_anothers_record_is_not_there_and_the_look_is_audited(
    clinic: Clinic, actor: Actor
) -> None:
    made = await clinic.do(create_patient, clinic.bob, ALICE)
    refused = await clinic.refusal(read_patient, actor, OnePatient(made.id))
    absent = await clinic.refusal(read_patient, actor, OnePatient(user_id(1)))
    assert (refused.code, refused.message) == (absent.code, absent.message)
    change = _change(made, name="Mallory")
    assert (await clinic.refusal(change_patient, actor, change)).code == "not_found"
    rows = await clinic.audited("patient.read", "refused")
    assert [row.object_id for row in rows] == [made.id, user_id(1)]
    assert (await clinic.see(read_patient, clinic.bob, OnePatient(made.id))).version == 1


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("mull", ["Alice Müller"]),
        ("MÜLLER alice", ["Alice Müller"]),
        ("smith", ["Dave Smith"]),
        ("alice smith", []),
        ("202-555-0123", ["Alice Müller"]),
        ("5550123", ["Alice Müller"]),
        ("alice@example", ["Alice Müller"]),
        ("%", []),
        ("_", []),
        ("", ["Alice Müller", "Dave Smith"]),
    ],
)
async def test_search_finds_by_name_number_and_address(
    clinic_on_both: Clinic, text: str, found: list[str]
) -> None:
    clinic = clinic_on_both
    await clinic.do(create_patient, CAROL, ALICE)
    await clinic.do(create_patient, CAROL, CreatePatient(name="Dave Smith"))
    page = await clinic.see(search_patients, CAROL, SearchPatients(text=text))
    assert sorted(one.name for one in page.items) == found


async def test_what_was_searched_is_not_in_the_audit(clinic: Clinic) -> None:
    await clinic.do(create_patient, CAROL, ALICE)
    await clinic.see(search_patients, CAROL, SearchPatients(text="Müller"))
    (row,) = await clinic.audited("patient.search")
    assert "ller" not in str(row)


async def test_patients_do_not_search(clinic: Clinic) -> None:
    refused = await clinic.refusal(search_patients, CHARLIE, SearchPatients(text="Alice"))
    assert refused.code == "not_allowed"


async def test_a_change_over_an_old_version_is_refused(clinic_on_both: Clinic) -> None:
    clinic = clinic_on_both
    made = await clinic.do(create_patient, CAROL, ALICE)
    changed = await clinic.do(change_patient, CAROL, _change(made, name="Alice Smith"))
    assert (changed.version, changed.details.name) == (2, "Alice Smith")
    refused = await clinic.refusal(change_patient, CAROL, _change(made, name="Alice Jones"))
    assert refused.code == "stale"
    (row,) = await clinic.audited("patient.change")
    assert "name" in row.detail
    assert "Smith" not in str(row)


async def test_patients_change_their_contacts_but_not_who_they_are(clinic: Clinic) -> None:
    made = await clinic.do(create_patient, CAROL, ALICE)
    alice = signed_in(made.id)
    moved = _change(made, phones=("+12025550177",))
    assert (await clinic.do(change_patient, alice, moved)).details.phones == ("+12025550177",)
    older = _change(made, version=2, birth_date=date(1950, 1, 1))
    refused = await clinic.refusal(change_patient, alice, older)
    assert (refused.code, list(refused.fields)) == ("not_allowed", ["birth_date"])


async def test_nobody_is_born_tomorrow(clinic: Clinic) -> None:
    tomorrow = date(2026, 5, 29)
    command = CreatePatient(name="Alice", birth_date=tomorrow)
    refused = await clinic.refusal(create_patient, CAROL, command)
    assert list(refused.fields) == ["birth_date"]


async def test_who_registers_has_one_record_that_staff_have_to_match(clinic: Clinic) -> None:
    alice = Actor(kind="user", id=user_id(1), roles=frozenset({"patient"}))
    made = await clinic.do(register_patient, alice, ALICE)
    assert (made.state, made.has_login) == ("unmatched", True)
    assert (await clinic.refusal(register_patient, alice, ALICE)).code == "conflict"
    known = await clinic.database.read(lambda tx: of_user(tx, alice.id))
    assert known.patient_ids == {made.id}
    assert known.practitioner_id is None


# practitioners


async def test_one_address_has_one_practitioner(clinic_on_both: Clinic) -> None:
    clinic = clinic_on_both
    command = CreatePractitioner(name="Dr. Eve", address="bob")
    assert (await clinic.refusal(create_practitioner, CONSOLE, command)).code == "conflict"
    eve = await clinic.do(create_practitioner, CONSOLE, CreatePractitioner(name="Dr. Eve"))
    change = ChangePractitioner(practitioner_id=eve.id, version=1, name="Dr. Eve", address="bob")
    assert (await clinic.refusal(change_practitioner, CONSOLE, change)).code == "conflict"
    listed = await clinic.see(list_practitioners, CAROL, ListPractitioners())
    assert sorted(one.name for one in listed.items) == ["Dr. Bob", "Dr. Eve"]


async def test_who_does_not_treat_any_more_has_no_practitioners_rights(clinic: Clinic) -> None:
    bob = await clinic.database.read(lambda tx: of_user(tx, clinic.bob.id))
    assert bob.practitioner_id == clinic.bob.practitioner_id
    gone = ChangePractitioner(
        practitioner_id=clinic.bob.practitioner_id or "", version=1, name="Dr. Bob", active=False
    )
    changed = await clinic.do(change_practitioner, CONSOLE, gone)
    assert (changed.active, changed.user_id) == (False, clinic.bob.id)
    bob = await clinic.database.read(lambda tx: of_user(tx, clinic.bob.id))
    assert bob.practitioner_id is None


def _change(patient: Patient, version: int = 0, **values: object) -> ChangePatient:
    details = patient.details
    kept = {name: getattr(details, name) for name in details.__struct_fields__}
    return ChangePatient(
        patient_id=patient.id, version=version or patient.version, **(kept | values)
    )
