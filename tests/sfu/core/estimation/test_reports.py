"""A receiver without transport-wide feedback is judged by its reception reports."""

from __future__ import annotations

from sfu.core.estimation.estimator import Estimator
from sfu.core.estimation.rate import GROWTH, MIN_BPS, START_BPS
from sfu.core.rtp import twcc


def send(estimator: Estimator, now: float, bps: float) -> None:
    """A second of packets that ends at `now`."""
    count = round(bps / 8 / 1000)
    for part in range(count):
        number = estimator.log.highest + 1
        estimator.log.note(number, now - 1 + (part + 1) / count, 1000)


def test_loss_lowers_the_estimate_by_half_of_it() -> None:
    estimator = Estimator(0.0)
    estimator.receive_report(0.3, 0.05, 1.0)
    assert estimator.bitrate_bps == START_BPS * 0.85
    assert (estimator.loss, estimator.rtt_s) == (0.3, 0.05)


def test_lasting_loss_ends_at_the_floor_not_below() -> None:
    estimator = Estimator(0.0)
    for second in range(1, 60):
        estimator.receive_report(0.5, 0.05, float(second))
    assert estimator.bitrate_bps == MIN_BPS


def test_without_loss_it_grows_no_further_than_what_is_sent_proves() -> None:
    estimator = Estimator(0.0)
    for second in range(1, 60):
        send(estimator, float(second), 800_000)
        estimator.receive_report(0.0, 0.05, float(second))
    assert START_BPS * GROWTH**5 < estimator.bitrate_bps <= 1.5 * 800_000 + 10_000


def test_clean_reports_alone_let_it_grow_to_what_is_wanted() -> None:
    estimator = Estimator(0.0)
    estimator.set_wanted(1_300_000, 0.0)
    for second in range(1, 13):
        estimator.receive_report(0.0, 0.05, float(second))
    assert 1_300_000 <= estimator.bitrate_bps <= 1_310_000


def test_clean_reports_after_loss_have_to_stay_clean() -> None:
    estimator = Estimator(0.0)
    estimator.set_wanted(1_300_000, 0.0)
    for second in range(1, 21):
        estimator.receive_report(0.05 if second % 3 == 0 else 0.0, 0.05, float(second))
    assert estimator.bitrate_bps == START_BPS


def test_a_round_trip_that_grew_holds_it() -> None:
    estimator = Estimator(0.0)
    estimator.set_wanted(1_300_000, 0.0)
    estimator.receive_report(0.0, 0.05, 1.0)
    for second in range(2, 21):
        estimator.receive_report(0.0, 0.3, float(second))
    assert estimator.bitrate_bps == START_BPS


def test_a_little_loss_holds_it() -> None:
    estimator = Estimator(0.0)
    for second in range(1, 10):
        send(estimator, float(second), 800_000)
        estimator.receive_report(0.05, 0.05, float(second))
    assert estimator.bitrate_bps == START_BPS


def test_reports_do_not_count_where_feedback_comes() -> None:
    estimator = Estimator(0.0)
    send(estimator, 1.0, 80_000)
    (feedback,) = twcc.report([(0, 1000), (1, 2000)], 1, 2, 0)
    estimator.receive_feedback(feedback, 1.0)
    estimator.receive_report(0.5, 0.05, 1.5)
    assert estimator.bitrate_bps == START_BPS


def test_without_feedback_no_probe_is_sent() -> None:
    estimator = Estimator(0.0)
    estimator.set_wanted(5_000_000, 0.0)
    estimator.receive_report(0.0, 0.05, 1.0)
    assert estimator.is_limited
    assert estimator.next_probe(1.0) is None


def test_where_nothing_was_sent_for_a_while_a_probe_tells_what_the_path_is_like_now() -> None:
    """A Firefox whose pictures are paused reports of nothing: it reports no sound."""
    estimator = Estimator(0.0)
    estimator.set_wanted(1_000_000, 0.0)
    for number in range(200):
        estimator.log.note(number, 0.01 * number, 1000)
    came = [(number, 10_000 * number) for number in range(200)]
    (feedback,) = twcc.report(came, 1, 2, 0)
    estimator.receive_feedback(feedback, 2.0)
    assert estimator.next_probe(3.5) is None, "what was sent last may still tell"
    assert estimator.next_probe(4.5) is not None
