"""Who gets a connection: a clinic behind one address always, a stranger only so many."""

from __future__ import annotations

import pytest

from telemed_media.admission import (
    MAX_CONNECTIONS,
    MAX_PER_NETWORK,
    SPARE_FILES,
    Admission,
)

PLENTY = 1_000_000


def test_fifty_people_behind_one_address_with_full_pages_come_in() -> None:
    door = Admission((), PLENTY)
    assert all(door.enter("203.0.113.7") for _ in range(50 * 7))
    assert door.refused == 0


@pytest.mark.parametrize("other", ["203.0.113.8", "2001:db8::1"])
def test_one_address_does_not_take_the_places_of_others(other: str) -> None:
    door = Admission((), PLENTY)
    taken = [door.enter("203.0.113.7") for _ in range(10_000)]
    assert sum(taken) == MAX_PER_NETWORK
    assert door.refused == 10_000 - MAX_PER_NETWORK
    assert door.enter(other)


def test_an_ipv6_customer_is_one_network_and_mapped_ipv4_is_ipv4() -> None:
    door = Admission((), PLENTY)
    assert sum(door.enter(f"2001:db8::{n:x}") for n in range(1000)) == MAX_PER_NETWORK
    assert sum(door.enter("::ffff:203.0.113.7") for _ in range(300)) == 300
    assert sum(door.enter("203.0.113.7") for _ in range(300)) == MAX_PER_NETWORK - 300


def test_a_place_that_is_left_is_free_and_nothing_is_remembered() -> None:
    door = Admission((), PLENTY)
    for _ in range(3 * MAX_PER_NETWORK):
        assert door.enter("fe80::1%eth0")
        door.leave("fe80::1%eth0")
    assert (door.held, door.networks) == (0, 0)


def test_a_proxy_carries_everybody() -> None:
    door = Admission(("10.0.0.0/8",), PLENTY)
    assert all(door.enter("10.1.2.3") for _ in range(MAX_CONNECTIONS))
    assert not door.enter("10.1.2.3")


def test_descriptors_are_kept_for_what_else_needs_them() -> None:
    door = Admission((), 1024)
    count = sum(door.enter(f"203.0.113.{n % 250}") for n in range(5000))
    assert count == 1024 - SPARE_FILES
