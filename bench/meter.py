"""CPU time, cores and memory of processes, as the kernel accounts them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

_STAT_TICK_S = 0.01  # USER_HZ, which is 100 on every Linux that we run on


def cpu_s(pid: int) -> float:
    """CPU seconds of a process with all its threads, to the nanosecond where the kernel tells."""
    tasks = list(Path(f"/proc/{pid}/task").iterdir())
    try:
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) * 1e-9
    except FileNotFoundError:
        return _cpu_by_ticks(pid)


def waited_s(pid: int) -> float:
    """Seconds for which a process's first thread wanted a core and had none; 0 if nobody knows."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) * 1e-9
    except FileNotFoundError:
        return 0.0


def _cpu_by_ticks(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _STAT_TICK_S


class Memory(msgspec.Struct, frozen=True):
    """In KiB."""

    pss: int  # proportional set size: shared pages counted in parts
    rss: int


def memory(pid: int) -> Memory:
    """Memory of a process now."""
    sizes = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, _, rest = line.partition(":")
        sizes[name] = int(rest.split()[0])
    return Memory(sizes["Pss"], sizes["Rss"])


class Spent(msgspec.Struct, frozen=True):
    """CPU seconds."""

    worker: float
    server: float  # worker, front and supervisor
    generator: float
    waited: float  # the worker wanted a core and others had it


class Meter:
    """From its making until `spent`."""

    def __init__(self, worker: int, others: tuple[int, ...]) -> None:
        self._worker = worker
        self._others = others
        self._start = self._read()

    def _read(self) -> tuple[float, float, float, float]:
        worker = cpu_s(self._worker)
        server = worker + sum(cpu_s(pid) for pid in self._others)
        waited = waited_s(self._worker)
        return worker, server, time.process_time(), waited

    def spent(self) -> Spent:
        before, after = self._start, self._read()
        return Spent(*(b - a for a, b in zip(before, after, strict=True)))


@contextmanager
def cores_of_their_own(worker: int) -> Iterator[None]:
    """The worker on one core, this process on another, as long as the context is open.

    Loopback delivers in the sender's context, and the scheduler likes to wake the receiver where
    the sender runs: without this the two take turns on one core for much of the time. Nothing
    happens where there is but one core.
    """
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) > 1:
        os.sched_setaffinity(worker, cores[:1])
        os.sched_setaffinity(0, cores[1:2])
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)
