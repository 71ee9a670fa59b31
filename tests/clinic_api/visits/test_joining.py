"""Join links: opened by anybody, taken by one browser, withdrawn, lost and found."""

from __future__ import annotations

import asyncio

import pytest

from clinic_api.actor import STRANGER, Actor
from clinic_api.directory.proxies import GrantProxy, grant_proxy
from clinic_api.directory.service import ChangePatient, OnePatient, change_patient, read_patient
from clinic_api.errors import Refused
from clinic_api.visits import links, store
from clinic_api.visits.before_entering import Doorstep, stand_before
from clinic_api.visits.flows import enter
from clinic_api.visits.invitations import OneSeat, renew_link, revoke, show_link
from clinic_api.visits.joining import (
    Enter,
    OpenLink,
    TakeSeat,
    open_link,
    participant_actor,
    take_seat,
)
from clinic_api.visits.service import InstantVisit, OneVisit, end_visit
from tests.clinic_api.visits.cast import (
    ALICE_BORN,
    CAROL,
    CHARLIE,
    CONSOLE,
    PHONE,
    Clinic,
    participant,
    signed_in,
    token_in,
)


async def test_five_looks_of_a_mail_scanner_consume_nothing(clinic: Clinic) -> None:
    made = await clinic.visit()
    before = await clinic.rows(store.participants)
    for _ in range(5):
        seen = await clinic.see(open_link, STRANGER, OpenLink(token=token_in(made)))
    assert seen.state == "open"
    assert (seen.clinic, seen.practitioner, seen.name) == ("Example Clinic", "Dr. Bob", "Alice")
    assert not seen.in_use
    assert await clinic.rows(store.participants) == before
    entered = await clinic.tap(token_in(made))
    assert entered.call_token


async def test_the_short_code_opens_the_same_as_people_type_it(clinic: Clinic) -> None:
    made = await clinic.visit()
    typed = f"{made.link.code[:4].lower()} - {made.link.code[4:]}"
    entered = await enter(clinic.database, STRANGER, Enter(code=typed))
    assert entered.visit_id == made.id


async def test_the_browser_that_came_first_comes_again_without_a_question(clinic: Clinic) -> None:
    made = await clinic.visit()
    first = await clinic.tap(token_in(made))
    again = await clinic.tap(token_in(made), device=first.device)
    assert again.device == first.device
    assert again.participant_id == first.participant_id


async def test_a_second_browser_is_asked_and_takes_over_with_the_birth_date(
    clinic: Clinic,
) -> None:
    made = await _visit_of_known_alice(clinic)
    first = await clinic.tap(token_in(made))
    with pytest.raises(Refused, match="another device"):
        await clinic.tap(token_in(made))
    second = await clinic.tap(token_in(made), birth_date=ALICE_BORN)
    assert second.participant_id == first.participant_id
    assert second.device != first.device
    with pytest.raises(Refused) as refused:
        await clinic.tap(token_in(made), device=first.device)
    assert refused.value.code == "confirm_needed"


async def test_a_second_browser_takes_over_with_the_code_told_by_phone_once(
    clinic: Clinic,
) -> None:
    made = await clinic.visit()
    await clinic.tap(token_in(made))
    shown = f"{made.link.confirmation[:3]} {made.link.confirmation[3:]}"
    assert await clinic.tap(token_in(made), confirmation=shown)
    with pytest.raises(Refused) as refused:
        await clinic.tap(token_in(made), confirmation=made.link.confirmation)
    assert refused.value.code == "not_confirmed"


async def test_after_five_wrong_tries_the_right_answer_does_not_help(clinic: Clinic) -> None:
    made = await _visit_of_known_alice(clinic)
    await clinic.tap(token_in(made))
    for _ in range(5):
        with pytest.raises(Refused) as refused:
            await clinic.tap(token_in(made), confirmation="wrong")
        assert refused.value.code == "not_confirmed"
    with pytest.raises(Refused) as refused:
        await clinic.tap(token_in(made), birth_date=ALICE_BORN)
    assert refused.value.code == "no_tries_left"
    assert PHONE in refused.value.message
    renewed = await clinic.do(renew_link, CAROL, _seat(made))
    assert await clinic.tap(renewed.path.removeprefix(links.PATH))


async def test_a_withdrawn_link_says_so_and_names_the_way_out(clinic: Clinic) -> None:
    made = await clinic.visit()
    await clinic.do(revoke, CAROL, _seat(made))
    seen = await clinic.see(open_link, STRANGER, OpenLink(token=token_in(made)))
    assert seen.state == "revoked"
    assert seen.phone == PHONE
    assert PHONE in seen.message
    assert seen.name == ""
    with pytest.raises(Refused) as refused:
        await clinic.tap(token_in(made))
    assert refused.value.code == "link_revoked"


async def test_a_new_link_withdraws_the_old_one_its_code_and_its_browser(clinic: Clinic) -> None:
    made = await clinic.visit()
    first = await clinic.tap(token_in(made))
    renewed = await clinic.do(renew_link, CAROL, _seat(made))
    seen = await clinic.see(open_link, STRANGER, OpenLink(token=token_in(made)))
    assert seen.state == "revoked"
    assert renewed.code != made.link.code
    with pytest.raises(Refused) as refused:
        await enter(clinic.database, STRANGER, Enter(code=made.link.code))
    assert refused.value.code == "link_unknown"
    assert await clinic.database.read(lambda tx: participant_actor(tx, first.device, "")) is None


async def test_a_link_ends_with_its_visit(clinic: Clinic) -> None:
    made = await clinic.visit()
    entered = await clinic.tap(token_in(made))
    await clinic.joins(entered, "p1")
    await clinic.do(end_visit, clinic.bob, OneVisit(made.id))
    with pytest.raises(Refused) as refused:
        await clinic.tap(token_in(made), device=entered.device)
    assert refused.value.code == "visit_ended"


async def test_a_link_expires_unless_the_visit_has_begun(clinic: Clinic) -> None:
    made = await clinic.visit()
    entered = await clinic.tap(token_in(made))
    clinic.clock.advance(25 * 3600)
    seen = await clinic.see(open_link, STRANGER, OpenLink(token=token_in(made)))
    assert seen.state == "expired"
    await clinic.joins(entered, "p1")
    await clinic.is_admitted(entered, "p1")
    assert (await clinic.tap(token_in(made), device=entered.device)).call_token


@pytest.mark.parametrize(
    "token", ["", "x", "a.b", "é.é", "aaaaaaaaaaaaaaaaaaaaaaaaaa.mac", "." * 99]
)
async def test_a_forged_link_opens_nothing_and_is_audited(clinic: Clinic, token: str) -> None:
    await clinic.visit()
    with pytest.raises(Refused) as refused:
        await clinic.tap(token)
    assert refused.value.code == "link_unknown"
    assert len(await clinic.audited("visit.enter", "refused")) == 1


async def test_another_persons_link_cannot_be_made_from_ones_own(clinic: Clinic) -> None:
    mine, other = await clinic.visit(), await clinic.visit(name="Dave")
    mac = token_in(mine).partition(".")[2]
    forged = f"{links.short_id(other.link.participant_id)}.{mac}"
    with pytest.raises(Refused) as refused:
        await clinic.tap(forged)
    assert refused.value.code == "link_unknown"


async def test_a_browser_secret_makes_a_participant_of_this_visit_only(clinic: Clinic) -> None:
    made = await clinic.visit()
    entered = await clinic.tap(token_in(made))
    actor = await clinic.database.read(lambda tx: participant_actor(tx, entered.device, "::1"))
    assert actor == Actor(
        kind="participant", id=entered.participant_id, visit_id=made.id, client="::1"
    )
    wrong = entered.device[:-1] + ("A" if entered.device[-1] != "A" else "B")
    assert await clinic.database.read(lambda tx: participant_actor(tx, wrong, "")) is None


async def test_the_doctor_the_patient_and_the_participant_take_their_own_seats(
    clinic: Clinic,
) -> None:
    made = await clinic.visit()
    linked = await clinic.tap(token_in(made))
    bob = await clinic.do(take_seat, clinic.bob, TakeSeat(made.id))
    alice = await clinic.do(take_seat, signed_in(made.visit.patient_id or ""), TakeSeat(made.id))
    again = await clinic.do(take_seat, participant(linked), TakeSeat(made.id))
    assert bob.role == "provider"
    assert alice.participant_id == again.participant_id == linked.participant_id


async def test_reading_what_stands_before_the_tap_takes_no_seat(clinic: Clinic) -> None:
    made = await clinic.visit()
    patient_id = made.visit.patient_id or ""
    mum = signed_in(patient_id, number=5)
    grant = GrantProxy(patient_id=patient_id, name="Mum", user_id=mum.id)
    await clinic.do(grant_proxy, CAROL, grant)
    seats = await clinic.rows(store.participants)
    for actor, name in ((clinic.bob, "Dr. Bob"), (signed_in(patient_id), "Alice"), (mum, "Mum")):
        door = await clinic.see(stand_before, actor, OneVisit(made.id))
        assert door == Doorstep(visit_id=made.id, name=name, modality="video")
    assert await clinic.rows(store.participants) == seats
    assert await clinic.audited("visit.enter", "done") == []
    assert (await clinic.refusal(stand_before, CAROL, OneVisit(made.id))).code == "not_found"


async def test_a_visit_that_is_over_says_so_before_the_tap(clinic: Clinic) -> None:
    made = await clinic.visit()
    await clinic.do(end_visit, clinic.bob, OneVisit(made.id))
    refused = await clinic.refusal(stand_before, clinic.bob, OneVisit(made.id))
    assert refused.code == "visit_ended"
    assert "+" in refused.message


@pytest.mark.parametrize("actor", [CHARLIE, STRANGER])
async def test_nobody_else_takes_a_seat(clinic: Clinic, actor: Actor) -> None:
    made = await clinic.visit()
    refused = await clinic.refusal(take_seat, actor, TakeSeat(made.id))
    assert refused.code == "not_found"
    (row,) = await clinic.audited("visit.enter", "refused")
    assert row.object_id == made.id


async def test_of_two_browsers_at_once_one_is_the_first(clinic_on_both: Clinic) -> None:
    clinic = clinic_on_both
    token = token_in(await clinic.visit())
    both = await asyncio.gather(clinic.tap(token), clinic.tap(token), return_exceptions=True)
    refused = [one for one in both if isinstance(one, Refused)]
    assert [one.code for one in refused] == ["confirm_needed"]


async def test_who_acts_for_the_patient_sits_beside_the_patient(clinic: Clinic) -> None:
    made = await clinic.visit()
    patient_id = made.visit.patient_id or ""
    alice = await clinic.tap(token_in(made))
    mum = signed_in(patient_id, number=5)
    grant = GrantProxy(patient_id=patient_id, name="Mum", user_id=mum.id)
    await clinic.do(grant_proxy, CAROL, grant)
    first = await clinic.do(take_seat, mum, TakeSeat(made.id))
    again = await clinic.do(take_seat, mum, TakeSeat(made.id))
    assert (first.role, first.name) == ("proxy", "Mum")
    assert first.participant_id == again.participant_id != alice.participant_id


async def test_a_doctor_who_is_back_gets_the_seat_back(clinic: Clinic) -> None:
    made = await clinic.visit()
    (seat,) = [one for one in made.visit.participants if one.role == "provider"]
    await clinic.database.write(
        lambda tx: tx.update(store.participants, CONSOLE, seat.id, revoked_at=tx.now)
    )
    assert (await clinic.bob_enters(made.id)).call_token


async def test_showing_a_link_shows_the_one_that_was_given(clinic: Clinic) -> None:
    made = await clinic.visit()
    shown = await clinic.see(show_link, CAROL, _seat(made))
    assert shown == made.link
    assert shown.url.startswith("https://call.clinic.example/join#")
    assert shown.qr.startswith("<svg")


async def test_no_secret_of_a_link_lies_in_the_database(clinic: Clinic) -> None:
    made = await clinic.visit()
    entered = await clinic.tap(token_in(made))
    lying = str(await clinic.rows(store.participants))
    mac = token_in(made).partition(".")[2]
    for secret in (mac, made.link.code, entered.device, made.link.confirmation):
        assert secret not in lying


def _seat(made: InstantVisit) -> OneSeat:
    return OneSeat(visit_id=made.id, participant_id=made.link.participant_id)


async def _visit_of_known_alice(clinic: Clinic) -> InstantVisit:
    made = await clinic.visit()
    patient = await clinic.see(read_patient, CONSOLE, OnePatient(made.visit.patient_id or ""))
    change = ChangePatient(
        patient_id=patient.id, version=patient.version, name="Alice", birth_date=ALICE_BORN
    )
    await clinic.do(change_patient, CAROL, change)
    return made
