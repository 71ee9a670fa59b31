"""What was sent, and which of it a feedback names."""

from __future__ import annotations

from sfu.core.estimation.sent_log import CAPACITY, SendLog
from sfu.core.rtp import twcc
from sfu.core.rtp.packets import TransportFeedback


def feedback(*arrivals: tuple[int, int], count: int = 0) -> TransportFeedback:
    """(number, arrival in µs) pairs."""
    (found,) = twcc.report(list(arrivals), 1, 2, count)
    return found


def log_of(numbers: range, cluster: int = 0) -> SendLog:
    log = SendLog()
    for number in numbers:
        log.note(number, number * 0.01, 1000 + number % 7, cluster)
    return log


def test_a_feedback_says_what_was_received_with_times_and_sizes() -> None:
    log = log_of(range(10))
    news = log.acknowledge(feedback((3, 500_000), (5, 520_000)))
    assert list(news.numbers) == [3, 5]
    assert [round(at, 3) for at in news.sent] == [0.03, 0.05]
    assert news.sizes == [1003, 1005]
    assert round(news.arrived[1] - news.arrived[0], 6) == 0.02
    assert (news.lost, news.found) == (1, 0)


def test_what_is_repeated_counts_once() -> None:
    log = log_of(range(10))
    log.acknowledge(feedback((3, 500_000), (5, 520_000)))
    again = log.acknowledge(feedback((3, 500_000), (5, 520_000)))
    assert (list(again.numbers), again.lost, again.found) == ([], 0, 0)


def test_packets_that_all_came_are_told_of_as_if_one_by_one() -> None:
    """Numbers that wrap in the ring are read one by one, others all at once."""
    found = []
    for first in (10, CAPACITY - 5):
        log = SendLog()
        for step in range(10):
            log.note(first + step, step * 0.01, 1000 + step)
        news = log.acknowledge(feedback(*((first + n, 500_000 + n * 1000) for n in range(10))))
        again = log.acknowledge(feedback((first, 500_000), (first + 9, 600_000)))
        assert (list(again.numbers), again.lost) == ([], 0)
        found.append(([n - first for n in news.numbers], news.sent, news.arrived, news.sizes))
    assert found[0] == found[1]
    assert len(found[0][0]) == 10


def test_a_number_that_was_skipped_means_nothing() -> None:
    log = log_of(range(CAPACITY))
    log.note(CAPACITY + 2, 30.0, 500)
    news = log.acknowledge(feedback((CAPACITY + 1, 500_000), (CAPACITY + 2, 501_000)))
    assert list(news.numbers) == [CAPACITY + 2]


def test_a_packet_reported_lost_may_still_come() -> None:
    log = log_of(range(10))
    log.acknowledge(feedback((3, 500_000), (5, 520_000)))
    news = log.acknowledge(feedback((4, 530_000), (6, 531_000)))
    assert list(news.numbers) == [4, 6]
    assert (news.lost, news.found) == (0, 1)


def test_packets_that_were_never_sent_mean_nothing() -> None:
    log = log_of(range(10))
    news = log.acknowledge(feedback((10, 500_000), (500, 520_000)))
    assert (list(news.numbers), news.lost, news.found) == ([], 0, 0)


def test_before_anything_is_sent_nothing_is_believed() -> None:
    news = SendLog().acknowledge(feedback((0, 0), (500, 10)))
    assert list(news.numbers) == []
    assert news.lost == 0


def test_packets_older_than_the_ring_mean_nothing() -> None:
    log = log_of(range(CAPACITY + 10))
    assert log.acknowledge(feedback((5, 500_000))).numbers == []
    assert list(log.acknowledge(feedback((10, 500_000))).numbers) == [10]


def test_numbers_are_told_apart_across_their_wrap() -> None:
    log = log_of(range(65_530, 65_545))
    news = log.acknowledge(feedback((65_534, 500_000), (65_537, 510_000)))
    assert list(news.numbers) == [65_534, 65_537]
    assert news.lost == 2


def test_the_receivers_clock_goes_on_over_its_wrap() -> None:
    log = log_of(range(10))
    wrap_us = (1 << 23) * twcc.REFERENCE_US
    first = log.acknowledge(feedback((3, wrap_us - 10_000)))
    second = log.acknowledge(feedback((4, wrap_us + 10_000)))
    assert round(second.arrived[0] - first.arrived[0], 4) == 0.02


def test_probes_and_what_is_paid_for_do_not_count_as_loss() -> None:
    log = log_of(range(10), cluster=1)
    assert log.acknowledge(feedback((3, 500_000), (7, 520_000))).lost == 0
    log = log_of(range(10))
    assert log.acknowledge(feedback((3, 500_000), (7, 520_000)), after=5).lost == 1


def test_a_clusters_span_covers_its_packets_until_it_is_forgotten() -> None:
    log = SendLog()
    for number in range(6):
        log.note(number, 0.0, 200, 9 if 2 <= number <= 4 else 0)
    span = log.spans[9]
    assert (span.first, span.last, span.octets) == (2, 4, 600)
    log.forget(9)
    assert log.spans == {}


def test_the_rate_of_what_was_sent_is_that_of_the_window() -> None:
    log = SendLog()
    for number in range(100):
        log.note(number, number * 0.1, 1250)
    assert log.sent_bps(9.9, 1.0) == 10 * 1250 * 8
    assert SendLog().sent_bps(5.0, 1.0) == 0
