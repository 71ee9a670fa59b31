"""Devices in virtual time: seated when the plane answers, gone when their media is."""

from __future__ import annotations

import pytest

from signaling import ports
from signaling.core import messages as m
from signaling.core import outputs as o
from signaling.core.closing import Closing
from signaling.core.devices import refusal
from signaling.core.rights import Rights
from signaling.core.state import NewSeat
from tests.signaling.core.scene import DOCTOR, PATIENT, ROOM, Scene, entry_of

PUBLISHER = Rights(publish=True)
SDP = "v=0\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789abcdefghijkl\r\n"


def offer(
    scene: Scene, ticket: str, *, who: str = "cart", way: ports.Way = "whip"
) -> o.ConnectMedia | None:
    entry = entry_of(who, PATIENT, waits=False)
    fresh = NewSeat(f"p-{ticket}", f"key-of-{ticket}-0000000")
    scene.room.receive_device(ticket, entry, fresh, ports.DeviceOffer(SDP, way))
    asked = [output for output in scene.drain() if isinstance(output, o.ConnectMedia)]
    return asked[0] if asked else None


def answer(scene: Scene, ticket: str) -> None:
    scene.room.receive_answer(f"p-{ticket}", ticket, 1, "answer", scene.now)
    scene.drain()


def publish(scene: Scene, ticket: str) -> None:
    offer(scene, ticket)
    answer(scene, ticket)


def tell(scene: Scene, event: ports.MediaEvent) -> None:
    scene.room.receive_media_event(event, scene.now)
    scene.drain()


def people(scene: Scene, who: str = "bob") -> list[str]:
    return [one.id for one in scene.heard(who, m.Room)[-1].participants]


@pytest.mark.parametrize(
    ("way", "rights", "code"),
    [
        ("whip", PUBLISHER, ""),
        ("whip", Rights(subscribe=True), "not_allowed"),
        ("whep", Rights(subscribe=True), ""),
        ("whep", PUBLISHER, "not_allowed"),
    ],
)
def test_each_way_needs_its_right(way: ports.Way, rights: Rights, code: str) -> None:
    assert refusal(entry_of("cart", rights, waits=False), ROOM, way) == code


def test_a_device_never_passes_the_waiting_room() -> None:
    assert refusal(entry_of("cart", PATIENT, waits=True), ROOM, "whip") == "device_waits"


def test_a_device_has_only_the_right_of_its_way() -> None:
    scene = Scene()
    command = offer(scene, "t-1")
    assert command is not None
    assert (command.rights, command.owner) == (PUBLISHER, "subject-cart")


def test_nobody_is_shown_before_the_plane_has_answered() -> None:
    scene = Scene()
    scene.doctor()
    offer(scene, "t-1")
    assert people(scene) == ["p-bob"]
    answer(scene, "t-1")
    assert people(scene) == ["p-bob", "p-t-1"]
    assert scene.disk["p-t-1"].device == "whip"


def test_a_refused_offer_is_told_and_nobody_joined() -> None:
    scene = Scene()
    offer(scene, "t-1")
    assert not scene.room.is_vacant, "its answer is awaited"
    scene.room.receive_offer_failed("p-t-1", "t-1", 1, "bad_sdp", "No.", scene.now)
    scene.drain()
    assert [one.message for one in scene.of(o.Send)] == [m.Error("bad_sdp", "No.", offer=1)]
    assert not scene.of(o.NoteJoined)
    assert scene.of(o.CloseMediaRoom)
    assert scene.room.is_vacant


def test_a_room_that_was_locked_meanwhile_takes_no_device() -> None:
    scene = Scene()
    scene.doctor()
    offer(scene, "t-1")
    scene.say("bob", m.Lock(1, locked=True))
    answer(scene, "t-1")
    assert scene.closing("t-1") is Closing.LOCKED
    assert o.ClosePeer("p-t-1") in scene.outputs
    assert people(scene) == ["p-bob"]


def test_a_device_whose_media_never_comes_leaves() -> None:
    scene = Scene()
    publish(scene, "t-1")
    assert scene.room.next_timeout() == scene.now + scene.settings.device_media_s
    scene.wait(scene.settings.device_media_s)
    assert scene.of(o.NoteLeft)
    assert scene.room.is_vacant


def test_a_device_stays_as_long_as_its_media() -> None:
    scene = Scene()
    publish(scene, "t-1")
    tell(scene, ports.PeerConnected(ROOM, "p-t-1"))
    assert scene.room.next_timeout() is None
    scene.wait(100_000)
    tell(scene, ports.PeerLost(ROOM, "p-t-1", "path"))
    [left] = scene.of(o.NoteLeft)
    assert left.at == scene.now
    assert scene.room.is_vacant


def test_late_words_about_replaced_media_do_not_end_the_new_session() -> None:
    scene = Scene()
    publish(scene, "t-1")
    publish(scene, "t-2")
    scene.doctor()
    tell(scene, ports.PeerLost(ROOM, "p-t-1", "closed"))
    scene.room.receive_device_end("p-t-1", scene.now)
    assert people(scene) == ["p-t-2", "p-bob"]


def test_one_person_may_publish_and_watch_at_once() -> None:
    scene = Scene()
    publish(scene, "t-1")
    offer(scene, "t-2", way="whep")
    answer(scene, "t-2")
    scene.doctor()
    assert people(scene) == ["p-t-1", "p-t-2", "p-bob"]


def test_two_offers_at_once_leave_one_session() -> None:
    scene = Scene()
    offer(scene, "t-1")
    offer(scene, "t-2")
    answer(scene, "t-2")
    answer(scene, "t-1")
    scene.doctor()
    assert people(scene) == ["p-t-1", "p-bob"]


def test_a_restarted_front_gives_a_device_without_media_its_time() -> None:
    scene = Scene()
    publish(scene, "t-1")
    scene.restart()
    assert scene.room.next_timeout() == scene.now + scene.settings.device_media_s
    scene.restart(frozenset({"p-t-1"}))
    assert scene.room.next_timeout() is None


def test_a_device_moderates_nothing_and_hears_nothing() -> None:
    scene = Scene()
    entry = entry_of("cart", DOCTOR, waits=False)
    fresh = NewSeat("p-t-1", "key-of-t-1-00000000")
    scene.room.receive_device("t-1", entry, fresh, ports.DeviceOffer(SDP, "whip"))
    answer(scene, "t-1")
    scene.patient()
    scene.doctor()
    told = [one.message for one in scene.of(o.Send) if one.connection == "t-1"]
    assert told == [m.Answer(1, "answer")]
    assert scene.disk["p-t-1"].rights == PUBLISHER
    scene.room.receive_message("t-1", m.Lock(1, locked=True), scene.now)
    assert not [one for one in scene.drain() if isinstance(one, o.SaveRoom)]
