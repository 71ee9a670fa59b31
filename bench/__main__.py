"""`make bench`: what a call costs the server, printed as a table and written as JSON.

    python -m bench [SCENARIO ...] [--seconds N] [--check]
    python -m bench profile [SCENARIO] [--native]    flame graph of the worker in bench/results/
    python -m bench executor                         the executor alone, in this process

Exit code 1 says that a measurement does not count or, with --check, that a promise is not kept.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bench import executor, report
from bench.client import JoinFailed
from bench.crowd import CrowdFailed
from bench.figures import Result, verdict
from bench.measuring import measure
from bench.profiling import ProfilingFailed, profiled
from bench.scenarios import SCENARIOS, Scenario
from bench.server import ServerFailed
from bench.world import open_world
from tests.clinic_api import postgres

SECONDS = 6.0
FAILURES = (
    JoinFailed,
    ServerFailed,
    ProfilingFailed,
    CrowdFailed,
    postgres.NoPostgres,
    OSError,
)
SERVER_LOG = "server.log"  # of the last scenario, in bench/results/


def main() -> int:
    given = _arguments()
    if given.scenarios[:1] == ["executor"]:
        return executor.main()
    profile = given.scenarios[:1] == ["profile"]
    names = given.scenarios[1:] or ["fanout-10-max"] if profile else given.scenarios
    unknown = [name for name in names if name not in SCENARIOS]
    if unknown:
        print(f"no scenario {', '.join(unknown)}; there are: {' '.join(SCENARIOS)}")
        return 2
    wanted = [SCENARIOS[name] for name in names or SCENARIOS]
    try:
        if profile:
            return asyncio.run(_profile(wanted[0], given))
        return asyncio.run(_bench(wanted, given))
    except FAILURES as error:
        print(error, file=sys.stderr)
        return 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description="Loads and measurements.")
    names = ", ".join(SCENARIOS)
    parser.add_argument("scenarios", nargs="*", help=f"profile, executor, or of: {names}")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each measurement")
    parser.add_argument("--check", action="store_true", help="fail where a promise is not kept")
    parser.add_argument("--native", action="store_true", help="profile C functions too")
    parser.add_argument("--no-gro", action="store_true", help="let the kernel split segments")
    return parser.parse_args()


async def _bench(wanted: list[Scenario], given: argparse.Namespace) -> int:
    machine = report.this_machine()
    results: list[Result] = []
    for scenario in wanted:
        print(f"{scenario.title} …", file=sys.stderr, flush=True)
        results.append(await _one(scenario, given))
    failures = [why for result in results for why in verdict(result, check=given.check)]
    report.show(machine, results)
    print(report.write(machine, results, failures))
    for why in failures:
        print(why, file=sys.stderr)
    return 1 if failures else 0


async def _one(scenario: Scenario, given: argparse.Namespace) -> Result:
    gc.collect()
    report.RESULTS.mkdir(exist_ok=True)
    log = report.RESULTS / SERVER_LOG
    async with (
        _database(scenario) as url,
        open_world(scenario.shape, log, gro=not given.no_gro, database_url=url) as world,
    ):
        return await measure(world, scenario, given.seconds)


@asynccontextmanager
async def _database(scenario: Scenario) -> AsyncIterator[str]:
    """The setting of the scenario's database; "" for SQLite. Raises NoPostgres."""
    if not scenario.on_postgres:
        yield ""
        return
    running = postgres.running(durable=True)
    server = await asyncio.to_thread(running.__enter__)
    try:
        yield server.url(postgres.USER)
    finally:
        await asyncio.to_thread(running.__exit__, None, None, None)


async def _profile(scenario: Scenario, given: argparse.Namespace) -> int:
    path = report.RESULTS / f"{scenario.name}.svg"
    async with open_world(
        scenario.shape, report.RESULTS / SERVER_LOG, gro=not given.no_gro
    ) as world:
        world.beside = lambda: profiled(world.server.worker, path, native=given.native)
        result = await measure(world, scenario, given.seconds)
    report.show(report.this_machine(), [result])
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
