"""Interpreters, family and students: links and rights of their own, in only when let in."""

from __future__ import annotations

from typing import Any

import pytest

from clinic_api.actor import STRANGER, Actor
from clinic_api.visits.call_log import PeerLeft, gate_left
from clinic_api.visits.gate import CallOrder, CallToken, call_orders, enter_call
from clinic_api.visits.invitations import Invite, OneSeat, invite, revoke
from clinic_api.visits.joining import Enter, Entered, OpenLink, open_link, take_linked_seat
from clinic_api.visits.model import Role
from clinic_api.visits.seats import Link
from clinic_api.visits.service import InstantVisit, OneVisit, read_visit
from clinic_api.visits.third_parties import MAX_FAMILY, SayAgreement, say_agreement
from tests.clinic_api.visits.cast import (
    CAROL,
    CHARLIE,
    GATE,
    Clinic,
    participant,
    token_in,
)


@pytest.mark.parametrize(
    ("role", "rights"),
    [
        ("interpreter", ("publish", "subscribe")),
        ("family", ("publish", "subscribe", "chat")),
        ("student", ("subscribe",)),
    ],
)
async def test_each_has_rights_of_their_own_and_waits_to_be_let_in(
    clinic_on_both: Clinic, role: Role, rights: tuple[str, ...]
) -> None:
    clinic = clinic_on_both
    made = await clinic.visit()
    link = await _invite(clinic, made, role)
    await _agree(clinic, made, link) if role == "student" else None
    seat = await clinic.tap(_token(link))
    entry = await clinic.do(enter_call, GATE, CallToken(seat.call_token))
    assert (entry.role, entry.rights, entry.waits) == ("guest", rights, True)


@pytest.mark.parametrize("role", ["interpreter", "family", "student"])
async def test_a_visit_neither_waits_nor_begins_for_them(clinic: Clinic, role: Role) -> None:
    made = await clinic.visit()
    link = await _invite(clinic, made, role)
    await _agree(clinic, made, link) if role == "student" else None
    iris = await clinic.tap(_token(link))
    await clinic.joins(iris, "i1")
    assert (await _state(clinic, made)) == "planned"
    alice = await clinic.tap(token_in(made))
    await clinic.joins(alice, "a1")
    await clinic.leaves(alice, "a1")
    assert (await _state(clinic, made)) == "planned"
    await clinic.is_admitted(iris, "i1")
    assert (await _state(clinic, made)) == "planned"


async def test_a_student_comes_only_with_the_patients_agreement(clinic_on_both: Clinic) -> None:
    clinic = clinic_on_both
    made = await clinic.visit()
    link = await _invite(clinic, made, "student")
    refused = await clinic.refusal(_entering(link), STRANGER, None)
    assert refused.code == "agreement_needed"
    alice = participant(await clinic.tap(token_in(made)))
    seen = await clinic.see(read_visit, alice, OneVisit(made.id))
    assert [seat.role for seat in seen.participants if seat.asks_agreement] == ["student"]
    await _agree(clinic, made, link, by=alice)
    assert (await clinic.tap(_token(link))).call_token
    noted = await clinic.audited("visit.agree")
    assert [row.actor_id for row in noted] == [alice.id]


async def test_without_agreement_any_more_the_student_is_put_out(clinic: Clinic) -> None:
    made = await clinic.visit()
    link = await _invite(clinic, made, "student")
    await _agree(clinic, made, link)
    sam = await clinic.tap(_token(link))
    await clinic.joins(sam, "s1")
    alice = participant(await clinic.tap(token_in(made)))
    await _agree(clinic, made, link, by=alice, agreed=False)
    orders = await clinic.database.read(lambda tx: call_orders(tx, GATE))
    assert orders == (CallOrder(sam.room, sam.participant_id),)
    again = SayAgreement(visit_id=made.id, participant_id=link.participant_id, agreed=True)
    assert (await clinic.refusal(say_agreement, alice, again)).code == "gone"


async def test_only_the_patient_side_and_who_treats_say_whether_a_student_may_come(
    clinic: Clinic,
) -> None:
    made = await clinic.visit()
    link = await _invite(clinic, made, "student")
    guest = participant(await clinic.tap(_token(await _invite(clinic, made, "interpreter"))))
    word = SayAgreement(visit_id=made.id, participant_id=link.participant_id, agreed=True)
    for actor, code in ((guest, "not_found"), (CHARLIE, "not_found"), (CAROL, "not_allowed")):
        assert (await clinic.refusal(say_agreement, actor, word)).code == code
    other = SayAgreement(visit_id=made.id, participant_id=guest.id, agreed=True)
    assert (await clinic.refusal(say_agreement, clinic.bob, other)).code == "not_found"


async def test_patients_bring_some_of_their_family_and_nobody_else(clinic: Clinic) -> None:
    made = await clinic.visit()
    alice = participant(await clinic.tap(token_in(made)))
    for role in ("interpreter", "student", "guest", "proxy"):
        command = Invite(visit_id=made.id, role=role, name="Somebody")
        assert (await clinic.refusal(invite, alice, command)).code == "invalid"
    links = [await _invite(clinic, made, "family", by=alice) for _ in range(MAX_FAMILY)]
    one_more = Invite(visit_id=made.id, role="family", name="Somebody")
    assert (await clinic.refusal(invite, alice, one_more)).code == "invalid"
    brother = participant(await clinic.tap(_token(links[0])))
    assert (await clinic.refusal(invite, brother, one_more)).code == "not_found"
    await clinic.do(revoke, alice, _seat(made, links[0]))
    seen = await clinic.see(open_link, STRANGER, OpenLink(token=_token(links[0])))
    assert seen.state == "revoked"


async def test_patients_withdraw_nobody_whom_the_clinic_needs(clinic: Clinic) -> None:
    made = await clinic.visit()
    alice = participant(await clinic.tap(token_in(made)))
    link = await _invite(clinic, made, "interpreter")
    assert (await clinic.refusal(revoke, alice, _seat(made, link))).code == "not_found"
    assert (await clinic.refusal(revoke, alice, _seat(made, made.link))).code == "not_found"


@pytest.mark.parametrize(
    ("role", "state"), [("interpreter", "revoked"), ("family", "revoked"), ("patient", "open")]
)
async def test_who_is_removed_from_the_call_has_no_link_any_more(
    clinic: Clinic, role: Role, state: str
) -> None:
    made = await clinic.visit()
    link = made.link if role == "patient" else await _invite(clinic, made, role)
    seat = await clinic.tap(_token(link))
    await clinic.joins(seat, "x1")
    await clinic.do(gate_left, GATE, _removed(clinic, seat))
    seen = await clinic.see(open_link, STRANGER, OpenLink(token=_token(link)))
    assert seen.state == state


async def _invite(clinic: Clinic, made: InstantVisit, role: Role, by: Actor | None = None) -> Link:
    command = Invite(visit_id=made.id, role=role, name="Iris")
    return await clinic.do(invite, by or clinic.bob, command)


async def _agree(
    clinic: Clinic,
    made: InstantVisit,
    link: Link,
    by: Actor | None = None,
    *,
    agreed: bool = True,
) -> None:
    word = SayAgreement(visit_id=made.id, participant_id=link.participant_id, agreed=agreed)
    await clinic.do(say_agreement, by or clinic.bob, word)


def _entering(link: Link) -> Any:
    return lambda tx, actor, _: take_linked_seat(tx, actor, Enter(token=_token(link)))


async def _state(clinic: Clinic, made: InstantVisit) -> str:
    return (await clinic.see(read_visit, clinic.bob, OneVisit(made.id))).state


def _token(link: Link) -> str:
    return link.path.partition("#")[2]


def _seat(made: InstantVisit, link: Link) -> OneSeat:
    return OneSeat(visit_id=made.id, participant_id=link.participant_id)


def _removed(clinic: Clinic, seat: Entered) -> PeerLeft:
    return PeerLeft(
        room=seat.room,
        subject=seat.participant_id,
        peer="x1",
        at=clinic.clock.now_s,
        why="removed",
    )
