"""Which layer fills a tile, and what the downlink guard takes away."""

from __future__ import annotations

import itertools

import pytest

from sfu.core.forwarder import guard
from sfu.core.forwarder.layers import ALIVE_S, choose
from sfu.core.forwarder.model import Slot, Stream, Subscriber, Track
from tests.sfu.core.forwarder.packets import IDS, VP8, add_source, publisher, section

NOW = 100.0


def camera(layers: int, silent: tuple[int, ...] = ()) -> Track:
    rids = ("q", "h", "f")[:layers] if layers > 1 else ()
    track = publisher(section("1", "camera", rids)).tracks["1"]
    for layer in range(layers):
        add_source(track, layer, layer + 1, NOW - ALIVE_S if layer in silent else NOW)
    return track


def chosen(track: Track, height: int, level: int = 0) -> int | None:
    source = choose(track, height, level, NOW)
    return None if source is None else source.layer


@pytest.mark.parametrize(
    ("height", "layer"), [(90, 0), (180, 0), (225, 0), (226, 1), (360, 1), (450, 1), (720, 2)]
)
def test_the_smallest_layer_that_nearly_fills_the_tile_is_sent(height: int, layer: int) -> None:
    assert chosen(camera(3), height) == layer


def test_a_tile_larger_than_every_layer_gets_the_largest() -> None:
    assert chosen(camera(3), 2160) == 2
    assert chosen(camera(1), 2160) == 0


def test_known_heights_count_more_than_the_order_of_layers() -> None:
    track = camera(3)
    for source, height in zip(track.sources, (135, 270, 540), strict=True):
        source.height = height
    assert chosen(track, 200) == 1


def test_a_layer_that_does_not_flow_is_not_chosen() -> None:
    assert chosen(camera(3, silent=(2,)), 720) == 1
    assert chosen(camera(3, silent=(0, 1)), 180) == 2


def test_where_nothing_flows_the_lowest_is_waited_for() -> None:
    assert chosen(camera(3, silent=(0, 1, 2)), 720) == 0


def test_a_hidden_tile_and_a_track_without_media_get_nothing() -> None:
    assert chosen(camera(3), 0) is None
    assert chosen(camera(3), -5) is None
    assert chosen(publisher(section("1", "camera")).tracks["1"], 720) is None


def test_the_guard_takes_layers_away_and_at_last_the_picture() -> None:
    assert [chosen(camera(3), 720, level) for level in range(4)] == [2, 1, 0, None]
    assert [chosen(camera(1), 720, level) for level in range(2)] == [0, None]


def stream(kind: str = "video") -> Stream:
    made = Stream(1, "alice", "video", "4", 11, 12, (VP8,), IDS, True)
    if kind == "audio":
        made.kind = "audio"
    made.source = camera(1).sources[0]
    return made


def watcher() -> Subscriber:
    return Subscriber("alice", "room", [Slot(0, False, video=stream())])


def test_the_worst_fresh_report_of_video_counts_before_audio() -> None:
    video, other, audio = stream(), stream(), stream("audio")
    video.loss, other.loss, audio.loss = 0.1, 0.3, 0.9
    for each in (video, other, audio):
        each.loss_at = NOW
    assert guard.downlink_loss([video, other, audio], NOW) == 0.3
    assert guard.downlink_loss([audio], NOW) == 0.9
    assert guard.downlink_loss([video], NOW + guard.REPORT_AGE_S) == 0.0
    assert guard.downlink_loss([], NOW) == 0.0


def test_loss_must_stay_before_a_layer_goes() -> None:
    alice = watcher()
    assert not guard.observe(alice, 0.5, NOW)
    assert not guard.observe(alice, 0.5, NOW + guard.PATIENCE_S - 0.1)
    assert not guard.observe(alice, 0.02, NOW + guard.PATIENCE_S)
    assert not guard.observe(alice, 0.5, NOW + guard.PATIENCE_S + 0.1), "it began anew"
    assert alice.guard_level == 0


def test_it_falls_one_layer_in_two_seconds_and_climbs_one_in_eight() -> None:
    alice, now = watcher(), NOW
    for _ in range(100):
        guard.observe(alice, 0.5, now)
        now += 0.2
    assert alice.guard_level == guard.MAX_LEVEL
    climbed: list[float] = []
    for _ in range(200):
        if guard.observe(alice, 0.0, now):
            climbed.append(now)
        now += 0.2
    assert len(climbed) == guard.MAX_LEVEL
    assert all(b - a >= guard.CALM_S - 0.01 for a, b in itertools.pairwise(climbed))


def test_between_the_two_bounds_it_neither_falls_nor_climbs() -> None:
    alice, now = watcher(), NOW
    alice.guard_level = 1
    for _ in range(200):
        assert not guard.observe(alice, 0.07, now)
        now += 0.2


def test_loss_of_sound_alone_takes_no_more_away() -> None:
    alice = watcher()
    video = alice.slots[0].video
    assert video is not None
    video.source = None
    for step in range(100):
        assert not guard.observe(alice, 0.5, NOW + step / 5)
