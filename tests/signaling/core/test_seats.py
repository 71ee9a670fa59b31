"""Seats outlive connections: held, resumed, taken over, given up."""

from __future__ import annotations

import msgspec

from signaling.core import messages as m
from signaling.core import outputs as o
from signaling.core.closing import Closing
from signaling.core.state import NewSeat
from signaling.ports import PeerConnected, SlotAssigned
from tests.signaling.core.scene import PATIENT, ROOM, Scene, entry_of


def test_others_see_that_somebody_is_away_and_back() -> None:
    scene = Scene()
    scene.visit()
    scene.lose("alice")
    assert [one.connected for one in scene.heard("bob", m.Room)[-1].participants] == [True, False]
    scene.resume("alice")
    assert [one.connected for one in scene.heard("bob", m.Room)[-1].participants] == [True, True]
    assert scene.heard("alice", m.Welcome)[-1].resumed
    assert len(scene.heard("alice", m.Room)[-1].participants) == 2


def test_a_seat_is_held_for_ninety_seconds() -> None:
    scene = Scene()
    scene.visit()
    scene.lose("alice")
    lost_at = scene.now
    scene.room.receive_alive("c-bob", scene.now + 89)
    scene.wait(89.9)
    assert scene.of(o.NoteLeft) == []
    assert scene.room.next_timeout() == lost_at + 90
    scene.wait(0.1)
    assert scene.of(o.NoteLeft) == [o.NoteLeft("subject-alice", "p-alice", lost_at, "expire")]
    assert scene.of(o.ClosePeer) == [o.ClosePeer("p-alice")]
    scene.resume("alice")
    assert scene.closing("c-alice") is Closing.SEAT_GONE


def test_a_silent_connection_is_closed_after_three_missed_heartbeats() -> None:
    scene = Scene()
    scene.doctor()
    scene.wait(29.9)
    assert scene.closing("c-bob") is None
    scene.wait(0.1)
    assert scene.closing("c-bob") is Closing.HEARTBEAT


def test_a_ping_is_a_sign_of_life() -> None:
    scene = Scene()
    scene.doctor()
    scene.wait(29)
    scene.say("bob", m.Ping())
    scene.wait(29)
    assert scene.heard("bob", m.Pong) == [m.Pong()]
    assert scene.closing("c-bob") is None


def test_the_newer_connection_of_a_seat_wins() -> None:
    scene = Scene()
    scene.visit()
    scene.resume("alice", "c-new")
    assert scene.closing("c-alice") is Closing.REPLACED
    scene.clear()
    scene.say("alice", m.Ping())
    scene.lose("alice")
    assert scene.outputs == []


def test_a_wrong_key_opens_no_seat() -> None:
    scene = Scene()
    scene.visit()
    scene.lose("alice")
    scene.room.receive_resume("c-charlie", scene.disk["p-alice"], "x" * 32, None, scene.now)
    scene.drain()
    assert scene.closing("c-charlie") is Closing.SEAT_GONE


def test_a_fresh_token_takes_over_the_held_seat_and_leaves_no_ghost() -> None:
    scene = Scene()
    scene.visit()
    old = scene.disk["p-alice"]
    scene.lose("alice")
    scene.hello("alice", PATIENT, waits=True, participant="p-other", connection="c-reload")
    room = scene.heard("bob", m.Room)[-1]
    assert [one.id for one in room.participants] == ["p-bob", "p-alice"]
    welcome = next(
        one.message
        for one in scene.of(o.Send)
        if isinstance(one.message, m.Welcome) and one.connection == "c-reload"
    )
    assert (welcome.participant, welcome.state, welcome.media) == ("p-alice", "admitted", False)
    assert old.state == scene.disk["p-alice"].state


def test_after_a_restart_people_resume_and_media_is_still_theirs() -> None:
    scene = Scene()
    scene.visit()
    scene.say("alice", m.Media(microphone=True, camera=False, screen=False))
    scene.restart(frozenset({"p-alice"}))
    scene.room.receive_media_event(
        SlotAssigned(ROOM, "p-alice", 0, "p-bob", 4, False, ""), scene.now
    )
    scene.resume("alice")
    welcome = scene.heard("alice", m.Welcome)[-1]
    assert (welcome.resumed, welcome.media, welcome.state) == (True, True, "admitted")
    room = scene.heard("alice", m.Room)[-1]
    assert room.participants[1].microphone
    assert room.slots == (m.SlotState(0, "p-bob", 4, screen=False, live=False),)


def test_after_a_restart_without_word_of_the_slots_media_is_made_anew() -> None:
    scene = Scene()
    scene.visit()
    scene.restart(frozenset({"p-alice"}))
    scene.resume("alice")
    assert not scene.heard("alice", m.Welcome)[-1].media


def test_media_for_somebody_without_a_seat_is_closed() -> None:
    scene = Scene()
    scene.doctor()
    scene.patient()
    scene.room.receive_media_event(PeerConnected(ROOM, "p-alice"), scene.now)
    scene.room.receive_media_event(PeerConnected(ROOM, "p-nobody"), scene.now)
    scene.drain()
    assert scene.of(o.ClosePeer) == [o.ClosePeer("p-alice"), o.ClosePeer("p-nobody")]


def test_when_the_last_seat_is_given_up_the_media_room_is_closed() -> None:
    scene = Scene()
    scene.doctor()
    outputs = scene.say("bob", m.Leave(1))
    assert scene.heard("bob", m.Done) == [m.Done(1)]
    assert scene.closing("c-bob") is Closing.LEFT
    assert o.CloseMediaRoom() in outputs
    assert scene.room.is_vacant
    assert scene.room.next_timeout() is None


def test_the_end_is_saved_first() -> None:
    scene = Scene()
    scene.visit()
    outputs = scene.say("bob", m.End(1))
    assert isinstance(outputs[0], o.SaveRoom)
    assert scene.closing("c-bob") is scene.closing("c-alice") is Closing.ENDED
    scene.restart()
    assert scene.room.is_vacant


def test_who_has_one_place_takes_it_over_from_the_other_device_and_stays_admitted() -> None:
    scene = Scene()
    scene.visit()
    entry = msgspec.structs.replace(entry_of("alice", PATIENT, waits=True), alone=True)
    fresh = NewSeat("p-phone", "key-of-the-phone-0000")
    scene.room.receive_hello("c-phone", entry, fresh, None, scene.now)
    scene.drain()
    assert scene.closing("c-alice") is Closing.REPLACED
    [welcome] = scene.heard("phone", m.Welcome)
    assert (welcome.participant, welcome.state) == ("p-alice", "admitted")
    assert scene.of(o.NoteLeft) == []


def test_others_are_told_once_that_a_phone_rings_and_that_its_owner_is_back() -> None:
    scene = Scene()
    scene.visit()

    def seen() -> list[str]:
        rooms = scene.heard("bob", m.Room)
        return [one.activity for room in rooms for one in room.participants if one.id == "p-alice"]

    for _ in range(2):
        scene.say("alice", m.Active("interrupted"))
    assert seen() == ["interrupted"]
    scene.say("alice", m.Active("active"))
    assert seen() == ["interrupted", "active"]


def test_a_new_connection_begins_as_active() -> None:
    scene = Scene()
    scene.visit()
    scene.say("alice", m.Active("background"))
    scene.lose("alice")
    scene.resume("alice", "c-again")
    [alice] = [one for one in scene.heard("bob", m.Room)[-1].participants if one.id == "p-alice"]
    assert (alice.connected, alice.activity) == (True, "active")
