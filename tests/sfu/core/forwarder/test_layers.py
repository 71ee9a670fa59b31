"""Which layers and frame rates a track offers to a tile."""

from __future__ import annotations

import pytest

from sfu.core.forwarder.layers import ALIVE_S, options, wanted_layers
from sfu.core.forwarder.model import Track
from sfu.core.forwarder.rates import SETTLED
from tests.sfu.core.forwarder.packets import add_source, publisher, section

NOW = 100.0


def camera(layers: int, silent: tuple[int, ...] = ()) -> Track:
    rids = ("q", "h", "f")[:layers] if layers > 1 else ()
    track = publisher(section("1", "camera", rids)).tracks["1"]
    for layer in range(layers):
        add_source(track, layer, layer + 1, NOW - ALIVE_S if layer in silent else NOW)
    return track


def chosen(track: Track, height: int) -> int | None:
    found = options(track, height, NOW)
    return found[-1].source.layer if found else None


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


def test_every_lower_layer_is_offered_too_cheapest_first() -> None:
    offered = options(camera(3), 720, NOW)
    assert [one.source.layer for one in offered] == [0, 1, 2]
    assert [one.bps for one in offered] == [80_000, 400_000, 1_200_000], "not measured yet"


def test_a_layer_with_temporal_layers_offers_its_lower_frame_rates() -> None:
    track = camera(2)
    low, high = track.sources
    low.rate.windows = high.rate.windows = SETTLED
    low.rate.steady_bps = (50_000, 75_000, 120_000, 120_000)
    high.rate.steady_bps = (160_000, 240_000, 400_000, 400_000)
    offered = [(one.source.layer, one.max_tid, one.bps) for one in options(track, 360, NOW)]
    assert offered == [
        (0, 0, 50_000),
        (0, 1, 75_000),
        (0, 3, 120_000),
        (1, 1, 240_000),
        (1, 3, 400_000),
    ]


def test_a_tile_wants_layers_up_to_the_one_that_fills_it_even_if_that_has_not_come() -> None:
    assert [wanted_layers(camera(3), height) for height in (0, 90, 360, 720)] == [0, 1, 2, 3]
    late = camera(3)
    late.layers[2] = None
    assert wanted_layers(late, 720) == 3
    assert wanted_layers(late, 180) == 1


def test_a_layer_that_begins_anew_is_expected_to_take_what_it_took_before() -> None:
    track = camera(2)
    for source, bps in zip(track.sources, (60_000.0, 20_000.0), strict=True):
        source.rate.steady_bps, source.rate.windows = (bps,) * 4, SETTLED
        source.rate.high_bps = 400_000.0
    assert [one.bps for one in options(track, 360, NOW, running=0)] == [60_000.0, 400_000.0]
    assert [one.bps for one in options(track, 360, NOW, running=1)] == [60_000.0, 20_000.0]
