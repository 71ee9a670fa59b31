"""When a publisher's camera is stopped for the sake of its sound, in virtual time."""

from __future__ import annotations

from itertools import pairwise

import pytest

from sfu.core.forwarder.uplink import FIRST_HOLD_S, IMMUNE_S, LONG_PATIENCE, Counts, Uplink


class Path:
    """Fifty packets of sound a second; how many are lost with and without video."""

    def __init__(self, with_video: float, without: float, carried_bps: float = 80_000.0) -> None:
        self.uplink = Uplink()
        self.carried_bps = carried_bps
        self.with_video, self.without = with_video, without
        self.video_bps, self.rtt_s = 60_000.0, 0.3
        self.now = 0.0
        self.expected = self.received = 0.0
        self.history: list[bool] = []

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds * 5)):
            self.now += 0.2
            paused = self.uplink.paused
            self.expected += 10
            self.received += 10 * (1 - (self.without if paused else self.with_video))
            rate = 0.0 if paused else self.video_bps
            carried = round(self.carried_bps / 8 * self.now)
            counts = Counts(round(self.expected), round(self.received), carried)
            self.uplink.observe(counts, 0.05 if self.now < 1 else self.rtt_s, rate, self.now)
            self.history.append(self.uplink.paused)


def test_lost_sound_beside_little_video_stops_the_camera_within_four_seconds() -> None:
    path = Path(with_video=0.3, without=0.0)
    path.run(4)
    assert path.uplink.paused
    path.run(FIRST_HOLD_S / 2)
    assert path.uplink.paused, "it helped"


def test_a_link_with_room_for_both_keeps_the_camera_until_its_queue_is_empty() -> None:
    path = Path(with_video=0.3, without=0.0, carried_bps=140_000.0)
    path.run(LONG_PATIENCE - 1)
    assert not any(path.history)
    path.run(4)
    assert path.uplink.paused, "the browser does not come to its rate"


@pytest.mark.parametrize(("lost", "carried_bps"), [(0.0, 140_000.0), (0.05, 900_000.0)])
def test_only_a_full_link_that_carries_little_is_narrow(lost: float, carried_bps: float) -> None:
    path = Path(with_video=0.05, without=0.05, carried_bps=140_000.0)
    path.run(4)
    assert path.uplink.is_narrow
    path = Path(with_video=lost, without=lost, carried_bps=carried_bps)
    path.run(4)
    assert not path.uplink.is_narrow


@pytest.mark.parametrize(("lost", "bps"), [(0.02, 60_000.0), (0.3, 900_000.0), (0.3, 0.0)])
def test_good_sound_much_video_or_none_stops_nothing(lost: float, bps: float) -> None:
    path = Path(with_video=lost, without=lost)
    path.video_bps = bps
    path.run(30)
    assert not any(path.history)


def test_a_path_that_only_loses_packets_keeps_the_camera() -> None:
    path = Path(with_video=0.2, without=0.2)
    path.rtt_s = 0.06
    path.run(60)
    assert not any(path.history)


def test_a_path_that_loses_as_much_without_the_camera_gets_it_back_and_keeps_it() -> None:
    path = Path(with_video=0.2, without=0.2)
    path.run(IMMUNE_S - 5)
    assert 0 < sum(path.history) / 5 < 5, "seconds"


def test_the_camera_is_tried_again_and_less_often_while_the_link_stays_slow() -> None:
    path = Path(with_video=0.3, without=0.0)
    path.run(120)
    assert sum(path.history) > 0.8 * len(path.history)
    starts = sum(now and not before for before, now in pairwise(path.history))
    assert 2 <= starts <= 5
    path.with_video = 0.0
    path.run(61)
    assert not path.uplink.paused
