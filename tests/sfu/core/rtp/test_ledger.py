"""Used packet indices, compared with a plain set as the model."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sfu.core.rtp.ledger import WINDOW, Ledger


def after(*indices: int) -> Ledger:
    ledger = Ledger()
    for index in indices:
        ledger.add(index)
    return ledger


def test_an_index_is_fresh_once() -> None:
    ledger = Ledger()
    assert ledger.fresh_index(7) == 7
    ledger.add(7)
    assert ledger.fresh_index(7) == -1
    assert ledger.used(7)


def test_the_index_goes_on_over_the_wrap_of_the_sequence_number() -> None:
    ledger = after(0xFFFE, 0xFFFF)
    assert ledger.fresh_index(0) == 0x10000
    ledger.add(0x10000)
    assert ledger.fresh_index(0xFFFD) == 0xFFFD
    assert ledger.fresh_index(0xFFFF) == -1


def test_a_number_from_before_the_first_roll_over_counts_as_used() -> None:
    assert after(3).fresh_index(0xFFFF) == -1


def test_a_number_exactly_half_way_is_taken_as_appendix_a_takes_it() -> None:
    assert after(0x10).fresh_index(0x8010) == 0x8010
    assert after(0x9000).fresh_index(0x1000) == -1  # roll-over 0, too old


def test_a_late_number_and_an_early_one_are_told_apart_across_the_wrap() -> None:
    ledger = after(0xFFF0, 0x10002)
    assert ledger.fresh_index(0xFFFE) == 0xFFFE
    assert ledger.fresh_index(0xFFF0) == -1
    assert after(0xFFF0).fresh_index(2) == 0x10002


def test_an_index_behind_the_window_counts_as_used() -> None:
    ledger = after(WINDOW + 5)
    assert ledger.used(5)
    assert not ledger.used(6)


def test_a_jump_over_more_than_the_window_leaves_the_whole_window_open() -> None:
    ledger = after(0, 1, 1 << 30)
    assert not ledger.used((1 << 30) - WINDOW + 1)
    assert ledger.used((1 << 30) - WINDOW)
    assert ledger.used(1)


def test_a_shrunk_ledger_remembers_only_the_highest_index() -> None:
    ledger = after(1, 5, 0x1FFFF)
    ledger.shrink()
    assert ledger.used(0x1FFFE)
    assert ledger.fresh_index(0xFFFE) == -1
    assert ledger.fresh_index(0) == 0x20000


@given(st.integers(0, 0x8FFF), st.lists(st.integers(-1500, 3000), max_size=80))
def test_the_ledger_agrees_with_a_set_of_all_used_indices(first: int, steps: list[int]) -> None:
    ledger, used, highest = after(first), {first}, first
    taking = after(first)
    for step in steps:
        index = highest + step
        expected = -1 if index in used or index < 0 or index <= highest - WINDOW else index
        assert ledger.fresh_index(index & 0xFFFF) == expected
        assert ledger.used(index) == (expected < 0)
        assert taking.take(index & 0xFFFF) == expected
        if expected >= 0:
            ledger.add(index)
            used.add(index)
            highest = max(highest, index)
        assert ledger.highest == taking.highest == highest


def test_a_stream_in_order_and_one_with_a_gap_take_each_index_once() -> None:
    ledger = Ledger()
    assert [ledger.take(number) for number in (0, 1, 2, 1)] == [0, 1, 2, -1]
    assert [ledger.take(number) for number in (5, 6, 3, 3, 6)] == [5, 6, 3, -1, -1]
