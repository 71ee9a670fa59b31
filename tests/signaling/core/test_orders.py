"""What is decided outside the call holds in it."""

from __future__ import annotations

from signaling import ports
from signaling.core import messages as m
from signaling.core import outputs as o
from signaling.core.closing import Closing
from tests.signaling.core.scene import DOCTOR, PATIENT, ROOM, Scene


def end(scene: Scene) -> list[o.Output]:
    scene.room.receive_end(scene.now)
    return scene.drain()


def withdraw(scene: Scene, who: str) -> list[o.Output]:
    scene.room.receive_withdrawal(f"subject-{who}", scene.now)
    return scene.drain()


def test_a_visit_that_ends_outside_ends_for_everybody_and_for_good() -> None:
    scene = Scene()
    scene.visit()
    outputs = end(scene)
    assert isinstance(outputs[0], o.SaveRoom)
    assert scene.closing("c-bob") is scene.closing("c-alice") is Closing.ENDED
    assert [left.why for left in scene.of(o.NoteLeft)] == ["end", "end"]
    assert end(scene) == []
    scene.hello("bob", DOCTOR, waits=False, connection="c-again")
    assert scene.closing("c-again") is Closing.ENDED


def test_nobody_is_told_twice_who_ended_outside_but_of_a_moderators_word() -> None:
    scene = Scene()
    scene.visit()
    end(scene)
    assert scene.of(o.NoteEnded) == []
    other = Scene()
    other.visit()
    other.say("bob", m.End(1))
    assert other.of(o.NoteEnded) == [o.NoteEnded("subject-bob", other.now)]


def test_a_withdrawn_person_is_out_on_every_device_and_the_others_go_on() -> None:
    scene = Scene()
    scene.visit()
    scene.hello("alice", PATIENT, waits=True, connection="c-phone", participant="p-phone")
    withdraw(scene, "alice")
    assert scene.closing("c-alice") is scene.closing("c-phone") is Closing.WITHDRAWN
    assert scene.closing("c-bob") is None
    assert scene.of(o.ClosePeer) == [o.ClosePeer("p-alice")]
    assert [one.id for one in scene.heard("bob", m.Room)[-1].participants] == ["p-bob"]
    assert withdraw(scene, "alice") == []


def test_the_seat_of_a_withdrawn_person_is_gone_but_a_new_token_opens() -> None:
    scene = Scene()
    scene.visit()
    withdraw(scene, "alice")
    scene.resume("alice", "c-key")
    assert scene.closing("c-key") is Closing.SEAT_GONE
    scene.hello("alice", PATIENT, waits=True, connection="c-new", participant="p-new")
    assert scene.closing("c-new") is None
    assert scene.room.participants() == {"p-bob", "p-new"}


def test_the_gate_is_told_which_media_really_came() -> None:
    scene = Scene()
    scene.visit()
    event = ports.TrackAdded(ROOM, "p-alice", "camera")
    scene.room.receive_media_event(event, scene.now)
    scene.drain()
    assert scene.of(o.NoteMedia) == [o.NoteMedia("subject-alice", "p-alice", "camera", scene.now)]
