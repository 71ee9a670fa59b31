"""Fuzzers at the running server, beside a call whose every packet is counted.

Short here; `make prove` runs the same with 10⁶ datagrams and 10⁴ requests. A failure is repeated by
the seed that the message names: FUZZ_SEED=… in the environment.
"""

from __future__ import annotations

import asyncio
import os
import random

import psutil
import pytest

from tests.e2e.conftest import StartServer
from tests.e2e.fuzz_datagrams import Fuzzer
from tests.e2e.fuzz_requests import RequestFuzzer
from tests.e2e.lean import device, steady_call
from tests.e2e.server import Server
from tests.netns.namespace import FIRST_ADDRESS

MEMORY_GROWTH = 0.05
LOST_SHARE = 0.001
SIGNS_OF_BUGS = ('"level": "error"', '"level": "critical"', "media_bug", "Traceback")


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    chosen = random.SystemRandom().randrange(1 << 32) if _is_proving(request) else 1
    return int(os.environ.get("FUZZ_SEED", chosen))


def _is_proving(request: pytest.FixtureRequest) -> bool:
    return request.node.get_closest_marker("prove") is not None


def memory_bytes(server: Server) -> dict[str, int]:
    return {name: psutil.Process(pid).memory_info().rss for name, pid in server.ready.pids.items()}


def grown(before: dict[str, int], after: dict[str, int]) -> dict[str, float]:
    return {name: after[name] / before[name] - 1 for name in before}


def bugs_in(server: Server) -> list[str]:
    lines = server.log.read_text().splitlines()
    return [line for line in lines if any(sign in line for sign in SIGNS_OF_BUGS)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("warm_up", "count", "most_lost"),
    [
        pytest.param(10_000, 20_000, 3 * LOST_SHARE, id="short"),
        pytest.param(100_000, 1_000_000, LOST_SHARE, marks=pytest.mark.prove, id="million"),
    ],
)
async def test_no_datagram_disturbs_a_call_or_grows_the_worker(
    server: Server, seed: int, warm_up: int, count: int, most_lost: float
) -> None:
    async with steady_call(server) as call, device(server, "Mallory", "whip") as mallory:
        fuzzer = Fuzzer(call, mallory, server.ready.port, seed)
        try:
            await asyncio.to_thread(fuzzer.start(warm_up).join)
            before = memory_bytes(server)
            sending = fuzzer.start(count)
            sent, lost = await call.lost_while(sending.is_alive)
            growth = grown(before, memory_bytes(server))
        finally:
            fuzzer.close()
        assert lost <= most_lost * sent, f"{lost} of {sent} lost; FUZZ_SEED={seed}"
    assert max(growth.values()) <= MEMORY_GROWTH, f"{growth}; FUZZ_SEED={seed}"
    assert bugs_in(server) == [], f"FUZZ_SEED={seed}"
    assert server.log.read_text().count("\n") < 100, "hostile packets fill the log"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("warm_up", "count", "most_lost", "most_growth"),
    [  # the chat's history, caches and the allocator fill up during the first thousands
        pytest.param(200, 300, 3 * LOST_SHARE, 4 * MEMORY_GROWTH, id="short"),
        pytest.param(10_000, 10_000, LOST_SHARE, MEMORY_GROWTH, marks=pytest.mark.prove, id="long"),
    ],
)
async def test_no_request_breaks_the_front_or_disturbs_a_call(
    start_server: StartServer,
    seed: int,
    warm_up: int,
    count: int,
    most_lost: float,
    most_growth: float,
) -> None:
    server = await start_server(environment={"TELEMED_TRUSTED_PROXIES": FIRST_ADDRESS})
    async with steady_call(server) as call:
        fuzzer = RequestFuzzer(server, call.speaker.offer("sendonly"), seed)
        await fuzzer.run(warm_up)
        before = memory_bytes(server)
        running = asyncio.create_task(fuzzer.run(count))
        sent, lost = await call.lost_while(lambda: not running.done())
        await running
        growth = grown(before, memory_bytes(server))
        assert lost <= most_lost * sent, f"{lost} of {sent} lost; FUZZ_SEED={seed}"
    broken = {status for status in fuzzer.statuses if status[:1] == "5" and status != "503"}
    assert not broken, f"{fuzzer.statuses}; FUZZ_SEED={seed}"
    assert fuzzer.statuses["200"] and fuzzer.statuses["101"] and fuzzer.statuses["201"]
    assert max(growth.values()) <= most_growth, f"{growth}; FUZZ_SEED={seed}"
    assert bugs_in(server) == [], f"FUZZ_SEED={seed}"
