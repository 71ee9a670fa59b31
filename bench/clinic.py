"""The clinic under load while a call runs: does either feel the other, and where is the limit?

One run: the call alone, the call beside the promised load, the call alone again; then the clinic's
load in steps until its slowest percent takes longer than promised. All in one run, because machines
differ from hour to hour.
"""

from __future__ import annotations

import asyncio
import sys
import time
from datetime import UTC, datetime

import msgspec

from bench.crowd import Summary, gather, summary
from bench.figures import Figure, Result, percentile
from bench.meter import cpu_s, waited_s
from bench.outcome import result_of
from bench.patients import fill
from bench.practice_day import READS_PER_BOOKING, Day, people
from bench.requests import Done, Given
from bench.scenarios import Scenario
from bench.server import HOST
from bench.stretch import Stretch
from bench.world import World
from telemed_media.clinic import open_clinic

READS_PER_S = 100.0
SLOWEST_MS = 50.0  # of the slowest percent, where the limit is
MOST_WRONG_PERCENT = 0.1
_FACTORS = (1.5, 2.0, 2.75, 3.5, 5.0, 7.0)  # of the promised load, upwards
_FRACTIONS = (0.7, 0.5, 0.3, 0.2, 0.1)  # where that is too much already
_LOADED_TIMES = 3  # the load beside the call lasts longer than a stretch without
_FINE_TICK_S = 0.001
_WARM_UP_S = 3.0


class Beside(msgspec.Struct, frozen=True):
    """A stretch of the call, what the clinic answered meanwhile, and what both cost."""

    stretch: Stretch
    delay_p99_ms: float
    clinic: Summary | None
    crowd: Done | None
    cores: dict[str, float]  # of each process, in cores
    front_waited: float  # share of the time for which the front wanted a core and had none


class Clinic:
    """A filled clinic with a call."""

    def __init__(self, world: World, day: Day, given: Given) -> None:
        self._world = world
        self._day = day
        self._given = given
        server = world.server
        self._processes = {
            "front": server.front,
            "worker": server.worker,
            "jobs": server.jobs,
            "supervisor": server.supervisor,
        }

    async def run(self, video_per_s: float, seconds: float, reads_per_s: float) -> Beside:
        """The call, with so many reads a second beside it (0: alone)."""
        world = self._world
        world.receiver.sent_at, world.receiver.delays_ns = {}, []
        crowd = await gather(self._given_with(reads_per_s, seconds)) if reads_per_s else None
        before, waited, began = self._cpu(), waited_s(world.server.front), time.monotonic()
        running = None if crowd is None else asyncio.create_task(crowd.run())
        stretch = await world.run(video_per_s, seconds, joins=False)
        done = None if running is None else await running
        took_s = time.monotonic() - began
        cores = {name: (now - before[name]) / took_s for name, now in self._cpu().items()}
        return Beside(
            stretch=stretch,
            delay_p99_ms=percentile(world.receiver.delays_ns, 99) * 1e-6,
            clinic=None if done is None else summary(done),
            crowd=done,
            cores=cores,
            front_waited=(waited_s(world.server.front) - waited) / took_s,
        )

    async def answers(self, reads_per_s: float, seconds: float) -> Summary:
        """The clinic alone."""
        crowd = await gather(self._given_with(reads_per_s, seconds))
        return summary(await crowd.run())

    def _given_with(self, reads_per_s: float, seconds: float) -> Given:
        tasks = self._day.tasks(reads_per_s, seconds)
        return msgspec.structs.replace(self._given, tasks=tasks)

    def _cpu(self) -> dict[str, float]:
        return {name: cpu_s(pid) for name, pid in self._processes.items()}


async def measure_clinic(world: World, scenario: Scenario, seconds: float) -> Result:
    """A stretch of `seconds` alone, one of three times that beside the load, one alone again."""
    clinic = await _opened(world)
    await world.add_rooms(scenario.rooms)
    world.tick_s = _FINE_TICK_S
    rate = scenario.video_per_s
    await clinic.run(rate, _WARM_UP_S, READS_PER_S)
    alone = [await clinic.run(rate, seconds, 0)]
    loaded = await clinic.run(rate, _LOADED_TIMES * seconds, READS_PER_S)
    assert loaded.clinic is not None
    say(f"{READS_PER_S:g} reads/s beside the call", loaded.clinic)
    alone.append(await clinic.run(rate, seconds, 0))
    limit, passed = await _limit(clinic, loaded, seconds)
    quiet_ms = sum(each.delay_p99_ms for each in alone) / len(alone)
    figures = (
        *_figures(scenario, loaded, quiet_ms),
        Figure(f"limit, {limit:g} reads/s answered, p99", passed, "ms"),
    )
    return result_of(world, scenario, loaded.stretch, figures)


async def _opened(world: World) -> Clinic:
    server = world.server
    today = datetime.now(UTC).date()
    async with await open_clinic(server.folder, server.database_url, server.url) as database:
        filled = await fill(database, today)
    port = int(server.url.rpartition(":")[2])
    given = Given(HOST, port, people(filled, server.url), ())
    return Clinic(world, Day(filled, today), given)


async def _limit(clinic: Clinic, loaded: Beside, seconds: float) -> tuple[float, float]:
    """The most reads/s with a tenth as many bookings that keep the promise, and their p99 in ms."""
    assert loaded.clinic is not None
    kept = (READS_PER_S, loaded.clinic.p99_ms) if _holds(loaded.clinic) else None
    for factor in _FACTORS if kept else _FRACTIONS:
        found = await clinic.answers(factor * READS_PER_S, seconds)
        say(f"{factor * READS_PER_S:g} reads/s", found)
        if _holds(found):
            kept = factor * READS_PER_S, found.p99_ms
        if _holds(found) != (factor > 1):
            break
    return kept or (0.0, loaded.clinic.p99_ms)


def _holds(found: Summary) -> bool:
    return found.p99_ms <= SLOWEST_MS and _wrong_percent(found) <= MOST_WRONG_PERCENT


def _wrong_percent(found: Summary) -> float:
    return 100 * found.wrong / max(1, found.answers)


def say(what: str, found: Summary) -> None:
    """Progress, for whoever waits."""
    wrong = f", wrong: {found.statuses}" if found.wrong else ""
    times = f"p50 {found.p50_ms:.1f} ms, p99 {found.p99_ms:.1f} ms"
    print(f"  {what}: {found.answers} answers, {times}{wrong}", file=sys.stderr, flush=True)


def _figures(scenario: Scenario, loaded: Beside, quiet_ms: float) -> tuple[Figure, ...]:
    assert loaded.clinic is not None and loaded.crowd is not None
    found = loaded.clinic
    load = f"{READS_PER_S:g} reads/s and {READS_PER_S / READS_PER_BOOKING:g} bookings/s"
    kinds = [
        figure
        for kind, (p50_ms, p99_ms) in sorted(found.kinds.items())
        for figure in (Figure(f"{kind} p50", p50_ms, "ms"), Figure(f"{kind} p99", p99_ms, "ms"))
    ]
    cores = [Figure(f"{name}'s core", 100 * share, "%") for name, share in loaded.cores.items()]
    return (
        Figure(f"{load}, p50", found.p50_ms, "ms"),
        Figure(f"{load}, p99", found.p99_ms, "ms", scenario.limits[0]),
        Figure("wrong answers", _wrong_percent(found), "%", MOST_WRONG_PERCENT),
        *kinds,
        Figure("latest request", loaded.crowd.late_ms, "ms"),
        Figure("call's delay p99, alone", quiet_ms, "ms"),
        Figure("call's delay p99, beside the clinic", loaded.delay_p99_ms, "ms"),
        Figure("ratio of the two", loaded.delay_p99_ms / quiet_ms, "", scenario.limits[1]),
        *cores,
        Figure("front waited for a core", 100 * loaded.front_waited, "%"),
    )
