"""Runs `bench.requests` beside whatever else this process does."""

from __future__ import annotations

import sys
from asyncio import subprocess

import msgspec

from bench.figures import percentile
from bench.requests import Done, Given

LINE_BYTES = 64 << 20


class CrowdFailed(Exception):
    """The people did not get in, or their program ended early."""


class Crowd:
    """People who are connected. Made by `gather`."""

    def __init__(self, process: subprocess.Process) -> None:
        self._process = process

    async def run(self) -> Done:
        """Every task, from now on. Raises CrowdFailed."""
        output, _ = await self._process.communicate(b"go\n")
        try:
            return msgspec.json.decode(output, type=Done)
        except msgspec.DecodeError:
            raise CrowdFailed("the program that sends requests ended early") from None


async def gather(given: Given) -> Crowd:
    """Everybody is connected. Raises CrowdFailed."""
    process = await subprocess.create_subprocess_exec(
        *(sys.executable, "-m", "bench.requests"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        limit=LINE_BYTES,
    )
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(msgspec.json.encode(given) + b"\n")
    await process.stdin.drain()
    if await process.stdout.readline() != b"ready\n":
        await process.wait()
        raise CrowdFailed("the people of the clinic could not connect")
    return Crowd(process)


class Summary(msgspec.Struct, frozen=True):
    """What a crowd got."""

    answers: int
    wrong: int
    p50_ms: float
    p99_ms: float
    kinds: dict[str, tuple[float, float]]  # p50 and p99 in ms
    statuses: dict[str, int]  # of what went wrong: "kind status" → how many


def summary(done: Done) -> Summary:
    """Wrong answers count with their times too."""
    times = [each.took_ms for each in done.took]
    kinds: dict[str, list[float]] = {}
    statuses: dict[str, int] = {}
    for each in done.took:
        kinds.setdefault(each.kind, []).append(each.took_ms)
        if each.status not in (200, 201):
            name = f"{each.kind} {each.status}"
            statuses[name] = statuses.get(name, 0) + 1
    return Summary(
        answers=len(times),
        wrong=sum(statuses.values()),
        p50_ms=percentile(times, 50),
        p99_ms=percentile(times, 99),
        kinds={name: (percentile(some, 50), percentile(some, 99)) for name, some in kinds.items()},
        statuses=statuses,
    )
