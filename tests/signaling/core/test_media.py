"""Offers, slots and what becomes of a lost media connection."""

from __future__ import annotations

from signaling.core import messages as m
from signaling.core import outputs as o
from signaling.core.rights import Rights
from signaling.ports import (
    LayersWanted,
    MediaEvent,
    PeerConnected,
    PeerLost,
    PlaneLost,
    Quality,
    SlotAssigned,
    SlotSwitched,
    Speakers,
)
from tests.signaling.core.scene import ROOM, Scene

VIDEO_SLOT = (m.OfferSlot(video="2"),)


def offer(number: int) -> m.Offer:
    return m.Offer(number, "sdp", {"camera": "1"}, VIDEO_SLOT)


def report(scene: Scene, event: MediaEvent) -> None:
    scene.room.receive_media_event(event, scene.now)
    scene.drain()


def answer(scene: Scene, number: int, connection: str = "c-alice") -> None:
    scene.room.receive_answer("p-alice", connection, number, "answer", scene.now)
    scene.drain()


def test_an_answer_reaches_the_one_who_offered() -> None:
    scene = Scene()
    scene.visit()
    scene.say("alice", offer(1))
    answer(scene, 1)
    assert scene.heard("alice", m.Answer) == [m.Answer(1, "answer")]


def test_offers_count_up() -> None:
    scene = Scene()
    scene.visit()
    scene.say("alice", offer(2))
    scene.say("alice", offer(2))
    assert scene.refusals("alice") == ["offer_stale"]
    assert scene.heard("alice", m.Error)[0].offer == 2


def test_an_answer_to_an_older_offer_is_dropped() -> None:
    scene = Scene()
    scene.visit()
    scene.say("alice", offer(1))
    scene.say("alice", offer(2))
    answer(scene, 1)
    answer(scene, 2)
    answer(scene, 2)
    assert scene.heard("alice", m.Answer) == [m.Answer(2, "answer")]


def test_an_answer_to_an_earlier_connection_is_dropped() -> None:
    scene = Scene()
    scene.visit()
    scene.say("alice", offer(1))
    scene.resume("alice", "c-new")
    answer(scene, 1)
    assert not [one for one in scene.of(o.Send) if isinstance(one.message, m.Answer)]


def test_a_refused_offer_is_told_in_words() -> None:
    scene = Scene()
    scene.visit()
    scene.say("alice", offer(1))
    scene.room.receive_offer_failed("p-alice", "c-alice", 1, "bad_sdp", "No.", scene.now)
    scene.drain()
    assert scene.heard("alice", m.Error) == [m.Error("bad_sdp", "No.", offer=1)]


def test_publishing_and_subscribing_need_their_rights() -> None:
    scene = Scene()
    scene.hello("carol", Rights(subscribe=True), waits=False)
    scene.hello("charlie", Rights(publish=True), waits=False)
    scene.say("carol", offer(1))
    scene.say("charlie", offer(1))
    assert scene.refusals("carol") == scene.refusals("charlie") == ["not_allowed"]
    scene.say("carol", m.Offer(2, "sdp", {}, VIDEO_SLOT))
    scene.say("charlie", m.Offer(2, "sdp", {"camera": "1"}, ()))
    assert [one.participant for one in scene.of(o.ConnectMedia)] == ["p-carol", "p-charlie"]


def test_in_a_visit_by_sound_no_camera_and_no_screen_can_be_declared() -> None:
    scene = Scene()
    rights = Rights(publish=True, subscribe=True, only_sound=True)
    scene.hello("alice", rights, waits=False)
    scene.say("alice", m.Media(microphone=True, camera=False, screen=False))
    assert scene.refusals("alice") == []
    scene.say("alice", m.Media(microphone=True, camera=True, screen=False))
    scene.say("alice", m.Media(microphone=True, camera=False, screen=True))
    assert scene.refusals("alice") == ["not_allowed", "not_allowed"]


def test_slots_are_shown_and_become_live() -> None:
    scene = Scene()
    scene.visit()
    report(scene, SlotAssigned(ROOM, "p-alice", 0, "p-bob", 3, False, ""))
    assert scene.heard("alice", m.Room)[-1].slots == (
        m.SlotState(0, "p-bob", 3, screen=False, live=False),
    )
    assert scene.heard("bob", m.Room) == []
    report(scene, SlotSwitched(ROOM, "p-alice", 0, 2, 99))
    report(scene, SlotSwitched(ROOM, "p-alice", 0, 3, 4711))
    assert scene.heard("alice", m.SlotSwitched) == [m.SlotSwitched(0, 3, 4711)]
    scene.resume("alice")
    assert scene.heard("alice", m.Room)[-1].slots[0].live


def test_a_lost_plane_is_told_at_once_to_those_who_had_media() -> None:
    scene = Scene()
    scene.visit()
    report(scene, PeerConnected(ROOM, "p-alice"))
    report(scene, PlaneLost((ROOM,)))
    assert scene.heard("alice", m.MediaLost) == [m.MediaLost()]
    assert scene.heard("bob", m.MediaLost) == []
    assert not any(one.media for one in scene.heard("bob", m.Room)[-1].participants)


def test_an_answer_of_a_lost_plane_is_dropped() -> None:
    scene = Scene()
    scene.visit()
    scene.say("alice", offer(1))
    report(scene, PlaneLost((ROOM,)))
    answer(scene, 1)
    assert scene.heard("alice", m.Answer) == []
    assert scene.heard("alice", m.MediaLost) == [m.MediaLost()]


def test_a_lost_path_is_told_but_not_a_connection_that_the_client_replaced() -> None:
    scene = Scene()
    scene.visit()
    report(scene, PeerConnected(ROOM, "p-alice"))
    report(scene, PeerLost(ROOM, "p-alice", "closed"))
    assert scene.heard("alice", m.MediaLost) == []
    report(scene, PeerConnected(ROOM, "p-alice"))
    report(scene, PeerLost(ROOM, "p-alice", "consent"))
    assert scene.heard("alice", m.MediaLost) == [m.MediaLost()]


def test_a_mute_holds_over_a_new_media_connection_and_a_restart() -> None:
    scene = Scene()
    scene.visit()
    scene.say("alice", m.Media(microphone=True, camera=True, screen=False))
    scene.say("bob", m.Mute(1, "p-alice", "microphone"))
    muted = o.SetMuted("p-alice", "microphone", muted=True)
    assert scene.of(o.SetMuted) == [muted]
    assert scene.heard("alice", m.Muted) == [m.Muted("microphone")]
    assert not scene.heard("bob", m.Room)[-1].participants[1].microphone
    scene.restart()
    scene.resume("alice")
    outputs = scene.say("alice", offer(1))
    held_back = [muted, o.SetMuted("p-alice", "screen", muted=True)]
    assert outputs[-2:] == held_back
    scene.say("alice", m.Media(microphone=False, camera=True, screen=False))
    assert scene.of(o.SetMuted) == held_back
    scene.say("alice", m.Media(microphone=True, camera=True, screen=False))
    assert scene.of(o.SetMuted)[-1] == o.SetMuted("p-alice", "microphone", muted=False)


def test_speakers_are_named_only_if_they_are_in_the_call() -> None:
    scene = Scene()
    scene.visit()
    scene.patient("carol")
    scene.clear()
    report(scene, Speakers(ROOM, ("p-carol", "p-bob")))
    assert scene.heard("alice", m.Speakers) == [m.Speakers(("p-bob",))]
    assert scene.heard("carol", m.Speakers) == []


def test_quality_is_told_when_it_changes() -> None:
    scene = Scene()
    scene.visit()
    for loss in (0.0, 0.001, 0.2):
        report(scene, Quality(ROOM, "p-alice", loss, 0.0, 40.0, False, "full"))
    levels = [one.participants[0].uplink for one in scene.heard("bob", m.Quality)]
    assert levels == ["good", "poor"]


def test_a_screen_is_passed_on_only_while_it_is_shared() -> None:
    scene = Scene()
    scene.visit()
    scene.say("bob", offer(1))
    held_back = o.SetMuted("p-bob", "screen", muted=True)
    passed_on = o.SetMuted("p-bob", "screen", muted=False)
    assert scene.of(o.SetMuted) == [held_back]
    scene.say("bob", m.Media(microphone=True, camera=True, screen=True))
    assert scene.of(o.SetMuted)[-1] == passed_on
    assert held_back not in scene.say("bob", offer(2)), "a new connection goes on with it"
    scene.say("bob", m.Media(microphone=True, camera=True, screen=False))
    assert scene.of(o.SetMuted)[-1] == held_back


def test_a_publisher_is_told_which_layers_are_of_use_and_again_when_it_resumes() -> None:
    scene = Scene()
    scene.visit()
    report(scene, PeerConnected(ROOM, "p-alice"))
    report(scene, LayersWanted(ROOM, "p-alice", "camera", ("q",)))
    assert scene.heard("alice", m.Layers) == [m.Layers("camera", ("q",))]
    assert scene.heard("bob", m.Layers) == []
    scene.lose("alice")
    scene.resume("alice")
    assert scene.heard("alice", m.Layers)[-1] == m.Layers("camera", ("q",))


def test_a_new_media_connection_begins_with_all_layers() -> None:
    scene = Scene()
    scene.visit()
    report(scene, LayersWanted(ROOM, "p-alice", "camera", ("q",)))
    report(scene, PeerConnected(ROOM, "p-alice"))
    told = len(scene.heard("alice", m.Layers))
    scene.lose("alice")
    scene.resume("alice")
    assert len(scene.heard("alice", m.Layers)) == told
