"""Wrapping numbers: order, distance and extension, as properties over the whole range."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sfu.core.rtp import serial
from sfu.core.rtp.serial import TIMESTAMP_BITS, Unwrapper

sequence = st.integers(0, 0xFFFF)
timestamp = st.integers(0, 0xFFFFFFFF)


@given(sequence, st.integers(-0x8000, 0x7FFF))
def test_a_sequence_difference_undoes_an_addition(a: int, step: int) -> None:
    assert serial.seq_difference(a + step & 0xFFFF, a) == step


@given(sequence, st.lists(st.integers(-0x4000, 0x7FFF), max_size=50))
def test_extended_numbers_follow_a_stream_over_wraps_and_reordering(
    first: int, steps: list[int]
) -> None:
    unwrapper = Unwrapper()
    assert unwrapper.unwrap(first) == first
    highest = first
    for step in steps:
        true = highest + step
        assert unwrapper.unwrap(true & 0xFFFF) == true
        highest = max(highest, true)
        assert unwrapper.highest == highest


def test_a_late_packet_from_before_the_first_one_extends_below_it() -> None:
    unwrapper = Unwrapper()
    unwrapper.unwrap(1)
    assert unwrapper.unwrap(0xFFFE) == -2
    assert unwrapper.highest == 1


def test_timestamps_are_extended_over_32_bits() -> None:
    unwrapper = Unwrapper(TIMESTAMP_BITS)
    unwrapper.unwrap(0xFFFFFF00)
    assert unwrapper.unwrap(0x100) == 0x1_0000_0100
