"""CPU time and memory of processes, as the kernel accounts them."""

from __future__ import annotations

import time
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
    """CPU seconds within `wall_s` seconds."""

    wall_s: float
    worker: float
    server: float  # worker, front and supervisor
    generator: float
    waited: float  # the worker wanted a core and others had it

    @property
    def worker_share(self) -> float:
        """Of one core."""
        return self.worker / self.wall_s

    @property
    def busy_share(self) -> float:
        """Of the time, how long the worker had work to do, whether it had a core or not."""
        return (self.worker + self.waited) / self.wall_s


class Meter:
    """From its making until `spent`."""

    def __init__(self, worker: int, others: tuple[int, ...]) -> None:
        self._worker = worker
        self._others = others
        self._start = self._read()

    def _read(self) -> tuple[float, float, float, float, float]:
        worker = cpu_s(self._worker)
        server = worker + sum(cpu_s(pid) for pid in self._others)
        waited = waited_s(self._worker)
        return time.monotonic(), worker, server, time.process_time(), waited

    def spent(self) -> Spent:
        before, after = self._start, self._read()
        return Spent(*(b - a for a, b in zip(before, after, strict=True)))
