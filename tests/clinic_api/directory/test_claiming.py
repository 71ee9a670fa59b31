"""Claiming a record: an invitation, the date of birth, five tries, once."""

from __future__ import annotations

from datetime import date

import pytest

from clinic_api.actor import Actor
from clinic_api.directory.claiming import (
    PATH,
    Claim,
    ClaimInvitation,
    InvitePatient,
    claim_record,
    invite_patient,
)
from clinic_api.directory.flows import claim
from clinic_api.directory.model import Patient
from clinic_api.directory.relation_store import claim_invitations
from clinic_api.directory.relations import of_user
from clinic_api.directory.service import CreatePatient, create_patient, register_patient
from clinic_api.errors import Refused
from tests.clinic_api.visits.cast import ALICE_BORN, CAROL, CHARLIE, Clinic, user_id
from tests.clinic_api.visits.test_service import OTHER_DOCTOR

ALICE = Actor(kind="user", id=user_id(1), roles=frozenset({"patient"}))


async def test_who_has_the_link_and_the_date_of_birth_gets_the_record(
    clinic_on_both: Clinic,
) -> None:
    clinic = clinic_on_both
    patient, invitation = await _invited(clinic)
    assert invitation.url == "https://call.clinic.example" + invitation.path
    done = await claim(clinic.database, ALICE, _claim(invitation))
    assert done.patient_id == patient.id
    known = await clinic.database.read(lambda tx: of_user(tx, ALICE.id))
    assert known.patient_ids == {patient.id}
    assert [row.patient_id for row in await clinic.audited("patient.claim")][-1] == patient.id
    with pytest.raises(Refused) as refused:
        await claim(clinic.database, CHARLIE, _claim(invitation))
    assert refused.value.code == "gone"


async def test_five_wrong_dates_close_the_invitation(clinic: Clinic) -> None:
    _, invitation = await _invited(clinic)
    for _ in range(5):
        with pytest.raises(Refused) as refused:
            await claim(clinic.database, CHARLIE, _claim(invitation, date(1984, 3, 1)))
        assert refused.value.code == "not_confirmed"
    with pytest.raises(Refused) as refused:
        await claim(clinic.database, ALICE, _claim(invitation))
    assert refused.value.code == "no_tries_left"
    assert len(await clinic.audited("patient.claim", "refused")) == 6


async def test_a_new_invitation_withdraws_the_old_one(clinic: Clinic) -> None:
    patient, old = await _invited(clinic)
    new = await clinic.do(invite_patient, CAROL, InvitePatient(patient.id))
    with pytest.raises(Refused) as refused:
        await claim(clinic.database, ALICE, _claim(old))
    assert refused.value.code == "gone"
    assert await claim(clinic.database, ALICE, _claim(new))


async def test_an_invitation_ends_after_two_weeks(clinic: Clinic) -> None:
    _, invitation = await _invited(clinic)
    clinic.clock.advance(14 * 86400)
    with pytest.raises(Refused) as refused:
        await claim(clinic.database, ALICE, _claim(invitation))
    assert refused.value.code == "gone"


@pytest.mark.parametrize("token", ["", ".", "x.y", user_id(1) + ".x", "é"])
async def test_a_forged_invitation_is_gone(clinic: Clinic, token: str) -> None:
    await _invited(clinic)
    refused = await clinic.refusal(claim_record, ALICE, Claim(token=token, birth_date=ALICE_BORN))
    assert refused.code == "gone"


async def test_without_a_date_of_birth_there_is_nothing_to_ask(clinic: Clinic) -> None:
    patient = await clinic.do(create_patient, CAROL, CreatePatient(name="Alice"))
    refused = await clinic.refusal(invite_patient, CAROL, InvitePatient(patient.id))
    assert list(refused.fields) == ["birth_date"]


async def test_who_has_a_record_already_is_sent_to_the_desk(clinic: Clinic) -> None:
    _, invitation = await _invited(clinic)
    await clinic.do(register_patient, ALICE, CreatePatient(name="Alice"))
    with pytest.raises(Refused) as refused:
        await claim(clinic.database, ALICE, _claim(invitation))
    assert refused.value.code == "conflict"


async def test_only_who_treats_or_the_desk_invites(clinic: Clinic) -> None:
    patient, _ = await _invited(clinic)
    for actor, code in ((OTHER_DOCTOR, "not_found"), (CHARLIE, "not_allowed")):
        refused = await clinic.refusal(invite_patient, actor, InvitePatient(patient.id))
        assert refused.code == code


async def test_no_secret_of_an_invitation_lies_in_the_database(clinic: Clinic) -> None:
    _, invitation = await _invited(clinic)
    secret = invitation.path.partition(".")[2]
    assert secret
    assert secret not in str(await clinic.rows(claim_invitations))


async def _invited(clinic: Clinic) -> tuple[Patient, ClaimInvitation]:
    command = CreatePatient(name="Alice", birth_date=ALICE_BORN)
    patient = await clinic.do(create_patient, CAROL, command)
    return patient, await clinic.do(invite_patient, CAROL, InvitePatient(patient.id))


def _claim(invitation: ClaimInvitation, birth_date: date = ALICE_BORN) -> Claim:
    return Claim(token=invitation.path.removeprefix(PATH), birth_date=birth_date)
