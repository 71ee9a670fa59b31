"""What pages sense becomes a finding with a name, within 5 s, and nothing else does."""

from __future__ import annotations

from typing import Any

import pytest

from signaling.core import messages as m
from signaling.ports import PeerConnected, PeerLost, Quality, SlotAssigned, SlotSwitched
from tests.signaling.core.scene import ROOM, Scene

REPORT_S = 1.2
NAMED_WITHIN_S = 5.0
WELL = m.Received(slot=0, sound=75, frames=36)


def call() -> Scene:
    """Alice and Bob hear and see each other."""
    scene = Scene()
    scene.visit()
    for who, other in (("alice", "bob"), ("bob", "alice")):
        scene.say(who, m.Media(microphone=True, camera=True, screen=False))
        for event in (
            PeerConnected(ROOM, f"p-{who}"),
            SlotAssigned(ROOM, f"p-{who}", 0, f"p-{other}", 1, False, ""),
            SlotSwitched(ROOM, f"p-{who}", 0, 1, 0),
            Quality(ROOM, f"p-{who}", 0.0, 0.0, 40.0, False, "full"),
        ):
            scene.room.receive_media_event(event, scene.now)
    scene.drain()
    listen(scene, 6.0)
    return scene


def say(scene: Scene, who: str, received: m.Received = WELL, **changed: Any) -> None:
    said = {"microphone": "ok", "camera": "ok", "sound_blocked": False, **changed}
    scene.say(who, m.Experience(slots=(received,), **said))


def listen(scene: Scene, seconds: float, **alice: Any) -> None:
    """Both report; Alice's reports say this."""
    for _ in range(round(seconds / REPORT_S)):
        say(scene, "alice", **alice)
        say(scene, "bob")
        scene.now += REPORT_S


def found(scene: Scene, who: str = "bob") -> set[tuple[str, str, str | None]]:
    said = scene.heard(who, m.Findings)
    return {(one.kind, one.participant, one.by) for one in said[-1].findings} if said else set()


@pytest.mark.parametrize(
    ("said", "finding"),
    [
        ({"microphone": "silent"}, ("microphone_silent", "p-alice", None)),
        ({"camera": "black"}, ("camera_black", "p-alice", None)),
        ({"sound_blocked": True}, ("speaker_blocked", "p-alice", None)),
        ({"received": m.Received(0, sound=0, frames=36)}, ("not_heard_by", "p-bob", "p-alice")),
        ({"received": m.Received(0, 75, 0.99, 36)}, ("not_heard_by", "p-bob", "p-alice")),
        ({"received": m.Received(0, sound=75, frames=0)}, ("not_seen_by", "p-bob", "p-alice")),
    ],
)
@pytest.mark.parametrize("who", ["alice", "bob"])
def test_each_fault_is_named_to_both_in_time_and_forgotten_when_it_is_mended(
    said: dict[str, Any], finding: tuple[str, str, str | None], who: str
) -> None:
    scene = call()
    assert found(scene) == set()
    listen(scene, NAMED_WITHIN_S - REPORT_S, **said)
    assert found(scene, who) == {finding}
    listen(scene, REPORT_S)
    assert found(scene, who) == set()


def test_nothing_is_found_in_a_minute_without_a_fault() -> None:
    scene = call()
    listen(scene, 60.0)
    assert scene.heard("bob", m.Findings) == []


def test_one_report_without_media_is_no_fault() -> None:
    scene = call()
    listen(scene, REPORT_S, received=m.Received(0, sound=0, frames=0))
    listen(scene, REPORT_S)
    assert found(scene) == set()


def test_what_somebody_mutes_themselves_is_no_fault() -> None:
    scene = call()
    scene.say("bob", m.Media(microphone=False, camera=False, screen=False))
    listen(scene, 10.0, received=m.Received(0, sound=0, frames=0))
    assert found(scene) == set()


def test_a_picture_that_is_suspended_for_bandwidth_is_no_fault() -> None:
    scene = call()
    event = Quality(ROOM, "p-alice", 0.0, 0.0, 40.0, False, "off")
    scene.room.receive_media_event(event, scene.now)
    listen(scene, 10.0, received=m.Received(0, sound=75, frames=0))
    assert found(scene) == set()


def test_somebody_who_is_away_is_missed_by_nobody() -> None:
    scene = call()
    scene.lose("bob")
    for _ in range(8):
        say(scene, "alice", m.Received(0, sound=0, frames=0))
        scene.now += REPORT_S
    assert found(scene, "alice") == set()


def test_whoever_comes_back_is_told_what_is_wrong() -> None:
    scene = call()
    listen(scene, REPORT_S, microphone="silent")
    scene.lose("bob")
    scene.resume("bob")
    scene.clear()
    say(scene, "alice", microphone="silent")
    assert found(scene) == {("microphone_silent", "p-alice", None)}


def test_a_fault_that_outlives_a_media_connection_is_not_counted_from_the_start() -> None:
    scene = call()
    say(scene, "alice", m.Received(0, sound=0, frames=0))
    for event in (
        PeerLost(ROOM, "p-alice", "closed"),
        PeerConnected(ROOM, "p-alice"),
        SlotAssigned(ROOM, "p-alice", 0, "p-bob", 2, False, ""),
    ):
        scene.room.receive_media_event(event, scene.now)
    scene.now += REPORT_S
    say(scene, "alice", m.Received(0, sound=0))
    assert ("not_heard_by", "p-bob", "p-alice") in found(scene)
