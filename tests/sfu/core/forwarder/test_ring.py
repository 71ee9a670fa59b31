"""The ring of received packets: bounded in number and time, each packet once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfu.core.forwarder.ring import REORDERED, Ring


def filled(*seqs: int, capacity: int = 16) -> Ring:
    ring = Ring(capacity)
    for seq in seqs:
        ring.put(seq, bytes([seq & 0xFF]), seq / 10)
    return ring


def test_a_packet_is_found_by_its_number() -> None:
    ring = filled(100, 101, 103)
    assert ring.get(101) == bytes([101])
    assert ring.arrival(103) == 10.3
    assert ring.get(102) is None
    assert not ring.has(102)
    assert ring.highest == 103
    assert ring.lowest() == 100


def test_a_duplicate_is_refused() -> None:
    ring = filled(100, 101)
    assert not ring.put(100, b"again", 99.0)
    assert ring.get(100) == bytes([100])


def test_packets_before_the_first_are_taken_if_they_were_only_reordered() -> None:
    ring = filled(100, capacity=64)
    assert ring.put(100 - REORDERED, b"early", 1.0)
    assert not ring.put(100 - REORDERED - 1, b"too early", 1.0)
    assert ring.lowest() == 100 - REORDERED


def test_an_empty_packet_was_received_and_holds_nothing() -> None:
    ring = filled(100)
    assert ring.put(101, None, 1.0)
    assert ring.has(101)
    assert ring.get(101) is None
    assert not ring.put(101, b"again", 1.0)


def test_a_number_whose_place_was_taken_by_a_later_one_is_gone_for_good() -> None:
    ring = filled(100, 116)
    assert ring.get(100) is None
    assert not ring.has(100)
    assert not ring.put(100, b"late", 1.0)


def test_a_number_further_back_than_the_ring_is_long_is_refused_even_if_its_place_is_free() -> None:
    ring = filled(100, 1000)
    assert not ring.put(1000 - 16, b"late", 1.0)
    assert ring.put(1000 - 15, b"late", 1.0)


def test_old_packets_are_released_but_never_the_newest() -> None:
    ring = filled(100, 101, 102)
    ring.drop_older(10.15)
    assert [ring.get(seq) is None for seq in (100, 101, 102)] == [True, True, False]
    assert ring.has(101), "it was received all the same"
    ring.drop_older(1e9)
    assert ring.get(102) is not None
    assert not ring.put(99, b"late", 1.0), "nothing comes back from before"


def test_a_capacity_that_is_no_power_of_two_is_refused() -> None:
    with pytest.raises(ValueError, match="power of two"):
        Ring(100)


@given(st.lists(st.tuples(st.integers(0, 300), st.booleans()), max_size=200))
def test_it_agrees_with_a_dictionary_of_the_last_numbers(puts: list[tuple[int, bool]]) -> None:
    ring, model, ever = Ring(32), dict[int, bytes](), set[int]()
    for count, (seq, empty) in enumerate(puts):
        packet = None if empty else count.to_bytes(4)
        if ring.put(seq, packet, float(count)):
            assert seq not in ever
            ever.add(seq)
            if packet:
                model[seq] = packet
    for seq in range(max(0, ring.highest - 31), ring.highest + 1):
        assert ring.get(seq) == model.get(seq)
        assert ring.has(seq) == (seq in ever)
    if ever:
        assert ring.highest == max(ever)
        assert ring.has(ring.lowest())
