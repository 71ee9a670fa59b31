"""Visits over real sockets: coming in, waiting, talking, being put out."""

from __future__ import annotations

import msgspec

from signaling.core import messages as m
from signaling.core.closing import Closing
from signaling.ports import PeerConnected, TrackAdded
from tests.signaling.shell.clinic import ROOM, Clinic

KEY = "0123456789abcdef"


def offer(number: int) -> m.Offer:
    return m.Offer(number, f"sdp {number}", {"camera": "1"}, (m.OfferSlot(video="2", audio="3"),))


async def test_a_doctor_enters_directly_and_sees_the_room(clinic: Clinic) -> None:
    bob = await clinic.hello(clinic.token("bob"))
    welcome = await bob.hear(m.Welcome)
    assert (welcome.state, welcome.resumed, welcome.rights.moderate) == ("admitted", False, True)
    room = await bob.hear(m.Room)
    assert [person.name for person in room.participants] == ["Bob"]


async def test_a_patient_waits_until_the_doctor_admits(clinic: Clinic) -> None:
    bob = await clinic.join("bob")
    alice = await clinic.join("alice")
    assert await alice.nothing_but_pong() == []
    while not (room := await bob.hear(m.Room)).waiting:
        pass
    assert [person.name for person in room.waiting] == ["Alice"]
    await bob.ask(m.Admit, participant=alice.participant)
    await alice.hear(m.Admitted)
    seen = await alice.hear(m.Room)
    assert [person.name for person in seen.participants] == ["Bob", "Alice"]
    assert seen.waiting == ()


async def test_an_offer_is_answered(clinic: Clinic) -> None:
    bob = await clinic.join("bob")
    await bob.say(offer(1))
    assert await bob.hear(m.Answer) == m.Answer(1, "answer to sdp 1")
    clinic.plane.tell(PeerConnected(ROOM, bob.participant))
    while not (await bob.hear(m.Room)).participants[0].media:
        pass
    assert clinic.plane.commands[0] == ("open_room", ROOM, 17)


async def test_a_waiting_patient_gets_no_answer(clinic: Clinic) -> None:
    alice = await clinic.join("alice")
    await alice.say(offer(1))
    refusal = await alice.hear(m.Error)
    assert (refusal.code, refusal.offer) == ("not_admitted", 1)
    assert clinic.plane.commands == []


async def test_chat_is_on_disk_before_it_is_done(clinic: Clinic) -> None:
    bob = await clinic.join("bob")
    alice = await clinic.join("alice")
    await clinic.admit(bob, alice)
    for number in range(3):
        outcome = await alice.ask(m.Chat, key=f"{KEY}{number}", text=f"ache {number}")
        assert isinstance(outcome, m.Done)
        stored = await clinic.calls._services.log.history(ROOM, None)
        assert [entry.text for entry in stored] == [f"ache {one}" for one in range(number + 1)]
    heard = [await bob.hear(m.ChatMessage) for _ in range(3)]
    assert [one.text for one in heard] == ["ache 0", "ache 1", "ache 2"]
    assert [one.id for one in heard] == sorted(one.id for one in heard)


async def test_a_repeated_chat_message_is_stored_once(clinic: Clinic) -> None:
    bob = await clinic.join("bob")
    await bob.ask(m.Chat, key=KEY, text="hello")
    await bob.ask(m.Chat, key=KEY, text="hello")
    assert len(await clinic.calls._services.log.history(ROOM, None)) == 1


async def test_a_removed_patient_stays_out(clinic: Clinic) -> None:
    bob = await clinic.join("bob")
    alice = await clinic.join("alice")
    await clinic.admit(bob, alice)
    await bob.ask(m.Remove, participant=alice.participant)
    assert await alice.closed() == Closing.REMOVED.code
    assert await (await clinic.hello(clinic.token("alice"))).closed() == Closing.REMOVED.code
    assert await (await clinic.hello(seat=alice.seat)).closed() == Closing.REMOVED.code
    await clinic.until(lambda: ("close_peer", alice.participant) in clinic.plane.commands)


async def test_a_denied_patient_stays_out(clinic: Clinic) -> None:
    bob = await clinic.join("bob")
    alice = await clinic.join("alice")
    await bob.ask(m.Deny, participant=alice.participant)
    assert await alice.closed() == Closing.DENIED.code
    assert await (await clinic.hello(clinic.token("alice"))).closed() == Closing.DENIED.code


async def test_a_locked_room_lets_nobody_new_in_but_its_own_people_back(clinic: Clinic) -> None:
    bob = await clinic.join("bob")
    alice = await clinic.join("alice")
    await clinic.admit(bob, alice)
    await bob.ask(m.Lock, locked=True)
    assert await (await clinic.hello(clinic.token("charlie"))).closed() == Closing.LOCKED.code
    await alice.socket.close()
    back = await clinic.hello(seat=alice.seat)
    assert (await back.hear(m.Welcome)).state == "admitted"


async def test_the_end_of_a_visit_is_for_everyone_and_for_good(clinic: Clinic) -> None:
    bob = await clinic.join("bob")
    alice = await clinic.join("alice")
    await bob.say(m.End(request=7))
    assert await bob.hear(m.Done) == m.Done(7)
    assert await bob.closed() == await alice.closed() == Closing.ENDED.code
    assert await (await clinic.hello(clinic.token("bob"))).closed() == Closing.ENDED.code
    assert await (await clinic.hello(seat=alice.seat)).closed() == Closing.ENDED.code
    await clinic.until(lambda: clinic.plane.named("close_room") == [("close_room", ROOM)])


async def test_a_muted_person_is_told_and_unmutes(clinic: Clinic) -> None:
    bob = await clinic.join("bob")
    alice = await clinic.join("alice")
    await clinic.admit(bob, alice)
    await alice.say(m.Media(microphone=True, camera=True, screen=False))
    await bob.ask(m.Mute, participant=alice.participant, source="microphone")
    assert await alice.hear(m.Muted) == m.Muted("microphone")
    await alice.say(m.Media(microphone=True, camera=True, screen=False))
    await alice.nothing_but_pong()
    who = alice.participant
    await clinic.until(lambda: len(clinic.plane.named("set_muted")) == 2)
    assert [command[1:] for command in clinic.plane.named("set_muted")] == [
        (who, "microphone", True),
        (who, "microphone", False),
    ]


async def test_a_full_room_says_so(clinic: Clinic) -> None:
    small = msgspec.structs.replace(clinic.settings.room, max_admitted=1)
    clinic.settings = msgspec.structs.replace(clinic.settings, room=small)
    await clinic.restart()
    bob = await clinic.join("bob")
    alice = await clinic.join("alice")
    refusal = await bob.ask(m.Admit, participant=alice.participant)
    assert isinstance(refusal, m.Error)
    assert refusal.code == "room_full"
    assert await (await clinic.hello(clinic.token("carol"))).closed() == Closing.ROOM_FULL.code


async def test_leaving_gives_the_seat_up(clinic: Clinic) -> None:
    bob = await clinic.join("bob")
    outcome = await bob.ask(m.Leave)
    assert isinstance(outcome, m.Done)
    assert await bob.closed() == Closing.LEFT.code
    assert await (await clinic.hello(seat=bob.seat)).closed() == Closing.SEAT_GONE.code
    await clinic.until(lambda: clinic.calls.counters["rooms"] == 0)


async def test_the_clinic_is_told_of_everything_that_counts(clinic: Clinic) -> None:
    bob = await clinic.join("bob")
    alice = await clinic.join("alice")
    await clinic.admit(bob, alice)
    clinic.plane.tell(TrackAdded(ROOM, alice.participant, "microphone"))
    await clinic.until(lambda: clinic.desk.told[-1][0] == "media")
    await bob.ask(m.End)
    await clinic.until(lambda: clinic.desk.told[-1][0] == "ended")
    him, her = ("subject-bob", bob.participant), ("subject-alice", alice.participant)
    assert clinic.desk.told == [
        ("joined", ROOM, *him),
        ("admitted", ROOM, *him),
        ("joined", ROOM, *her),
        ("admitted", ROOM, *her),
        ("media", ROOM, *her, "microphone"),
        ("left", ROOM, *him, "end"),
        ("left", ROOM, *her, "end"),
        ("ended", ROOM, "subject-bob"),
    ]
