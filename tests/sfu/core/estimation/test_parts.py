"""The parts of the estimate, each by itself."""

from __future__ import annotations

from sfu.core.estimation.delay import DelayDetector
from sfu.core.estimation.groups import Groups
from sfu.core.estimation.loss import LossBound
from sfu.core.estimation.overuse import OveruseDetector
from sfu.core.estimation.probing import AGAIN_S, FIRST, FURTHER, INTERVAL_S, ProbeCluster, Prober
from sfu.core.estimation.queue import QueueDelay
from sfu.core.estimation.rate import BACKOFF, MIN_BPS, START_BPS, Rate
from sfu.core.estimation.sent_log import Acknowledged, SendLog
from sfu.core.estimation.throughput import Throughput
from sfu.core.estimation.trend import Trend


def packets(count: int, gap_s: float, arrival_gap_s: float, first: int = 0) -> Acknowledged:
    numbers = range(first, first + count)
    return Acknowledged(
        numbers,
        [n * gap_s for n in numbers],
        [9.0 + n * arrival_gap_s for n in numbers],
        [1000] * count,
        [],
        is_ordered=True,
    )


def test_packets_sent_together_are_one_group() -> None:
    groups = Groups()
    assert groups.add([0.0, 0.004], [1.0, 1.005]) == []
    assert groups.add([0.030, 0.034], [1.032, 1.040]) == []
    ((sent, arrived),) = groups.add([0.060], [1.070])
    assert (round(sent, 6), round(arrived, 6)) == (0.03, 0.035)


def test_a_growing_delay_has_a_trend_and_a_steady_one_has_none() -> None:
    growing, steady = Trend(), Trend()
    for _ in range(40):
        growing.add(20.0, 25.0)
        steady.add(20.0, 20.0)
    assert growing.value > 12.5
    assert steady.value == 0


def test_a_trend_without_a_queue_is_not_overuse() -> None:
    with_queue, without = OveruseDetector(), OveruseDetector()
    for step in range(5):
        with_queue.observe(20.0 + step, 20.0, queued=True)
        without.observe(20.0 + step, 20.0, queued=False)
    assert (with_queue.usage, without.usage) == ("over", "normal")


def test_the_queue_is_what_all_newest_packets_waited_beyond_the_fastest() -> None:
    queue = QueueDelay()
    queue.add([5.0], 0.0)
    queue.add([5.08, 5.1, 5.09, 5.11], 0.04)
    assert round(queue.value, 6) == 0.08
    assert round(queue.longest_s, 6) == 0.11


def test_a_queue_that_begins_after_a_long_rest_is_overuse() -> None:
    detector, now, delay = DelayDetector(), 0.0, 0.0
    for _ in range(50):
        now += 0.1
        rested = detector.keep([now, now + 0.033, now + 0.066], [now, now + 0.033, now + 0.066])
        assert rested == "normal"
    said = []
    for _ in range(3):
        now += 0.1
        sent = [now + part * 0.033 for part in range(3)]
        delay += 0.03
        arrived = [at + delay + part * 0.01 for part, at in enumerate(sent)]
        said.append(detector.observe(sent, arrived, queued=True))
    assert "over" in said


def test_what_arrives_is_never_more_than_what_was_sent() -> None:
    honest, squeezed = Throughput(), Throughput()
    honest.add(packets(40, 0.01, 0.02), after_gap=False)
    squeezed.add(packets(40, 0.01, 0.0001), after_gap=False)
    assert round(honest.bps() or 0) == 400_000
    assert round(squeezed.bps() or 0) == 800_000


def test_a_lost_feedback_does_not_look_like_a_slow_link() -> None:
    throughput = Throughput()
    throughput.add(packets(12, 0.01, 0.01), after_gap=False)
    throughput.add(packets(10, 0.01, 0.01, first=22), after_gap=True)
    assert 780_000 < (throughput.newest_bps() or 0) < 900_000
    assert 780_000 < (throughput.bps() or 0) < 900_000


def observe(bound: LossBound, loss: float, bps: float, now: float) -> None:
    size = round(bps * 0.25 / 8 * (1 - loss))
    bound.add(0, 0, 0, now)
    bound.add(round(100 * (1 - loss)), round(100 * loss), size, now + 0.25)


def test_much_loss_lowers_the_rate_by_half_of_it() -> None:
    bound = LossBound()
    observe(bound, 0.2, 1_000_000, 0.0)
    assert not bound.allows_growth
    assert bound.fall(0.1, 0.25) == 0.9
    assert bound.fall(0.1, 0.3) == 1.0  # not again at once


def test_loss_that_stays_when_less_is_sent_belongs_to_the_path() -> None:
    bound = LossBound()
    for step in range(12):
        observe(bound, 0.2, 1_000_000 if step < 6 else 600_000, step * 0.3)
    assert bound.inherent > 0.15
    assert bound.fall(0.1, 10.0) == 1.0


def test_loss_that_goes_when_less_is_sent_was_congestion() -> None:
    bound = LossBound()
    for step in range(12):
        observe(bound, 0.2 if step < 6 else 0.0, 1_000_000 if step < 6 else 700_000, step * 0.3)
    assert bound.inherent == 0


def test_the_rate_falls_below_what_arrives_and_grows_no_further_than_proven() -> None:
    rate = Rate(0.0)
    rate.overused(400_000, 1.0)
    assert rate.bps == BACKOFF * 400_000
    for step in range(200):
        rate.grow(400_000, 1.0 + step * 0.2)
    assert rate.bps <= 1.5 * 400_000 + 10_000
    rate.fall_to(1.0, 50.0)
    assert rate.bps == MIN_BPS


def run_probe(prober: Prober, cluster: ProbeCluster, now: float, arriving: float) -> None:
    """Send it at its rate; it arrives at `arriving` times that."""
    log, size = SendLog(), 250
    gap = size * 8 / cluster.rate_bps
    count = -(-cluster.size_bytes // size)
    for number in range(count):
        log.note(number, now + number * gap, size, cluster.id)
    numbers = range(count)
    sent = [now + number * gap for number in numbers]
    arrived = [5.0 + number * gap / arriving for number in numbers]
    news = Acknowledged(numbers, sent, arrived, [size] * count, [True] * count, is_ordered=True)
    result = prober.add(news, log)
    assert result is not None
    prober.finish(log, result, START_BPS, now + 0.2)


def test_a_probe_that_finds_room_is_followed_at_once_by_a_faster_one() -> None:
    prober = Prober(0.0)
    first = prober.next(START_BPS, 9e6, 0.0, 0.0)
    assert first is not None
    assert first.rate_bps == FIRST * START_BPS
    assert prober.next(START_BPS, 9e6, 0.0, 0.1) is None  # one at a time
    run_probe(prober, first, 0.0, arriving=1.0)
    second = prober.next(1_000_000, 9e6, 0.0, 0.2)
    assert second is not None
    assert second.rate_bps == FURTHER * 1_000_000


def test_a_probe_that_finds_nothing_makes_the_next_wait_longer() -> None:
    prober = Prober(0.0)
    cluster = prober.next(START_BPS, 9e6, 0.0, 0.0)
    assert cluster is not None
    run_probe(prober, cluster, 0.0, arriving=0.6)
    assert prober.next(START_BPS, 9e6, 0.0, INTERVAL_S) is None
    assert prober.next(START_BPS, 9e6, 0.0, 1.6 * INTERVAL_S) is not None


def test_a_probe_of_which_nothing_is_heard_ends_and_is_tried_again() -> None:
    prober, log = Prober(0.0), SendLog()
    assert prober.next(START_BPS, 9e6, 0.0, 0.0) is not None
    waits = []
    for now in (0.5, 1.2):
        prober.handle_timeout(log, 0.1, now)
        waits.append(prober.is_waiting)
    assert waits == [True, False]
    assert prober.next(START_BPS, 9e6, 0.0, 1.2 + AGAIN_S) is not None
