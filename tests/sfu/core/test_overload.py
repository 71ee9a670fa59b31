"""What a worker with too much work does, in virtual time."""

from __future__ import annotations

import pytest

from sfu.core.histogram import HistogramCounts
from sfu.core.overload import LONG_S, NO_CAP, Overload, percentile


def after(overload: Overload, seconds: int, cpu: float, late_s: float, start: float = 0.0) -> float:
    """Once a second the same; the time afterwards."""
    for second in range(seconds):
        overload.observe(cpu, late_s, start + second)
    return start + seconds


def test_pictures_shrink_first_and_new_calls_are_refused_at_last() -> None:
    overload = Overload()
    seen = []
    for second in range(12):
        overload.observe(0.97, 0.01, float(second))
        seen.append((overload.measures.max_height, overload.measures.takes_rooms))
    assert list(dict.fromkeys(seen)) == [(NO_CAP, True), (360, True), (180, True), (180, False)]


def test_a_short_peak_changes_nothing() -> None:
    overload = Overload()
    for second in range(60):
        overload.observe(0.97 if second % 3 else 0.5, 0.01, float(second))
    assert overload.step == 0


def test_lateness_of_our_own_making_counts_and_lateness_by_others_does_not() -> None:
    overload = Overload()
    after(overload, 10, cpu=0.3, late_s=0.2)
    assert overload.step == 0
    after(overload, 4, cpu=0.7, late_s=0.2)
    assert overload.step == 1


def test_measures_are_taken_back_one_after_the_other_after_a_longer_calm() -> None:
    overload = Overload()
    now = after(overload, 20, cpu=1.0, late_s=0.1)
    assert overload.step == 3
    changes = []
    for second in range(60):
        if overload.observe(0.5, 0.001, now + second):
            changes.append(second)
    assert overload.step == 0
    assert changes == [LONG_S, 2 * LONG_S, 3 * LONG_S]


@pytest.mark.parametrize("cpu", [0.75, 0.85])
def test_between_the_two_bounds_nothing_changes(cpu: float) -> None:
    overload = Overload()
    now = after(overload, 4, cpu=1.0, late_s=0.0)
    step = overload.step
    after(overload, 60, cpu, late_s=0.001, start=now)
    assert overload.step == step > 0


def test_the_percentile_is_of_what_came_between_two_readings() -> None:
    counts = HistogramCounts()
    counts.observe(0.4, 1000)
    before = counts.value()
    counts.observe(0.0015, 985)
    counts.observe(0.03, 15)
    assert percentile(before, counts.value(), 0.99) == 0.05
    assert percentile(before, counts.value(), 0.95) == 0.002
    assert percentile(before, before, 0.99) == 0.0
    now = counts.value()
    counts.observe(3.0)
    assert percentile(now, counts.value(), 0.99) == 1.0
