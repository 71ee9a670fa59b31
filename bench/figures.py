"""What a scenario found, and whether that is good enough."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

LEAST_DELIVERED = 0.99


class Figure(msgspec.Struct, frozen=True):
    """One measured value; it may not exceed `limit` in a check (0: nothing is promised)."""

    name: str
    value: float
    unit: str
    limit: float = 0.0

    @property
    def exceeded(self) -> bool:
        return 0 < self.limit < self.value


class Load(msgspec.Struct, frozen=True):
    """What was offered, and what became of it."""

    rooms: int
    people: int
    seconds: float
    packets_in_per_s: float
    packets_out_per_s: float  # offered
    delivered_share: float
    worker_core_share: float
    worker_waited_share: float  # of the time: other processes had its core
    worker_cpu_s: float
    server_cpu_s: float  # worker, front, supervisor
    generator_cpu_s: float
    decrypted: int  # of the sample
    undecryptable: int
    late_ms: float  # the generator's latest burst
    joins: int
    failed_joins: int


class Result(msgspec.Struct, frozen=True):
    """One scenario's outcome."""

    scenario: str
    title: str
    load: Load
    figures: tuple[Figure, ...]


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least so many percent of the values do not exceed; 0 of none."""
    if not values:
        return 0.0
    rank = -(-len(values) * percent // 100)  # rounded up
    return sorted(values)[max(0, int(rank) - 1)]


def invalid(load: Load) -> list[str]:
    """Why a measurement does not count."""
    reasons = []
    if load.generator_cpu_s > load.server_cpu_s:
        reasons.append(
            f"the generator used more CPU ({load.generator_cpu_s:.2f} s) "
            f"than the server ({load.server_cpu_s:.2f} s)"
        )
    if load.delivered_share < LEAST_DELIVERED:
        reasons.append(f"only {load.delivered_share:.1%} of the packets were delivered")
    if load.undecryptable:
        reasons.append(f"{load.undecryptable} of {load.decrypted} sampled packets are wrong")
    if load.packets_out_per_s and not load.decrypted:
        reasons.append("no packet was sampled")
    if load.failed_joins:
        reasons.append(f"{load.failed_joins} of {load.joins} newcomers got no media")
    return reasons


def verdict(result: Result, *, check: bool) -> list[str]:
    """Why the run fails on account of this scenario; [] if it does not."""
    reasons = invalid(result.load)
    if check:
        reasons += [
            f"{figure.name} is {figure.value:.1f} {figure.unit}, promised are {figure.limit:g}"
            for figure in result.figures
            if figure.exceeded
        ]
    return [f"{result.scenario}: {reason}" for reason in reasons]
