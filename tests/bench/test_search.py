"""The search offers as much as keeps the worker busy for a wanted share of the time."""

from __future__ import annotations

import pytest

from bench import search
from bench.meter import Spent
from bench.stretch import Stretch


@pytest.mark.parametrize("cost", [0.0001, 0.0004])  # share of the core per packet/s in
@pytest.mark.parametrize("fixed", [0.01, 0.1])  # share of the core at no load
def test_it_finds_the_rate_of_a_server_with_fixed_costs(cost: float, fixed: float) -> None:
    def share(rate: float, rooms: int) -> float:
        return fixed + cost * rate * rooms

    one = share(search.MAX_RATE, 1)
    rooms = search.rooms_needed(one, 0.9)
    rate = search.first_rate(one, 0.9, rooms)
    for _ in range(4):
        if rate >= search.MAX_RATE and share(rate, rooms) < 0.9:
            rooms += search.rooms_missing(rooms, share(rate, rooms), 0.9)
        rate = search.next_rate(rate, share(rate, rooms), 1.0, 0.9)
    assert search.good(share(rate, rooms), 1.0, 0.9)


def test_lost_packets_lower_the_rate_whatever_the_share() -> None:
    assert not search.good(0.9, 0.98, 0.9)
    assert search.next_rate(700, 0.5, 0.98, 0.9) < 700


def test_no_peer_sends_more_than_it_may() -> None:
    assert search.first_rate(0.001, 0.9, 1) == search.MAX_RATE
    assert search.next_rate(700, 0.1, 1.0, 0.9) == search.MAX_RATE
    assert search.rooms_needed(0.0, 0.9) == search.MAX_ROOMS
    assert search.MAX_RATE * (1100 + 60) * 8 < 8_000_000


def stretch(busy: float, delivered: int) -> Stretch:
    spent = Spent(worker=busy, server=busy, generator=0.1, waited=0.0)
    return Stretch(1.0, 100, 1000, delivered, 0, 1.0, spent, (), 0)


def test_the_busiest_whole_measurement_counts() -> None:
    lossy, calm, full = stretch(1.0, 900), stretch(0.5, 1000), stretch(0.9, 995)
    assert [search.saturated(each) for each in (lossy, calm, full)] == [False, False, True]
    assert search.best([lossy, calm, full]) is full
    assert search.best([lossy, stretch(0.9, 800)]) is lossy


def test_a_stretch_tells_what_a_packet_cost() -> None:
    spent = Spent(worker=0.02, server=0.03, generator=0.01, waited=0.1)
    made = Stretch(2.0, 100, 1000, 1000, 0, 1.0, spent, (), 0)
    assert made.cpu_us == pytest.approx(20)
    assert (made.core_share, made.busy_share) == pytest.approx((0.01, 0.06))
