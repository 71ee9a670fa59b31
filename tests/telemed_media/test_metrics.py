"""The text that Prometheus reads."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from sfu.api import Histogram, Stats
from telemed_media.loop_lag import LoopLag
from telemed_media.metrics import Scrape, render

DELAY = Histogram(bounds_s=(0.001, 0.01), counts=(5, 7), sum_s=0.02, count=8)
QUIET = Histogram(bounds_s=(0.001,), counts=(0,), sum_s=0.0, count=0)


def samples(worker: Stats | None) -> dict[tuple[str, str], float]:
    text = render(
        Scrape(
            worker=worker,
            front_loop_lag=QUIET,
            signaling={"rooms": 1, "hellos": 4},
            dropped_log_fields=2,
            certificate_seconds_left=86400.0,
        )
    ).decode()
    return {
        (sample.name.removeprefix("telemed_media_"), sample.labels.get("le", "")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_the_workers_counters_and_histograms_are_shown() -> None:
    found = samples(Stats(1, 2, {"packets_in": 100}, DELAY, QUIET))
    assert found["worker_up", ""] == 1
    assert (found["rooms", ""], found["peers", ""]) == (1, 2)
    assert found["packets_in_total", ""] == 100
    assert [found["forwarding_delay_seconds_bucket", le] for le in ("0.001", "0.01", "+Inf")] == [
        5, 7, 8,
    ]  # fmt: skip


def test_without_a_worker_the_fronts_part_remains() -> None:
    found = samples(None)
    assert found["worker_up", ""] == 0
    assert found["signaling_hellos_total", ""] == 4
    assert found["signaling_rooms", ""] == 1  # a gauge: it falls again
    assert found["certificate_seconds_left", ""] == 86400
    assert ("packets_in_total", "") not in found


def test_loop_lag_counts_are_cumulative() -> None:
    lag = LoopLag()
    for seconds in (0.0, 0.001, 0.004, 9.0):
        lag.record(seconds)
    found = lag.histogram()
    assert found.counts[:3] == (2, 2, 3)
    assert (found.counts[-1], found.count) == (3, 4)
