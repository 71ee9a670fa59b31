"""The token bucket: never more than burst + rate, and bounded in memory."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from clinic_api.http.rate import MAX_CLIENTS, Buckets, Rate


@given(st.lists(st.floats(min_value=0, max_value=2), min_size=1, max_size=200))
def test_no_address_gets_more_than_its_burst_and_rate(pauses_s: list[float]) -> None:
    buckets, now, granted = Buckets(Rate(burst=5, per_s=2)), 0.0, 0
    for pause_s in pauses_s:
        now += pause_s
        granted += buckets.take("alice", now) == 0.0
    assert granted <= 5 + 2 * now + 1e-6


def test_the_told_wait_is_long_enough() -> None:
    buckets = Buckets(Rate(burst=1, per_s=0.5))
    assert buckets.take("alice", 0.0) == 0.0
    wait_s = buckets.take("alice", 0.0)
    assert wait_s == 2.0
    assert buckets.take("alice", wait_s) == 0.0


def test_charlie_does_not_use_up_what_is_alices() -> None:
    buckets = Buckets(Rate(burst=1, per_s=0.1))
    for _ in range(5):
        buckets.take("charlie", 0.0)
    assert buckets.take("alice", 0.0) == 0.0


def test_many_addresses_do_not_fill_the_memory() -> None:
    buckets = Buckets(Rate(burst=100, per_s=0.001))
    for number in range(MAX_CLIENTS + 50):
        buckets.take(str(number), 0.0)
    assert len(buckets) <= MAX_CLIENTS


def test_a_customer_with_a_whole_ipv6_network_is_one_client() -> None:
    buckets = Buckets(Rate(burst=2, per_s=1))
    waits = [buckets.take(f"2001:db8::{host:x}", 0.0) for host in range(4)]
    assert [wait > 0 for wait in waits] == [False, False, True, True]
    assert buckets.take("2001:db8:0:1::1", 0.0) == 0
