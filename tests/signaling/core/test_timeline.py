"""How a call is for each person reaches the clinic: in points, and in what befell them."""

from __future__ import annotations

from typing import Any

import pytest

from signaling.core import messages as m
from signaling.core import outputs as o
from signaling.core.gauge import STEP_S, Gauge, Sensed, grade
from signaling.ports import (
    PeerConnected,
    PeerLost,
    PlaneLost,
    Quality,
    QualityEvent,
    QualityPoint,
)
from tests.signaling.core.scene import DOCTOR, ROOM, Scene
from tests.signaling.core.test_truth import REPORT_S, call, listen, say

ALICE, BOB = "subject-alice", "subject-bob"
MS = round(REPORT_S * 1000)


def measured(who: str = "alice", **values: Any) -> Quality:
    known: dict[str, Any] = {
        "uplink_loss": 0.0,
        "downlink_loss": 0.0,
        "rtt_ms": 40.0,
        "unstable": False,
    }
    return Quality(room=ROOM, peer=f"p-{who}", **{**known, "video": "full", **values})


def tell(scene: Scene, *events: Any) -> None:
    for event in events:
        scene.room.receive_media_event(event, scene.now)
        scene.drain()


def points(scene: Scene, subject: str = ALICE) -> list[QualityPoint]:
    said = [one.said for one in scene.of(o.NoteQuality) if one.subject == subject]
    return [one for one in said if isinstance(one, QualityPoint)]


def events(scene: Scene, subject: str = ALICE) -> list[QualityEvent]:
    said = [one.said for one in scene.of(o.NoteQuality) if one.subject == subject]
    return [one for one in said if isinstance(one, QualityEvent)]


# points


def test_a_good_minute_is_six_good_points_without_a_gap() -> None:
    scene = call()
    scene.clear()
    began_ms = round(scene.now * 1000)
    listen(scene, 60.0)
    found = points(scene)
    assert 5 <= len(found) <= 6
    assert sum(one.good_ms for one in found) == sum(one.until_ms - one.at_ms for one in found)
    assert all(one.until_ms - one.at_ms <= STEP_S * 1000 + MS for one in found)
    assert [one.at_ms for one in found[1:]] == [one.until_ms for one in found[:-1]]
    assert found[0].at_ms <= began_ms
    assert {(one.bad_ms, one.poor_ms, one.fair_ms) for one in found} == {(0, 0, 0)}


def test_a_point_has_what_was_heard_and_seen_and_how_the_way_was() -> None:
    scene = call()
    listen(scene, 12.0)
    scene.clear()
    losses: dict[str, Any] = {"downlink_loss": 0.02, "uplink_loss": 0.03}
    tell(scene, measured(way="turn", rtt_ms=90.4, estimate_bps=750_900, **losses))
    received = m.Received(0, 75, concealed=0.02, frames=36, freeze_ms=300, height=360)
    listen(scene, 12.0, received=received)
    scene.lose("alice")
    kept = points(scene)[-1]
    reports = (kept.until_ms - kept.at_ms) // MS
    assert (kept.heard_ms, kept.concealed_ms) == (reports * MS, reports * MS * 2 // 100)
    assert (kept.seen_ms, kept.frames, kept.freeze_ms) == (
        reports * MS,
        reports * 36,
        reports * 300,
    )
    assert (kept.height, kept.kbps, kept.way) == (360, 750, "turn")
    first = points(scene)[0]
    assert (first.rtt_ms, first.loss_in, first.loss_out) == (90, 20, 30)


@pytest.mark.parametrize("leaves", [True, False])
def test_who_leaves_or_is_cut_off_leaves_the_point_as_far_as_it_came(leaves: bool) -> None:
    scene = call()
    listen(scene, 3.0)
    scene.clear()
    if leaves:
        scene.say("alice", m.Leave(1))
    else:
        scene.lose("alice")
    (kept,) = points(scene)
    assert kept.good_ms == kept.until_ms - kept.at_ms > 0
    assert points(scene, BOB) == []


def test_time_without_reports_belongs_to_no_point() -> None:
    scene = call()
    scene.clear()
    scene.now += 60.0
    listen(scene, 12.0)
    found = points(scene)
    assert sum(one.good_ms for one in found) <= 18_000
    assert max(one.until_ms - one.at_ms for one in found) <= STEP_S * 1000 + MS


def test_whoever_is_alone_has_neither_a_good_nor_a_bad_time() -> None:
    scene = call()
    scene.say("bob", m.Leave(1))
    say(scene, "alice")
    scene.clear()
    for _ in range(20):
        scene.now += REPORT_S
        say(scene, "alice")
    scene.lose("alice")
    assert points(scene) == []


def test_a_page_that_reports_wildly_makes_no_time() -> None:
    scene = call()
    scene.clear()
    for _ in range(200):
        say(scene, "alice")
        scene.now += 0.05
    assert sum(one.good_ms for one in points(scene)) <= 10_000 + MS


def test_a_listener_of_a_silent_microphone_has_a_bad_time() -> None:
    scene = call()
    scene.clear()
    listen(scene, 12.0, microphone="silent")
    scene.lose("bob")
    assert sum(one.bad_ms for one in points(scene, BOB)) >= 6000
    assert sum(one.bad_ms for one in points(scene)) == 0


HEARD = Sensed(unheard=False, unseen=False, concealed=0.0, frames=36)


@pytest.mark.parametrize(
    ("sensed", "way", "level"),
    [
        ({}, {}, "good"),
        ({"frames": None}, {}, "good"),
        ({}, {"downlink_loss": 0.2}, "good"),  # repaired: nobody noticed
        ({"concealed": 0.01}, {}, "fair"),
        ({"frames": 11}, {}, "fair"),
        ({"freeze_ms": 200}, {}, "fair"),
        ({}, {"video": "reduced"}, "fair"),
        ({}, {"rtt_ms": 300.0}, "fair"),
        ({"concealed": 0.05}, {}, "poor"),
        ({"frames": 4}, {}, "poor"),
        ({"freeze_ms": 800}, {}, "poor"),
        ({"unseen": True}, {}, "poor"),
        ({"frames": None}, {"video": "off"}, "poor"),
        ({}, {"rtt_ms": 800.0}, "poor"),
        ({"concealed": 0.5}, {}, "bad"),
        ({"unheard": True}, {}, "bad"),
        ({}, {"unstable": True}, "bad"),
    ],
)
def test_a_report_is_graded_by_what_was_heard_and_seen(
    sensed: dict[str, Any], way: dict[str, Any], level: str
) -> None:
    given = Sensed(**{name: getattr(HEARD, name) for name in HEARD.__struct_fields__} | sensed)
    assert grade(given, measured(**way), MS) == level


def test_nothing_is_known_of_a_way_before_it_is_measured() -> None:
    gauge = Gauge()
    gauge.report(HEARD, 1000.0)
    kept = gauge.take()
    assert kept is not None
    assert (kept.way, kept.kbps, kept.rtt_ms, kept.good_ms) == ("", 0, 0, MS)
    assert gauge.take() is None


# events


@pytest.mark.parametrize(
    ("said", "kind", "whose"),
    [
        ({"microphone": "silent"}, "microphone_silent", ALICE),
        ({"camera": "black"}, "camera_black", ALICE),
        ({"sound_blocked": True}, "speaker_blocked", ALICE),
        ({"received": m.Received(0, sound=0, frames=36)}, "not_heard_by", BOB),
        ({"received": m.Received(0, sound=75, frames=0)}, "not_seen_by", BOB),
    ],
)
def test_a_fault_is_kept_with_whom_it_touched_and_how_long(
    said: dict[str, Any], kind: str, whose: str
) -> None:
    scene = call()
    scene.clear()
    listen(scene, 9.0, **said)
    assert events(scene, whose) == []
    listen(scene, 3.0)
    (kept,) = events(scene, whose)
    assert (kept.kind, kept.others) == (kind, (BOB if whose == ALICE else ALICE,))
    assert 6000 <= kept.lasted_ms <= 12_000
    listen(scene, 60.0)
    assert len(events(scene, ALICE) + events(scene, BOB)) == 1


def test_sound_that_does_not_come_and_turns_out_to_be_a_silent_microphone_is_one_fault() -> None:
    scene = call()
    scene.clear()
    began_ms = round(scene.now * 1000)
    nothing = m.Received(0, sound=0, frames=36)
    for alice, bob in ((0, 1), (0, 1), (0, 1), (1, 1), (1, 1), (0, 0)):
        say(scene, "alice", microphone="silent" if alice else "ok")
        say(scene, "bob", nothing if bob else m.Received(0, 75, frames=36))
        scene.now += REPORT_S
    (kept,) = events(scene)
    assert (kept.kind, kept.others) == ("microphone_silent", (BOB,))
    assert (kept.at_ms, kept.lasted_ms) == (began_ms + MS, 4 * MS)


def test_a_fault_counts_from_when_somebody_is_there_whom_it_touches() -> None:
    scene = call()
    scene.say("bob", m.Leave(1))
    scene.clear()
    for _ in range(20):
        say(scene, "alice", microphone="silent")
        scene.now += REPORT_S
    assert events(scene) == []
    scene.hello("bob", DOCTOR, waits=False)
    came_ms = round(scene.now * 1000)
    tell(scene, PeerConnected(ROOM, "p-bob"))
    for _ in range(4):
        say(scene, "alice", microphone="silent")
        scene.now += REPORT_S
    say(scene, "alice")
    (kept,) = events(scene)
    assert (kept.kind, kept.others) == ("microphone_silent", (BOB,))
    assert kept.at_ms == came_ms
    assert kept.lasted_ms == 4 * MS


@pytest.mark.parametrize("who", ["alice", "bob"])
def test_a_fault_that_lasts_until_somebody_leaves_is_kept(who: str) -> None:
    scene = call()
    received = m.Received(0, sound=0, frames=36)
    listen(scene, 9.0, received=received)
    scene.say(who, m.Leave(1))
    (kept,) = events(scene, BOB)
    assert (kept.kind, kept.others) == ("not_heard_by", (ALICE,))
    assert kept.lasted_ms >= 4500


def test_who_was_cut_off_and_came_back_is_kept_once_with_the_time_away() -> None:
    scene = call()
    scene.clear()
    tell(scene, PeerLost(ROOM, "p-alice", "path"))
    scene.lose("alice")
    scene.now += 4.0
    scene.resume("alice")
    scene.now += 1.0
    tell(scene, PeerConnected(ROOM, "p-alice"))
    assert [(one.kind, one.lasted_ms) for one in events(scene)] == [("reconnected", 4000)]


def test_media_that_were_lost_and_came_back_are_kept_with_the_time() -> None:
    for lost in (PeerLost(ROOM, "p-alice", "path"), PlaneLost((ROOM,))):
        scene = call()
        scene.clear()
        tell(scene, lost)
        scene.now += 2.5
        tell(scene, PeerConnected(ROOM, "p-alice"))
        assert [(one.kind, one.lasted_ms) for one in events(scene)] == [("media_reconnected", 2500)]


def test_another_way_is_kept_and_the_first_is_no_change() -> None:
    scene = call()
    scene.clear()
    for way, moved in (("udp", False), ("udp", False), ("udp", True), ("turn", True), ("", False)):
        tell(scene, measured(way=way, moved=moved))
    changed = [(one.kind, one.detail) for one in events(scene)]
    assert changed == [("way_changed", "udp"), ("way_changed", "turn")]


def test_whoever_waits_has_no_timeline() -> None:
    scene = Scene()
    scene.doctor()
    scene.patient()
    say(scene, "alice")
    scene.lose("alice")
    scene.now += 5.0
    scene.resume("alice")
    assert scene.of(o.NoteQuality) == []
