"""Runs one scenario and gives its result."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from bench import search
from bench.clinic import measure_clinic
from bench.figures import Figure, Result, percentile
from bench.meter import memory
from bench.outcome import result_of
from bench.scenarios import Kind, Scenario
from bench.stretch import Stretch
from bench.world import World

NEAR_SATURATION = 0.90  # of the worker's core
HALF = 0.5
FINE_TICK_S = 0.001  # cameras of different rooms do not wait for one another
_TRIES = 4
_TRY_S = 1.2
_WARM_UP_S = 1.0
_MEASUREMENTS = 3
_JOINS = 32
_JOIN_EACH_S = 0.25
_WARM_ROOMS = 2


async def measure(world: World, scenario: Scenario, seconds: float) -> Result:
    """Fill the world as the scenario asks, load it, and say what was found."""
    return await _WAYS[scenario.kind](world, scenario, seconds)


async def _fixed(world: World, scenario: Scenario, seconds: float) -> Result:
    await world.add_rooms(scenario.rooms)
    await world.run(scenario.video_per_s, _WARM_UP_S, joins=False)
    stretch = await world.measured(scenario.video_per_s, seconds)
    return result_of(world, scenario, stretch, (_cpu(stretch, scenario),))


async def _saturated(world: World, scenario: Scenario, seconds: float) -> Result:
    """Measure, with another rate where others took or gave back the machine since the search."""
    rate = await find_rate(world, NEAR_SATURATION)
    stretches = [await world.measured(rate, seconds)]
    while not search.saturated(stretches[-1]) and len(stretches) < _MEASUREMENTS:
        rate = await _adjust(world, rate, stretches[-1], NEAR_SATURATION)
        stretches.append(await world.measured(rate, seconds))
    stretch = search.best(stretches)
    return result_of(world, scenario, stretch, (_cpu(stretch, scenario),))


async def _delay(world: World, scenario: Scenario, seconds: float) -> Result:
    world.tick_s = FINE_TICK_S
    rate = await find_rate(world, HALF, scenario.video_per_s)
    world.receiver.sent_at = {}
    stretch = await world.measured(rate, seconds)
    delays_ms = [delay * 1e-6 for delay in world.receiver.delays_ns]
    names = ("delay p50", "delay p99")
    values = percentile(delays_ms, 50), percentile(delays_ms, 99)
    return result_of(world, scenario, stretch, _figures(scenario, names, values, "ms"))


async def _join(world: World, scenario: Scenario, seconds: float) -> Result:
    """Newcomers one after another to a room in which a call runs."""
    del seconds  # as long as the joins take
    await world.add_rooms(scenario.rooms)
    joining = asyncio.create_task(_join_all(world, await world.newcomer_tokens(_JOINS)))
    stretch = await world.run(scenario.video_per_s, _JOINS * _JOIN_EACH_S + 0.5, joins=False)
    took = await joining
    came = [ms for ms in took if ms is not None]
    figures = (
        *_figures(scenario, ("join p50",), (percentile(came, 50),), "ms"),
        Figure("join p95", percentile(came, 95), "ms"),
    )
    return result_of(world, scenario, stretch, figures, (len(took), len(took) - len(came)))


async def _join_all(world: World, tokens: list[str]) -> list[float | None]:
    start, took = time.monotonic() + 0.2, []
    for n, token in enumerate(tokens):
        await asyncio.sleep(max(0.0, start + n * _JOIN_EACH_S - time.monotonic()))
        took.append(await world.join_once(token))
    return took


async def _memory(world: World, scenario: Scenario, seconds: float) -> Result:
    """What the worker grows by with people who are connected, and once their media flows."""
    await world.add_rooms(_WARM_ROOMS)
    await world.run(scenario.video_per_s, seconds, joins=False)
    before = memory(world.server.worker)
    await world.add_rooms(scenario.rooms, media=False)
    idle = memory(world.server.worker)
    stretch = await world.run(scenario.video_per_s, seconds, joins=False)
    flowing = memory(world.server.worker)
    people = scenario.rooms * world.shape.publishers
    names = ("RSS, idle", "RSS, media flowing")
    grown = (idle.rss - before.rss) / people, (flowing.rss - before.rss) / people
    figures = (
        *_figures(scenario, names, grown, "KiB"),
        Figure("PSS, media flowing", (flowing.pss - before.pss) / people, "KiB"),
    )
    return result_of(world, scenario, stretch, figures)


_WAYS: dict[Kind, Callable[[World, Scenario, float], Awaitable[Result]]] = {
    "fixed": _fixed,
    "saturated": _saturated,
    "delay": _delay,
    "join": _join,
    "memory": _memory,
    "clinic": measure_clinic,
}


async def find_rate(world: World, wanted: float, fastest: float = search.MAX_RATE) -> float:
    """Add rooms, then find packets/s of each publisher that keep the worker busy for a share."""
    await world.add_rooms(1)
    one = (await world.run(fastest, _WARM_UP_S, joins=False)).busy_share
    rooms = search.rooms_needed(one, wanted)
    await world.add_rooms(rooms - 1)
    rate = search.first_rate(one, wanted, rooms, fastest)
    for _ in range(_TRIES):
        tried = await world.run(rate, _TRY_S, joins=False)
        if search.good(tried.busy_share, tried.delivered_share, wanted):
            break
        rate = await _adjust(world, rate, tried, wanted, fastest)
    return rate


async def _adjust(
    world: World, rate: float, tried: Stretch, wanted: float, fastest: float = search.MAX_RATE
) -> float:
    """The next rate; more rooms where it cannot rise."""
    share, delivered = tried.busy_share, tried.delivered_share
    if rate >= fastest and share < wanted and world.rooms < search.MAX_ROOMS:
        await world.add_rooms(search.rooms_missing(world.rooms, share, wanted))
        return rate
    return search.next_rate(rate, share, delivered, wanted, fastest)


def _cpu(stretch: Stretch, scenario: Scenario) -> Figure:
    return Figure("worker's CPU per delivered packet", stretch.cpu_us, "µs", scenario.limits[0])


def _figures(
    scenario: Scenario, names: tuple[str, ...], values: tuple[float, ...], unit: str
) -> tuple[Figure, ...]:
    return tuple(
        Figure(name, value, unit, limit)
        for name, value, limit in zip(names, values, scenario.limits, strict=True)
    )
