"""Limits in virtual time: what an honest client and a full clinic do always passes."""

from __future__ import annotations

from sfu.core.limits import (
    CHECKS,
    JOINS,
    SENDS_OF_A_CHECK,
    TRANSACTIONS,
    Bucket,
    CheckLimit,
    Rate,
)


def transaction(number: int) -> bytes:
    return number.to_bytes(12)


def test_a_bucket_lets_a_burst_through_and_then_its_rate() -> None:
    bucket = Bucket(Rate(burst=3, per_s=2), 10.0)
    assert [bucket.take(10.0) for _ in range(4)] == [True, True, True, False]
    assert [bucket.take(10.5), bucket.take(10.5)] == [True, False]
    assert sum(bucket.take(1000.0) for _ in range(9)) == 3


def test_a_clock_that_steps_back_gives_nothing() -> None:
    bucket = Bucket(Rate(burst=1, per_s=1), 10.0)
    assert bucket.take(10.0)
    assert not bucket.take(9.0)
    assert not bucket.take(10.5)


def test_firefox_on_a_host_with_four_addresses_is_always_answered() -> None:
    limit = CheckLimit(0.0)
    every_20_ms = [number * 0.02 for number in range(500)]
    assert all(limit.allows(transaction(n), "way", at) for n, at in enumerate(every_20_ms))


def test_a_recorded_check_is_answered_as_often_as_its_client_may_send_it() -> None:
    limit = CheckLimit(0.0)
    answered = sum(limit.allows(transaction(1), "way", n / 1000) for n in range(20_000))
    assert answered == SENDS_OF_A_CHECK


def test_a_replayed_check_does_not_take_the_share_of_fresh_ones() -> None:
    limit = CheckLimit(0.0)
    for number in range(20_000):
        limit.allows(transaction(1), "way", number / 20_000)
    assert limit.allows(transaction(2), "way", 1.0)


def test_a_participant_who_floods_checks_is_answered_at_the_rate() -> None:
    limit = CheckLimit(0.0)
    answered = sum(limit.allows(transaction(n), "way", n / 20_000) for n in range(20_000))
    assert answered <= CHECKS.burst + CHECKS.per_s + 1


def test_the_memory_of_transactions_is_bounded() -> None:
    limit = CheckLimit(0.0)
    for number in range(10_000):
        limit.allows(transaction(number), "way", float(number))
    assert len(limit._seen) == TRANSACTIONS


def test_a_full_room_comes_back_twice_at_once() -> None:
    room = Bucket(JOINS, 0.0)
    assert all(room.take(0.0) for _ in range(2 * 16))
