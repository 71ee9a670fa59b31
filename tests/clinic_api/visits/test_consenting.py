"""Consents: no call without the newest text, an answer for the text that was shown."""

from __future__ import annotations

import hashlib
from typing import Literal

from clinic_api.actor import Actor
from clinic_api.visits import consent_store as store
from clinic_api.visits.check_in_store import check_ins
from clinic_api.visits.checking_in import (
    CheckInOf,
    SayWhere,
    check_in,
    read_check_in,
)
from clinic_api.visits.consenting import (
    AnswerConsent,
    Asked,
    ConsentsOf,
    PublishText,
    answer_consent,
    publish_text,
    read_consents,
)
from clinic_api.visits.invitations import Invite, invite
from clinic_api.visits.joining import Entered, TakeSeat, take_seat
from clinic_api.visits.service import InstantVisit
from tests.clinic_api.visits.cast import (
    CAROL,
    CHARLIE,
    CONSOLE,
    Clinic,
    participant,
    signed_in,
    token_in,
)


async def test_without_consent_nobody_on_the_patients_side_enters(clinic_on_both: Clinic) -> None:
    clinic = clinic_on_both
    text = await _publish(clinic)
    seat = await clinic.tap(token_in(await clinic.visit()))
    assert (seat.call_token, seat.missing) == ("", ("consent",))
    alice = participant(seat)
    asked = await clinic.see(read_consents, alice, ConsentsOf(seat.visit_id))
    assert [one.sha256 for one in asked.open] == [
        hashlib.sha256(b"Video is not a room.").hexdigest()
    ]
    answered = await _answer(clinic, alice, seat, text, "give")
    assert answered.open == ()
    again = await clinic.do(take_seat, alice, TakeSeat(seat.visit_id))
    assert again.missing == ()
    assert again.call_token
    (row,) = await clinic.rows(store.consents)
    assert (row.signer, row.language, row.sha256) == (alice.label, "en", text.sha256)


async def test_guests_and_doctors_are_not_asked(clinic: Clinic) -> None:
    await _publish(clinic)
    made = await clinic.visit()
    link = await clinic.do(invite, CAROL, Invite(visit_id=made.id, role="guest", name="Ines"))
    assert (await clinic.tap(link.path.removeprefix("/join#"))).call_token
    assert (await clinic.bob_enters(made.id)).call_token


async def test_refusing_and_withdrawing_close_the_door(clinic: Clinic) -> None:
    text = await _publish(clinic)
    seat = await clinic.tap(token_in(await clinic.visit()))
    alice = participant(seat)
    await _answer(clinic, alice, seat, text, "refuse")
    assert (await clinic.do(take_seat, alice, TakeSeat(seat.visit_id))).missing == ("consent",)
    await _answer(clinic, alice, seat, text, "give")
    assert (await clinic.do(take_seat, alice, TakeSeat(seat.visit_id))).missing == ()
    await _answer(clinic, alice, seat, text, "withdraw")
    assert (await clinic.do(take_seat, alice, TakeSeat(seat.visit_id))).missing == ("consent",)
    states = [row.state for row in await clinic.rows(store.consents)]
    assert sorted(states) == ["refused", "withdrawn"]


async def test_what_was_never_given_cannot_be_withdrawn(clinic: Clinic) -> None:
    text = await _publish(clinic)
    seat = await clinic.tap(token_in(await clinic.visit()))
    command = AnswerConsent(
        visit_id=seat.visit_id, text_id=text.id, sha256=text.sha256, answer="withdraw"
    )
    refused = await clinic.refusal(answer_consent, participant(seat), command)
    assert refused.code == "illegal_event"


async def test_a_new_version_is_asked_for_again_and_the_old_one_stays(clinic: Clinic) -> None:
    old = await _publish(clinic)
    made = await clinic.visit()
    seat = await clinic.tap(token_in(made))
    alice = participant(seat)
    await _answer(clinic, alice, seat, old, "give")
    new = await _publish(clinic, "Video is never a room.")
    assert (old.number, new.number) == (1, 2)
    assert (await clinic.do(take_seat, alice, TakeSeat(seat.visit_id))).missing == ("consent",)
    await _answer(clinic, alice, seat, new, "give")
    states = {row.text_id: row.state for row in await clinic.rows(store.consents)}
    assert states == {old.id: "superseded", new.id: "given"}


async def test_consent_holds_for_the_patients_next_visit(clinic: Clinic) -> None:
    text = await _publish(clinic)
    made = await clinic.visit()
    seat = await clinic.tap(token_in(made))
    await _answer(clinic, participant(seat), seat, text, "give")
    following = await clinic.visit(patient_id=made.visit.patient_id)
    assert (await clinic.tap(token_in(following))).missing == ()


async def test_the_text_in_the_patients_language_is_asked_for(clinic: Clinic) -> None:
    await _publish(clinic)
    german = await _publish(clinic, "Video ist kein Raum.", "de")
    seat = await clinic.tap(token_in(await clinic.visit(language="de")))
    asked = await clinic.see(read_consents, participant(seat), ConsentsOf(seat.visit_id))
    assert [one.id for one in asked.open] == [german.id]


async def test_an_answer_to_another_text_than_was_shown_is_refused(clinic: Clinic) -> None:
    text = await _publish(clinic)
    seat = await clinic.tap(token_in(await clinic.visit()))
    command = AnswerConsent(visit_id=seat.visit_id, text_id=text.id, sha256="0" * 64, answer="give")
    refused = await clinic.refusal(answer_consent, participant(seat), command)
    assert refused.code == "conflict"


async def test_charlie_answers_for_nobody(clinic: Clinic) -> None:
    text = await _publish(clinic)
    made = await clinic.visit()
    command = AnswerConsent(visit_id=made.id, text_id=text.id, sha256=text.sha256, answer="give")
    assert (await clinic.refusal(answer_consent, CHARLIE, command)).code == "not_found"


# check-in


async def test_there_is_no_check_in_without_consent(clinic: Clinic) -> None:
    text = await _publish(clinic)
    seat = await clinic.tap(token_in(await clinic.visit()))
    alice = participant(seat)
    refused = await clinic.refusal(check_in, alice, _where(seat.visit_id))
    assert refused.code == "consent_needed"
    await _answer(clinic, alice, seat, text, "give")
    await clinic.do(check_in, alice, _where(seat.visit_id))


async def test_where_the_patient_is_is_sealed_and_told_to_who_treats(clinic: Clinic) -> None:
    made = await clinic.visit()
    alice = participant(await clinic.tap(token_in(made)))
    await clinic.do(check_in, alice, _where(made.id))
    seen = await clinic.see(read_check_in, clinic.bob, CheckInOf(made.id))
    assert seen.said is not None
    assert seen.said.answers.location == "1 Elm Street"
    assert seen.said.answers.callback == "+12025550199"
    assert seen.said.identity_method == "link"
    assert b"Elm" not in b"".join(row.answers for row in await clinic.rows(check_ins))
    assert (await clinic.refusal(read_check_in, CHARLIE, CheckInOf(made.id))).code == "not_found"
    assert (await clinic.refusal(read_check_in, CAROL, CheckInOf(made.id))).code == "not_allowed"


async def test_the_last_answers_are_proposed_to_who_signed_in_only(clinic: Clinic) -> None:
    made = await clinic.visit()
    await clinic.do(check_in, participant(await clinic.tap(token_in(made))), _where(made.id))
    following = await _again(clinic, made)
    holder = participant(await clinic.tap(token_in(following)))
    by_link = await clinic.see(read_check_in, holder, CheckInOf(following.id))
    assert (by_link.said, by_link.proposed) == (None, None)
    alice = signed_in(made.visit.patient_id or "")
    by_login = await clinic.see(read_check_in, alice, CheckInOf(following.id))
    assert by_login.proposed is not None
    assert by_login.proposed.location == "1 Elm Street"


async def test_a_guest_neither_checks_in_nor_reads_it(clinic: Clinic) -> None:
    made = await clinic.visit()
    link = await clinic.do(invite, CAROL, Invite(visit_id=made.id, role="guest", name="Ines"))
    ines = participant(await clinic.tap(link.path.removeprefix("/join#")))
    assert (await clinic.refusal(check_in, ines, _where(made.id))).code == "not_found"
    assert (await clinic.refusal(read_check_in, ines, CheckInOf(made.id))).code == "not_found"


def _where(visit_id: str) -> SayWhere:
    return SayWhere(visit_id=visit_id, location="1 Elm Street", callback="202 555 0199")


async def _again(clinic: Clinic, made: InstantVisit) -> InstantVisit:
    return await clinic.visit(patient_id=made.visit.patient_id)


async def _publish(
    clinic: Clinic, text: str = "Video is not a room.", language: str = "en"
) -> store.ConsentText:
    command = PublishText(kind="telehealth", language=language, text=text)
    return await clinic.do(publish_text, CONSOLE, command)


async def _answer(
    clinic: Clinic,
    actor: Actor,
    seat: Entered,
    text: store.ConsentText,
    answer: Literal["give", "refuse", "withdraw"],
) -> Asked:
    command = AnswerConsent(
        visit_id=seat.visit_id, text_id=text.id, sha256=text.sha256, answer=answer
    )
    return await clinic.do(answer_consent, actor, command)
