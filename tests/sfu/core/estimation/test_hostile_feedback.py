"""A subscriber that lies: its estimate neither fails nor rises for that."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from sfu.core.estimation.estimator import Estimator
from sfu.core.estimation.rate import GROWTH, MAX_BPS, MIN_BPS, START_BPS
from sfu.core.rtp import twcc
from sfu.core.rtp.packets import TransportFeedback
from tests.hostile import examples

DELTAS = st.one_of(st.none(), st.integers(-0x8000, 0x7FFF), st.integers(0, 0xFF))
NUMBERS = st.one_of(st.integers(0, 65_535), st.integers(0, 300))
FEEDBACKS = st.builds(
    lambda base, reference, count, deltas: TransportFeedback(
        1,
        2,
        base,
        reference,
        count,
        tuple(deltas),
    ),
    NUMBERS,
    st.integers(-(1 << 23), (1 << 23) - 1),
    st.integers(0, 255),
    st.lists(DELTAS, max_size=60),
)
TURNS = st.lists(
    st.tuples(FEEDBACKS, st.integers(0, 30), st.sampled_from([0.0, 0.001, 0.05, 0.5, 5.0])),
    max_size=30,
)


@examples(150)
@given(TURNS)
def test_any_feedback_is_survived_and_bounded(
    turns: list[tuple[TransportFeedback, int, float]],
) -> None:
    estimator, now, number = Estimator(0.0), 0.0, -1
    estimator.set_wanted(50_000_000, now)
    for feedback, packets, wait in turns:
        for _ in range(packets):
            number += 1
            estimator.log.note(number, now, 1200)
        now += wait
        estimator.receive_feedback(feedback, now)
        estimator.handle_timeout(now)
        cluster = estimator.next_probe(now)
        assert cluster is None or cluster.rate_bps <= 2 * MAX_BPS
        assert MIN_BPS <= estimator.bitrate_bps <= MAX_BPS
        assert 0 <= estimator.loss <= 1
        assert math.isfinite(estimator.rtt_s)


def talk(
    estimator: Estimator,
    seconds: float,
    claim: list[tuple[int, int]] | None = None,
    *,
    squeeze_us: int | None = None,
) -> None:
    """A call of 100 kbit/s; every 100 ms the subscriber claims something about its packets."""
    number, count = estimator.log.highest, 0
    for step in range(round(seconds * 10)):
        now = 100.0 + step * 0.1
        sent = []
        for part in range(5):
            number += 1
            at = now + part * 0.02
            estimator.log.note(number, at, 250)
            arrived = at if squeeze_us is None else now
            sent.append((number, round(arrived * 1e6) + (squeeze_us or 0) * part))
        for feedback in twcc.report(claim or sent, 1, 2, count):
            count += 1
            estimator.receive_feedback(feedback, now + 0.1)
        estimator.handle_timeout(now + 0.1)


def test_claims_of_packets_never_sent_do_not_raise_the_estimate() -> None:
    estimator = Estimator(100.0)
    talk(estimator, 10, claim=[(40_000 + i, 1_000_000 + i * 250) for i in range(500)])
    assert estimator.bitrate_bps <= START_BPS


def test_a_claim_that_all_came_at_once_does_not_raise_the_estimate() -> None:
    estimator = Estimator(100.0)
    talk(estimator, 10, squeeze_us=1)
    assert estimator.bitrate_bps <= START_BPS


def test_times_that_run_backwards_do_not_raise_the_estimate() -> None:
    estimator = Estimator(100.0)
    talk(estimator, 10, squeeze_us=-20_000)
    assert estimator.bitrate_bps <= START_BPS


def test_the_same_feedback_again_and_again_raises_nothing() -> None:
    estimator = Estimator(0.0)
    for number in range(100):
        estimator.log.note(number, number * 0.005, 1200)
    (feedback,) = twcc.report([(n, n * 5000 + 20_000) for n in range(100)], 1, 2, 0)
    for turn in range(500):
        estimator.receive_feedback(feedback, 0.6 + turn * 0.01)
    assert estimator.bitrate_bps <= START_BPS * GROWTH**6


def test_a_stepped_clock_of_the_receiver_is_no_queue() -> None:
    estimator, count = Estimator(0.0), 0
    for step in range(100):
        now = step * 0.1
        jump_us = 40_000_000 if step >= 50 else 0
        sent = []
        for part in range(7):
            number = step * 7 + part
            at = now + part * 0.014
            estimator.log.note(number, at, 1200)
            sent.append((number, round(at * 1e6) + 5_000_000 + jump_us))
        for feedback in twcc.report(sent, 1, 2, count):
            count += 1
            estimator.receive_feedback(feedback, now + 0.15)
    assert estimator.bitrate_bps >= START_BPS


def test_more_than_a_ring_of_numbers_between_feedbacks_is_survived() -> None:
    estimator = Estimator(0.0)
    for number in (*range(100), *range(9_000, 9_100), *range(80_000, 80_100)):
        estimator.log.note(number, number * 0.001, 1200)
    for base in (0, 9_000, 80_000):
        arrivals = [(base + i, (base + i) * 1000) for i in range(100)]
        (feedback,) = twcc.report(arrivals, 1, 2, 0)
        estimator.receive_feedback(feedback, 80.2)
    assert MIN_BPS <= estimator.bitrate_bps <= START_BPS * GROWTH
