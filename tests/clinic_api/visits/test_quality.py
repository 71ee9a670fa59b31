"""A timeline stays short, in order, and true in its sums, whatever comes in."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from clinic_api.visits.quality import MAX_EVENTS, MAX_POINTS, Event, Point, condensed, newest

SUMS = (
    *("good_ms", "fair_ms", "poor_ms", "bad_ms", "heard_ms", "concealed_ms", "seen_ms"),
    *("frames", "freeze_ms"),
)
WORST = ("rtt_ms", "loss_in", "loss_out")
AMOUNT = st.integers(0, 10_000)
STEP_MS = 10_000


@st.composite
def points(draw: st.DrawFn) -> list[Point]:
    """Of one person in the order of time, with pauses."""
    at_ms, found = 1_700_000_000_000, []
    for _ in range(draw(st.integers(0, 40))):
        at_ms += draw(st.sampled_from((0, 0, 90_000)))
        until_ms = at_ms + draw(st.integers(1, STEP_MS))
        amounts: dict[str, Any] = {name: draw(AMOUNT) for name in (*SUMS, *WORST, "kbps")}
        found.append(Point(at_ms=at_ms, until_ms=until_ms, **amounts))
        at_ms = until_ms
    return found


def steady(count: int) -> list[Point]:
    begins = range(0, count * STEP_MS, STEP_MS)
    return [Point(at_ms=at, until_ms=at + STEP_MS, good_ms=STEP_MS) for at in begins]


def total(of: Sequence[Point], name: str) -> int:
    return sum(getattr(point, name) for point in of)


@given(points(), st.integers(1, 12))
def test_a_timeline_is_never_too_long_and_keeps_order_and_sums(
    given: list[Point], limit: int
) -> None:
    kept = condensed(given, limit)
    assert len(kept) == min(limit, len(given))
    assert all(one.until_ms <= after.at_ms for one, after in pairwise(kept))
    assert {name: total(kept, name) for name in SUMS} == {name: total(given, name) for name in SUMS}
    for name in WORST:
        worst = max((getattr(point, name) for point in given), default=0)
        assert max((getattr(point, name) for point in kept), default=0) == worst
    known = [point.kbps for point in given if point.kbps]
    assert min((point.kbps for point in kept if point.kbps), default=0) == min(known, default=0)


@given(points(), points(), st.integers(1, 12))
def test_what_comes_in_parts_and_in_any_order_is_kept_as_well(
    early: list[Point], late: list[Point], limit: int
) -> None:
    kept = condensed([*late, *condensed(early, limit)], limit)
    assert len(kept) <= limit
    assert [one.at_ms for one in kept] == sorted(one.at_ms for one in kept)
    assert total(kept, "good_ms") == total([*early, *late], "good_ms")


def test_a_call_of_a_day_is_coarse_by_like_steps_and_exact_in_its_newest_third() -> None:
    kept: tuple[Point, ...] = ()
    for point in steady(24 * 360):
        kept = condensed([*kept, point])
    spans = [point.until_ms - point.at_ms for point in kept]
    assert len(kept) == MAX_POINTS
    assert set(spans[-MAX_POINTS // 3 :]) == {STEP_MS}
    assert max(spans) <= 2 * 24 * 3_600_000 / (MAX_POINTS * 2 / 3)
    assert total(kept, "good_ms") == 24 * 3_600_000


def test_a_pause_is_not_merged_while_shorter_neighbours_are_there() -> None:
    before, after = steady(4), steady(500)[-4:]
    kept = condensed([*before, *after], 4)
    assert max(point.until_ms - point.at_ms for point in kept) <= 4 * STEP_MS


def test_the_newest_events_are_kept() -> None:
    events = [Event(kind="reconnected", at_ms=at) for at in range(MAX_EVENTS + 5)]
    kept = newest(events[::-1])
    assert [event.at_ms for event in kept] == list(range(5, MAX_EVENTS + 5))
