"""Links by mail: to the address on file, by the patient's wishes; one answer to whoever asks."""

from __future__ import annotations

import pytest

from clinic_api.actor import STRANGER
from clinic_api.directory.mails import allowed_emails
from clinic_api.directory.model import ContactRule, PatientDetails
from clinic_api.directory.service import CreatePatient, create_patient
from clinic_api.outbox_store import outbox
from clinic_api.visits.invitations import OneSeat, renew_link, revoke
from clinic_api.visits.inviting import RecoverLink, recover_link
from clinic_api.visits.service import OneVisit, end_visit
from tests.clinic_api.visits.cast import CAROL, Clinic

ALICE = "alice@example.com"


@pytest.mark.parametrize("contact", [ALICE, " ALICE@Example.com ", "+12025550123", "202-555-0123"])
async def test_a_lost_link_goes_to_the_address_on_file(
    clinic_on_both: Clinic, contact: str
) -> None:
    clinic = clinic_on_both
    await clinic.visit(email=ALICE, phone="+12025550123")
    await clinic.do(recover_link, STRANGER, RecoverLink(contact))
    mails = [row for row in await clinic.rows(outbox) if row.kind == "visit.link_recovery"]
    assert [row.recipient for row in mails] == [ALICE]
    assert "join#" not in str(mails)


async def test_the_answer_is_the_same_for_everybody(clinic: Clinic) -> None:
    await clinic.visit(email=ALICE)
    contacts = [ALICE, "eve@example.com", "+12025550100", "nothing at all", "a@b", "\0"]
    answers = {await clinic.do(recover_link, STRANGER, RecoverLink(one)) for one in contacts}
    assert len(answers) == 1
    assert len(await clinic.audited("visit.recover_link")) == len(contacts)


async def test_asking_often_sends_once_an_hour(clinic: Clinic) -> None:
    await clinic.visit(email=ALICE)
    for _ in range(3):
        await clinic.do(recover_link, STRANGER, RecoverLink(ALICE))
    clinic.clock.advance(3600)
    await clinic.do(recover_link, STRANGER, RecoverLink(ALICE))
    kinds = [row.kind for row in await clinic.rows(outbox)]
    assert kinds.count("visit.link_recovery") == 2


async def test_what_is_over_or_withdrawn_is_not_sent_again(clinic: Clinic) -> None:
    ended, revoked = await clinic.visit(email=ALICE), await clinic.visit(email=ALICE)
    await clinic.do(end_visit, clinic.bob, OneVisit(ended.id))
    seat = OneSeat(visit_id=revoked.id, participant_id=revoked.link.participant_id)
    await clinic.do(revoke, CAROL, seat)
    await clinic.do(recover_link, STRANGER, RecoverLink(ALICE))
    assert "visit.link_recovery" not in [row.kind for row in await clinic.rows(outbox)]


@pytest.mark.parametrize(("sends_mail", "word"), [(True, "on its way"), (False, "please call")])
async def test_no_mail_is_promised_where_none_is_sent(
    clinic: Clinic, sends_mail: bool, word: str
) -> None:
    clinic.database.sends_mail = sends_mail
    await clinic.visit(email=ALICE)
    known = await clinic.do(recover_link, STRANGER, RecoverLink(ALICE))
    unknown = await clinic.do(recover_link, STRANGER, RecoverLink("nobody@example.com"))
    assert known == unknown
    assert word in known.answer


async def test_each_link_is_mailed_once(clinic: Clinic) -> None:
    made = await clinic.visit(email=ALICE)
    seat = OneSeat(visit_id=made.id, participant_id=made.link.participant_id)
    await clinic.do(renew_link, CAROL, seat)
    keys = [row.dedupe_key for row in await clinic.rows(outbox)]
    assert len(keys) == len(set(keys)) == 2


async def test_who_wants_no_mail_gets_none(clinic: Clinic) -> None:
    command = CreatePatient(
        name="Alice",
        emails=(ALICE,),
        contact_rules=(ContactRule(channel="email", rule="never"),),
    )
    alice = await clinic.do(create_patient, CAROL, command)
    await clinic.visit(patient_id=alice.id)
    await clinic.do(recover_link, STRANGER, RecoverLink(ALICE))
    assert await clinic.rows(outbox) == []


@pytest.mark.parametrize(
    ("rules", "given", "allowed"),
    [
        ((), "", [ALICE, "work@example.com"]),
        ((), "work@example.com", ["work@example.com", ALICE]),
        ((ContactRule("email", "never"),), ALICE, []),
        ((ContactRule("email", "only", "Work@example.com"),), ALICE, ["work@example.com"]),
        ((ContactRule("email", "only", "new@example.com"),), ALICE, ["new@example.com"]),
        ((ContactRule("sms", "never"),), "", [ALICE, "work@example.com"]),
    ],
)
def test_wishes_decide_where_mail_may_go(
    rules: tuple[ContactRule, ...], given: str, allowed: list[str]
) -> None:
    details = PatientDetails(name="Alice", emails=(ALICE, "work@example.com"), contact_rules=rules)
    assert allowed_emails(details, given) == allowed
