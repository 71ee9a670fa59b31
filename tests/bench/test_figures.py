"""A benchmark says when it does not count, and when a promise is not kept."""

from __future__ import annotations

import msgspec
import pytest

from bench.figures import Figure, Load, Result, percentile, verdict

GOOD = Load(
    rooms=1,
    people=11,
    seconds=5,
    packets_in_per_s=120,
    packets_out_per_s=1200,
    delivered_share=1.0,
    worker_core_share=0.05,
    worker_waited_share=0.01,
    worker_cpu_s=0.25,
    server_cpu_s=0.3,
    generator_cpu_s=0.2,
    decrypted=60,
    undecryptable=0,
    late_ms=1,
    joins=4,
    failed_joins=0,
)


def result(load: Load = GOOD, *figures: Figure) -> Result:
    return Result("fanout-10", "1 → 10", load, figures)


def test_a_good_measurement_has_no_complaints() -> None:
    assert verdict(result(GOOD, Figure("CPU", 19.0, "µs", 20)), check=True) == []


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"generator_cpu_s": 0.31}, "the generator used more CPU"),
        ({"delivered_share": 0.989}, "only 98.9% of the packets"),
        ({"undecryptable": 1}, "1 of 60 sampled packets"),
        ({"decrypted": 0}, "no packet was sampled"),
        ({"failed_joins": 1}, "1 of 4 newcomers"),
    ],
)
def test_a_measurement_that_does_not_count_says_why(
    fields: dict[str, float], complaint: str
) -> None:
    (reason,) = verdict(result(msgspec.structs.replace(GOOD, **fields)), check=False)
    assert reason.startswith("fanout-10: ")
    assert complaint in reason


def test_a_promise_counts_only_in_a_check() -> None:
    slow = result(GOOD, Figure("CPU", 21.0, "µs", 20), Figure("p95", 900, "ms"))
    assert verdict(slow, check=False) == []
    assert verdict(slow, check=True) == ["fanout-10: CPU is 21.0 µs, promised are 20"]


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [([], 50, 0), ([7], 99, 7), ([3, 1, 2], 50, 2), (range(1, 101), 99, 99), ([1, 2], 0, 1)],
)
def test_percentiles_are_values_that_were_measured(
    values: list[float], percent: float, expected: float
) -> None:
    assert percentile(values, percent) == expected
