"""One second of load on the real server, from the tokens to the decrypted sample."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.figures import LEAST_DELIVERED, invalid
from bench.measuring import measure
from bench.scenarios import SCENARIOS, Scenario
from bench.stretch import Shape
from bench.world import open_world

pytestmark = pytest.mark.slow

SMALL = Scenario("small", "1 → 3", "fixed", Shape(("audio", "video"), subscribers=3), (20,))


async def test_a_second_of_load_is_delivered_and_measured(tmp_path: Path) -> None:
    async with open_world(SMALL.shape, tmp_path / "server.log") as world:
        result = await measure(world, SMALL, 2.0)
    load = result.load
    assert load.packets_in_per_s == 170
    assert load.packets_out_per_s == 510
    assert load.delivered_share >= LEAST_DELIVERED
    assert (load.joins, load.failed_joins) == (1, 0)
    assert 0 < load.worker_cpu_s < load.server_cpu_s
    assert load.decrypted >= 10
    assert load.undecryptable == 0
    assert not [reason for reason in invalid(load) if "CPU" not in reason]
    assert result.figures[0].value > 0
    assert (tmp_path / "server.log").stat().st_size > 0


async def test_people_in_calls_hear_and_see_each_other(tmp_path: Path) -> None:
    shape = SCENARIOS["calls-20"].shape
    async with open_world(shape, tmp_path / "server.log") as world:
        await world.add_rooms(2)
        world.receiver.sent_at = {}
        stretch = await world.run(120, 1.0, joins=False)
        counts = {(s.kind, s.count > 0) for c in world.clients for s in c.streams}
    assert counts == {("audio", True), ("video", True)}
    assert stretch.delivered_share >= LEAST_DELIVERED
    assert len(world.receiver.delays_ns) >= 0.9 * stretch.delivered
    assert min(world.receiver.delays_ns) > 0


async def test_a_room_may_be_larger_than_the_products(tmp_path: Path) -> None:
    async with open_world(SCENARIOS["fanout-30-max"].shape, tmp_path / "server.log") as world:
        await world.add_rooms(1)
        stretch = await world.run(60, 0.5, joins=False)
    assert stretch.offered == 900
    assert stretch.delivered_share >= LEAST_DELIVERED
