"""Wrapping numbers: order, distance and extension, as properties over the whole range."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sfu.core.rtp import serial
from sfu.core.rtp.serial import TIMESTAMP_BITS, Unwrapper

sequence = st.integers(0, 0xFFFF)
timestamp = st.integers(0, 0xFFFFFFFF)


def test_the_number_after_the_wrap_is_newer() -> None:
    assert serial.seq_newer(0, 0xFFFF)
    assert not serial.seq_newer(0xFFFF, 0)
    assert serial.seq_difference(2, 0xFFFE) == 4
    assert serial.timestamp_newer(0, 0xFFFFFFFF)
    assert serial.timestamp_difference(0xFFFFFFFE, 2) == -4


@given(sequence, sequence)
def test_newer_is_a_positive_shorter_way(a: int, b: int) -> None:
    assert serial.seq_newer(a, b) == (serial.seq_difference(a, b) > 0)
    assert not (serial.seq_newer(a, b) and serial.seq_newer(b, a))


@given(sequence, st.integers(-0x8000, 0x7FFF))
def test_a_sequence_difference_undoes_an_addition(a: int, step: int) -> None:
    assert serial.seq_difference(a + step & 0xFFFF, a) == step


@given(timestamp, st.integers(-0x80000000, 0x7FFFFFFF))
def test_a_timestamp_difference_undoes_an_addition(a: int, step: int) -> None:
    assert serial.timestamp_difference(a + step & 0xFFFFFFFF, a) == step
    assert serial.timestamp_newer(a + step & 0xFFFFFFFF, a) == (step > 0)


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
