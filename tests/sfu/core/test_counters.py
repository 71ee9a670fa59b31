"""Every counter has a sentence, and a field that the type checker knows."""

from __future__ import annotations

from sfu.core.counters import HELP, Counters
from sfu.core.histogram import BOUNDS_S, HistogramCounts


def test_every_counter_is_declared_described_and_starts_at_zero() -> None:
    assert [name for name in Counters.__annotations__ if name in HELP] == list(HELP)
    assert Counters().as_dict() == dict.fromkeys(HELP, 0)
    assert all(sentence[0].islower() or sentence[0].isupper() for sentence in HELP.values())


def test_a_histogram_counts_cumulatively_up_to_and_with_each_bound() -> None:
    counts = HistogramCounts()
    for seconds in (0.0, 0.001, 0.0011, 0.5, 7.0):
        counts.observe(seconds)
    value = counts.value()
    by_bound = dict(zip(value.bounds_s, value.counts, strict=True))
    assert value.bounds_s == BOUNDS_S
    assert by_bound[0.0001] == 1
    assert by_bound[0.001] == 2
    assert by_bound[0.002] == 3
    assert by_bound[0.5] == 4
    assert value.count == 5
    assert abs(value.sum_s - 7.5021) < 1e-9
