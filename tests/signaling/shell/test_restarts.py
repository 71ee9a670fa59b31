"""Connections, the front and the media plane come and go; the visit stays."""

from __future__ import annotations

import asyncio
import sqlite3

import pytest
from structlog.testing import capture_logs

from signaling.core import messages as m
from signaling.core.closing import Closing
from signaling.core.seat_states import SeatState
from signaling.ports import PeerConnected, PlaneLost, Refused, SlotAssigned
from signaling.shell import notices
from tests.signaling.shell.clinic import ROOM, Caller, Clinic
from tests.signaling.shell.test_visits import KEY, offer


async def in_call(clinic: Clinic) -> tuple[Caller, Caller]:
    bob = await clinic.join("bob")
    alice = await clinic.join("alice")
    await clinic.admit(bob, alice)
    return bob, alice


async def test_a_lost_connection_is_resumed_with_the_whole_room_and_missed_chat(
    clinic: Clinic,
) -> None:
    bob, alice = await in_call(clinic)
    await bob.ask(m.Chat, key=f"{KEY}1", text="before")
    seen = (await alice.hear(m.ChatMessage)).id
    await alice.socket.close()
    await bob.ask(m.Chat, key=f"{KEY}2", text="meanwhile")
    back = await clinic.hello(seat=alice.seat, seen=seen)
    welcome = await back.hear(m.Welcome)
    assert (welcome.resumed, welcome.participant) == (True, alice.participant)
    assert len((await back.hear(m.Room)).participants) == 2
    missed = [one for one in await back.nothing_but_pong() if isinstance(one, m.ChatMessage)]
    assert [one.text for one in missed] == ["meanwhile"]


async def test_chat_of_before_the_admission_is_not_shown(clinic: Clinic) -> None:
    bob = await clinic.join("bob")
    await bob.ask(m.Chat, key=f"{KEY}1", text="between doctors")
    alice = await clinic.join("alice")
    await clinic.admit(bob, alice)
    assert not [one for one in await alice.nothing_but_pong() if isinstance(one, m.ChatMessage)]


async def test_a_second_connection_replaces_the_first(clinic: Clinic) -> None:
    bob = await clinic.join("bob")
    again = await clinic.hello(seat=bob.seat)
    assert await bob.closed() == Closing.REPLACED.code
    assert (await again.hear(m.Welcome)).resumed


async def test_after_a_restart_everybody_resumes_and_rules_still_hold(clinic: Clinic) -> None:
    bob, alice = await in_call(clinic)
    charlie = await clinic.join("charlie")
    await bob.ask(m.Admit, participant=charlie.participant)
    await bob.ask(m.Remove, participant=charlie.participant)
    await bob.ask(m.Lock, locked=True)
    await alice.say(offer(1))
    await alice.hear(m.Answer)
    clinic.plane.carried |= {charlie.participant: ROOM, "p-ghost": ROOM, "p-old": "elsewhere"}
    await clinic.restart()
    assert clinic.plane.carried == {alice.participant: ROOM}
    clinic.plane.tell(SlotAssigned(ROOM, alice.participant, 0, bob.participant, 1, False, ""))
    back = await clinic.hello(seat=alice.seat)
    welcome = await back.hear(m.Welcome)
    assert (welcome.resumed, welcome.state, welcome.media) == (True, "admitted", True)
    assert (await back.hear(m.Room)).locked
    assert await (await clinic.hello(clinic.token("charlie"))).closed() == Closing.REMOVED.code
    assert await (await clinic.hello(clinic.token("dora"))).closed() == Closing.LOCKED.code


async def test_a_stopping_front_says_that_it_restarts(clinic: Clinic) -> None:
    bob = await clinic.join("bob")
    code, _ = await asyncio.gather(bob.closed(), clinic.calls.close())
    assert code == Closing.RESTARTING.code


async def test_a_waiting_person_still_waits_after_a_restart(clinic: Clinic) -> None:
    alice = await clinic.join("alice")
    await clinic.restart()
    back = await clinic.hello(seat=alice.seat)
    assert (await back.hear(m.Welcome)).state == "waiting"


async def test_a_dead_worker_is_told_at_once_and_the_next_offer_opens_the_room_anew(
    clinic: Clinic,
) -> None:
    bob = await clinic.join("bob")
    await bob.say(offer(1))
    await bob.hear(m.Answer)
    clinic.plane.tell(PlaneLost((ROOM,)))
    await bob.hear(m.MediaLost)
    await bob.say(offer(2))
    await bob.hear(m.Answer)
    assert len(clinic.plane.named("open_room")) == 2


async def test_a_refused_offer_and_a_broken_plane_are_told_in_words(clinic: Clinic) -> None:
    bob = await clinic.join("bob")
    clinic.plane.refusal = Refused("bad_sdp", "This is no SDP.")
    await bob.say(offer(1))
    assert await bob.hear(m.Error) == m.Error("bad_sdp", "This is no SDP.", offer=1)
    clinic.plane.refusal, clinic.plane.problem = None, RuntimeError("v=0 secret")
    await bob.say(offer(2))
    error = await bob.hear(m.Error)
    assert (error.code, error.offer) == ("media_unavailable", 2)


async def test_a_slow_answer_delays_nobody_else(clinic: Clinic) -> None:
    bob, alice = await in_call(clinic)
    clinic.plane.gate.clear()
    await alice.say(offer(1))
    await clinic.until(lambda: clinic.plane.named("connect"))
    assert isinstance(await bob.ask(m.Remove, participant=alice.participant), m.Done)
    clinic.plane.gate.set()
    await clinic.until(lambda: ("close_peer", alice.participant) in clinic.plane.commands)
    assert alice.participant not in clinic.plane.carried


async def test_media_for_nobody_is_closed(clinic: Clinic) -> None:
    clinic.plane.tell(PeerConnected("empty-room", "p-ghost"))
    await clinic.until(lambda: ("close_peer", "p-ghost") in clinic.plane.commands)


async def test_signalling_goes_on_when_the_events_of_the_plane_end(clinic: Clinic) -> None:
    clinic.plane.tell(None)
    bob = await clinic.join("bob")
    assert isinstance(await bob.ask(m.Lock, locked=True), m.Done)


async def test_chat_that_cannot_be_stored_is_refused(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    bob = await clinic.join("bob")

    async def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(clinic.calls._services.log, "append_chat", full)
    refusal = await bob.ask(m.Chat, key=KEY, text="ache")
    assert isinstance(refusal, m.Error)
    assert refusal.code == "chat_failed"


async def test_what_cannot_be_saved_is_not_acknowledged_and_did_not_happen(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    bob = await clinic.join("bob")
    alice = await clinic.join("alice")

    async def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(clinic.store, "save_seat", full)
        await bob.say(m.Admit(1, alice.participant))
        assert await bob.closed() == Closing.RESTARTING.code
    assert await alice.closed() == Closing.RESTARTING.code
    back = await clinic.hello(seat=alice.seat)
    assert (await back.hear(m.Welcome)).state == "waiting"
    seats = await clinic.store.seats(ROOM)
    assert [one.state for one in seats] == [SeatState.ADMITTED, SeatState.WAITING]


async def test_a_clinic_that_does_not_answer_delays_nobody_and_hears_it_all_later(
    clinic: Clinic,
) -> None:
    clinic.desk.answers.clear()
    bob, alice = await in_call(clinic)
    assert isinstance(await bob.ask(m.Lock, locked=True), m.Done)
    assert isinstance(await alice.ask(m.Leave), m.Done)
    assert clinic.desk.told == []
    clinic.desk.answers.set()
    await clinic.close()
    assert [one[0] for one in clinic.desk.told] == [
        "joined", "admitted", "joined", "admitted", "left"
    ]  # fmt: skip
    await clinic.open()


async def test_what_the_clinic_fails_to_take_is_logged_and_the_next_is_told(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(clinic.desk, "joined", full)
    with capture_logs() as lines:
        bob = await clinic.join("bob")
        await clinic.until(lambda: clinic.desk.told)
    assert clinic.desk.told == [("admitted", ROOM, "subject-bob", bob.participant)]
    assert [line["event"] for line in lines if line["log_level"] == "error"] == [
        "gatekeeper not told"
    ]


async def test_a_clinic_that_never_answers_does_not_keep_the_front(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "LAST_WORDS_S", 0.01)
    clinic.desk.answers.clear()
    await clinic.join("bob")
    await clinic.restart()
    clinic.desk.answers.set()


async def test_a_front_that_starts_says_who_is_still_there(clinic: Clinic) -> None:
    bob, alice = await in_call(clinic)
    carol = await clinic.join("carol")
    await carol.ask(m.Leave)
    await clinic.restart()
    assert clinic.desk.present == {bob.participant, alice.participant}


async def test_no_log_line_names_a_person_or_their_words(clinic: Clinic) -> None:
    with capture_logs() as lines:
        bob, alice = await in_call(clinic)
        token = clinic.token("carol")
        await clinic.hello(token)
        await bob.ask(m.Chat, key=KEY, text="canary-text")
        clinic.plane.problem = RuntimeError("canary-sdp")
        await alice.say(m.Offer(1, "canary-sdp", {}, ()))
        await alice.hear(m.Error)
        await clinic.hello("canary-token-0123456789")
        await bob.ask(m.Remove, participant=alice.participant)
    text = repr(lines)
    assert lines
    for secret in ("Bob", "Alice", "Carol", "canary", "subject", bob.seat, alice.seat, token):
        assert secret not in text, secret
