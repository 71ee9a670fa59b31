"""What call control asks and tells: tokens, the call log, the chat, whom to put out."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from clinic_api.auth.store import users
from clinic_api.errors import Refused
from clinic_api.transaction import Transaction
from clinic_api.visits import call_store
from clinic_api.visits.call_log import MediaCame, RoomEnded, gate_ended, gate_media_came
from clinic_api.visits.chat import ChatSince, ChatWritten, append_chat, chat_history
from clinic_api.visits.console import (
    ConsoleSeat,
    TokenFor,
    call_token_for,
    revoke_call_token,
    seat_in_room,
)
from clinic_api.visits.gate import CallOrder, CallToken, call_orders, enter_call, identify_call
from clinic_api.visits.invitations import OneSeat, revoke
from clinic_api.visits.joining import Entered
from clinic_api.visits.seats import Seat
from clinic_api.visits.service import InstantVisit, OneVisit, end_visit, read_visit
from clinic_api.visits.views import VisitView
from tests.clinic_api.visits.cast import CHARLIE, CONSOLE, GATE, Clinic, token_in, user_id


async def test_a_call_token_opens_the_call_once(clinic_on_both: Clinic) -> None:
    clinic = clinic_on_both
    seat = await clinic.tap(token_in(await clinic.visit()))
    entry = await clinic.do(enter_call, GATE, CallToken(seat.call_token))
    assert (entry.room, entry.subject, entry.name) == (seat.room, seat.participant_id, "Alice")
    assert (entry.role, entry.waits) == ("patient", True)
    assert entry.rights == ("publish", "subscribe", "chat")
    refused = await clinic.refusal(enter_call, GATE, CallToken(seat.call_token))
    assert refused.code == "token_used"
    known = await clinic.see(identify_call, GATE, CallToken(seat.call_token))
    assert known == entry


async def test_of_two_at_once_one_gets_in(clinic_on_both: Clinic) -> None:
    clinic = clinic_on_both
    seat = await clinic.tap(token_in(await clinic.visit()))
    both = [clinic.do(enter_call, GATE, CallToken(seat.call_token)) for _ in range(2)]
    outcomes = await asyncio.gather(*both, return_exceptions=True)
    refused = [one for one in outcomes if isinstance(one, Refused)]
    assert [one.code for one in refused] == ["token_used"]


async def test_a_call_token_is_good_for_a_minute(clinic: Clinic) -> None:
    seat = await clinic.tap(token_in(await clinic.visit()))
    clinic.clock.advance(60)
    assert (await _refusal(clinic, seat)) == "token_expired"


async def test_a_withdrawn_seat_has_no_token(clinic: Clinic) -> None:
    made = await clinic.visit()
    seat = await clinic.tap(token_in(made))
    await clinic.do(revoke, clinic.bob, _seat(made))
    assert (await _refusal(clinic, seat)) == "token_revoked"


async def test_a_visit_that_is_over_has_no_token(clinic: Clinic) -> None:
    made = await clinic.visit()
    seat = await clinic.tap(token_in(made))
    await clinic.do(end_visit, clinic.bob, OneVisit(made.id))
    assert (await _refusal(clinic, seat)) == "visit_ended"


@pytest.mark.parametrize("token", ["", ".", "e30.x", "é.é", "a" * 2000])
async def test_what_is_no_token_of_ours_is_refused(clinic: Clinic, token: str) -> None:
    refused = await clinic.refusal(enter_call, GATE, CallToken(token))
    assert refused.code == "token_invalid"


async def test_nobody_but_the_server_speaks_for_call_control(clinic: Clinic) -> None:
    for actor in (CHARLIE, clinic.bob):
        refused = await clinic.refusal(enter_call, actor, CallToken("x"))
        assert refused.code == "not_allowed"


async def test_a_devices_token_opens_again_until_it_is_withdrawn(clinic: Clinic) -> None:
    made = await clinic.do(
        seat_in_room, CONSOLE, ConsoleSeat(room="cart-1", seat=Seat(role="device", name="Cart"))
    )
    token = await clinic.do(
        call_token_for, CONSOLE, TokenFor(participant_id=made.id, ttl_s=3600, reusable=True)
    )
    for _ in range(3):
        entry = await clinic.do(enter_call, GATE, CallToken(token))
        assert (entry.room, entry.role) == ("cart-1", "device")
    await clinic.do(revoke_call_token, CONSOLE, CallToken(token))
    refused = await clinic.refusal(enter_call, GATE, CallToken(token))
    assert refused.code == "token_revoked"


async def test_times_and_modality_are_what_really_happened(clinic_on_both: Clinic) -> None:
    clinic = clinic_on_both
    made = await clinic.visit(modality="video")
    alice, bob = await _both_enter(clinic, made)
    started = clinic.database.now()
    await clinic.joins(alice, "a1")
    assert (await _now(clinic, made)).state == "waiting"
    clinic.clock.advance(60)
    await clinic.joins(bob, "b1")
    clinic.clock.advance(30)
    await clinic.is_admitted(alice, "a1")
    await _media(clinic, alice, "a1", "microphone")
    clinic.clock.advance(600)
    seen = await _now(clinic, made)
    assert seen.state == "in_progress"
    assert seen.first_joined_at == started
    assert seen.admitted_at == seen.call_started_at == started + timedelta(seconds=90)
    assert seen.call_ended_at is None
    assert (seen.declared_modality, seen.real_modality) == ("video", "audio")
    await clinic.leaves(alice, "a1")
    assert (await _now(clinic, made)).call_ended_at == started + timedelta(seconds=690)
    clinic.clock.advance(10)
    await clinic.joins(alice, "a2")
    await clinic.is_admitted(alice, "a2")
    await _media(clinic, alice, "a2", "camera")
    back = await _now(clinic, made)
    assert (back.call_ended_at, back.real_modality) == (None, "video")


async def test_a_visit_shows_who_waits_and_who_is_in_the_call_since_when(
    clinic_on_both: Clinic,
) -> None:
    clinic = clinic_on_both
    made = await clinic.visit()
    alice, bob = await _both_enter(clinic, made)
    begun = clinic.database.now()
    await clinic.joins(bob, "b1")
    assert await _presences(clinic, made) == [("in_call", begun), ("away", None)]
    assert (await _now(clinic, made)).state == "planned"
    clinic.clock.advance(60)
    came = clinic.database.now()
    await clinic.joins(alice, "a1")
    assert await _presences(clinic, made) == [("in_call", begun), ("waiting", came)]
    clinic.clock.advance(60)
    await clinic.is_admitted(alice, "a1")
    assert (await _presences(clinic, made))[1] == ("in_call", clinic.database.now())
    await clinic.leaves(bob, "b1")
    assert (await _presences(clinic, made))[0] == ("away", None)


async def test_who_gives_up_waiting_waits_no_more(clinic: Clinic) -> None:
    made = await clinic.visit()
    alice, _ = await _both_enter(clinic, made)
    first = clinic.database.now()
    await clinic.joins(alice, "a1")
    await clinic.joins(alice, "a2")
    await clinic.leaves(alice, "a1")
    assert (await _now(clinic, made)).state == "waiting"
    clinic.clock.advance(5)
    await clinic.leaves(alice, "a2")
    gone = await _now(clinic, made)
    assert (gone.state, gone.first_joined_at) == ("planned", first)
    assert (await clinic.do(end_visit, clinic.bob, OneVisit(made.id))).state == "ended"


async def test_what_changes_no_time_is_not_measured(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await clinic.visit()
    alice, _ = await _both_enter(clinic, made)
    for _ in range(2):
        await clinic.joins(alice, "a1")
        await clinic.is_admitted(alice, "a1")
        await _media(clinic, alice, "a1", "camera")
    read: list[str] = []
    monkeypatch.setattr(call_store, "participations_of", lambda _, visit_id: read.append(visit_id))
    await clinic.joins(alice, "a1")
    await clinic.is_admitted(alice, "a1")
    await _media(clinic, alice, "a1", "camera")
    assert read == []


async def test_a_visit_that_ended_in_the_call_ended_then_although_the_word_is_late(
    clinic: Clinic,
) -> None:
    made = await clinic.visit()
    alice, bob = await _both_enter(clinic, made)
    await clinic.joins(alice, "a1")
    over = RoomEnded(room=alice.room, subject=bob.participant_id, at=clinic.clock.now_s)
    ended_at = clinic.database.now()
    clinic.clock.advance(600)
    await clinic.do(gate_ended, GATE, over)
    assert (await _now(clinic, made)).ended_at == ended_at


async def test_what_is_said_twice_counts_once(clinic: Clinic) -> None:
    made = await clinic.visit()
    alice, _ = await _both_enter(clinic, made)
    for _ in range(2):
        await clinic.joins(alice, "a1")
        await clinic.is_admitted(alice, "a1")
        clinic.clock.advance(5)
    for _ in range(2):
        await clinic.leaves(alice, "a1")
        clinic.clock.advance(5)
    (row,) = await clinic.rows(call_store.call_participations)
    assert row.left_at - row.joined_at == timedelta(seconds=10)


async def test_who_leaves_after_the_end_is_still_written_down(clinic: Clinic) -> None:
    made = await clinic.visit()
    alice, _ = await _both_enter(clinic, made)
    await clinic.joins(alice, "a1")
    await clinic.do(end_visit, clinic.bob, OneVisit(made.id))
    assert await _orders(clinic) == (CallOrder(alice.room, None),)
    await clinic.leaves(alice, "a1")
    assert await _orders(clinic) == ()
    (row,) = await clinic.rows(call_store.call_participations)
    assert row.why == "left"


async def test_a_withdrawn_person_is_to_be_put_out_and_nobody_else(clinic_on_both: Clinic) -> None:
    clinic = clinic_on_both
    made = await clinic.visit()
    alice, bob = await _both_enter(clinic, made)
    await clinic.joins(alice, "a1")
    await clinic.joins(bob, "b1")
    assert await _orders(clinic) == ()
    await clinic.do(revoke, clinic.bob, _seat(made))
    assert await _orders(clinic) == (CallOrder(alice.room, alice.participant_id),)


async def test_a_disabled_login_is_out_of_the_call(clinic_on_both: Clinic) -> None:
    clinic = clinic_on_both
    await clinic.database.write(_bobs_login)
    made = await clinic.visit()
    alice, bob = await _both_enter(clinic, made)
    await clinic.joins(alice, "a1")
    await clinic.joins(bob, "b1")
    await clinic.database.write(
        lambda tx: tx.update(users, CONSOLE, user_id(2), disabled_at=tx.now)
    )
    assert await _orders(clinic) == (CallOrder(bob.room, bob.participant_id),)
    assert (await _refusal(clinic, bob)) == "token_revoked"


async def test_a_moderator_ends_the_visit_in_the_call(clinic: Clinic) -> None:
    made = await clinic.visit()
    alice, bob = await _both_enter(clinic, made)
    await clinic.joins(alice, "a1")
    for _ in range(2):
        over = RoomEnded(room=alice.room, subject=bob.participant_id, at=clinic.clock.now_s)
        await clinic.do(gate_ended, GATE, over)
    assert (await _now(clinic, made)).state == "ended"


async def test_chat_is_kept_sealed_and_once_per_key(clinic_on_both: Clinic) -> None:
    clinic = clinic_on_both
    seat = await clinic.tap(token_in(await clinic.visit()))
    first = await _says(clinic, seat, "k1", "It hurts here")
    again = await _says(clinic, seat, "k1", "something else")
    await _says(clinic, seat, "k2", "and there")
    assert again == first
    history = await clinic.see(chat_history, GATE, ChatSince(seat.room))
    assert [one.text for one in history] == ["It hurts here", "and there"]
    assert [one.id for one in history] == sorted(one.id for one in history)
    later = await clinic.see(chat_history, GATE, ChatSince(seat.room, history[0].id))
    assert [one.text for one in later] == ["and there"]
    assert b"hurts" not in b"".join(row.text for row in await clinic.rows(call_store.chat_messages))


async def test_messages_written_at_once_all_stay_in_one_order(clinic_on_both: Clinic) -> None:
    clinic = clinic_on_both
    seat = await clinic.tap(token_in(await clinic.visit()))
    await asyncio.gather(*(_says(clinic, seat, f"k{n}", str(n)) for n in range(8)))
    history = await clinic.see(chat_history, GATE, ChatSince(seat.room))
    assert sorted(one.text for one in history) == [str(n) for n in range(8)]
    assert [one.id for one in history] == [f"{n:012d}" for n in range(1, 9)]


@pytest.mark.parametrize("since", ["x", "-1", "9" * 40, "", "１"])
async def test_a_strange_position_in_the_chat_is_ignored_or_finds_nothing(
    clinic: Clinic, since: str
) -> None:
    seat = await clinic.tap(token_in(await clinic.visit()))
    await _says(clinic, seat, "k1", "Hello")
    history = await clinic.see(chat_history, GATE, ChatSince(seat.room, since))
    assert [one.text for one in history] == ["Hello"]


async def test_the_audit_names_each_step_and_no_word(clinic: Clinic) -> None:
    seat = await clinic.tap(token_in(await clinic.visit()))
    await clinic.do(enter_call, GATE, CallToken(seat.call_token))
    await clinic.joins(seat, "a1")
    await clinic.is_admitted(seat, "a1")
    await _says(clinic, seat, "k1", "It hurts")
    await clinic.leaves(seat, "a1")
    rows = await clinic.audited("visit.record")
    events = ["enter", "join", "admit", "chat", "leave"]
    assert [event in row.detail for event, row in zip(events, rows, strict=True)] == [True] * 5
    assert "hurts" not in str(rows)
    assert "Alice" not in str(rows)


def _bobs_login(tx: Transaction) -> None:
    tx.insert(
        users,
        CONSOLE,
        id=user_id(2),
        login="bob",
        display_name="Dr. Bob",
        roles="doctor",
        state="active",
        language="en",
        generation=1,
    )


async def _both_enter(clinic: Clinic, made: InstantVisit) -> tuple[Entered, Entered]:
    return await clinic.tap(token_in(made)), await clinic.bob_enters(made.id)


async def _now(clinic: Clinic, made: InstantVisit) -> VisitView:
    return await clinic.see(read_visit, clinic.bob, OneVisit(made.id))


async def _presences(clinic: Clinic, made: InstantVisit) -> list[tuple[str, datetime | None]]:
    """Of Bob, then Alice."""
    seats = (await _now(clinic, made)).participants
    assert [seat.role for seat in seats] == ["provider", "patient"]
    return [(seat.presence, seat.since) for seat in seats]


async def _orders(clinic: Clinic) -> tuple[CallOrder, ...]:
    return await clinic.database.read(lambda tx: call_orders(tx, GATE))


async def _media(clinic: Clinic, seat: Entered, peer: str, source: str) -> None:
    at = clinic.clock.now_s
    came = MediaCame(room=seat.room, subject=seat.participant_id, peer=peer, at=at, source=source)
    await clinic.do(gate_media_came, GATE, came)


async def _says(clinic: Clinic, seat: Entered, key: str, text: str) -> call_store.ChatMessage:
    message = ChatWritten(
        room=seat.room,
        participant="a1",
        name="Alice",
        key=key,
        text=text,
        at=clinic.clock.now_s,
    )
    return await clinic.do(append_chat, GATE, message)


async def _refusal(clinic: Clinic, seat: Entered) -> str:
    return (await clinic.refusal(enter_call, GATE, CallToken(seat.call_token))).code


def _seat(made: InstantVisit) -> OneSeat:
    return OneSeat(visit_id=made.id, participant_id=made.link.participant_id)
