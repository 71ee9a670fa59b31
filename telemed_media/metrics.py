"""The counters of worker and front in Prometheus's text format.

The worker counts by itself and is asked at each scrape; names are `telemed_media_<counter>_total`.
A scrape while the worker is away shows `telemed_media_worker_up 0` and the front's part alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from sfu.api import Histogram, Stats
from sfu.core.counters import HELP
from sfu.core.stream.counters import EDGE_HELP

NAMESPACE = "telemed_media"
MEANINGS = HELP | EDGE_HELP
SIGNALING_NOW = frozenset({"rooms", "participants", "waiting", "connections"})  # may fall again


class Scrape(msgspec.Struct, frozen=True):
    """Everything that one scrape shows."""

    worker: Stats | None
    front_loop_lag: Histogram
    signaling: Mapping[str, int]
    dropped_log_fields: int
    certificate_seconds_left: float
    tcp_connections: int = 0
    tcp_refused: int = 0


class _Once(Collector):
    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def render(scrape: Scrape) -> bytes:
    """The text of one scrape."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Once([*_front(scrape), *_worker(scrape.worker)]))
    return generate_latest(registry)


def _front(scrape: Scrape) -> Iterable[Metric]:
    yield _histogram("front_loop_lag_seconds", "Delay of the front's loop", scrape.front_loop_lag)
    yield _gauge(
        "certificate_seconds_left",
        "Until the TLS certificate expires",
        scrape.certificate_seconds_left,
    )
    yield _gauge("tcp_connections", "TCP connections held", scrape.tcp_connections)
    yield _counter("tcp_refused", "TCP connections over the limits", scrape.tcp_refused)
    yield _counter("log_fields_dropped", "Fields kept out of the log", scrape.dropped_log_fields)
    for name, value in sorted(scrape.signaling.items()):
        made = _gauge if name in SIGNALING_NOW else _counter
        yield made(f"signaling_{name}", f"Signalling: {_readable(name)}", value)


def _worker(stats: Stats | None) -> Iterable[Metric]:
    yield _gauge("worker_up", "1 while the media worker answers", 0 if stats is None else 1)
    if stats is None:
        return
    yield _gauge("rooms", "Open rooms", stats.rooms)
    yield _gauge("peers", "Media connections", stats.peers)
    yield _histogram(
        "forwarding_delay_seconds", "From a packet's arrival to its sending", stats.forwarding_delay
    )
    yield _histogram("worker_loop_lag_seconds", "Delay of the worker's loop", stats.loop_lag)
    for name, value in sorted(stats.counters.items()):
        yield _counter(name, MEANINGS.get(name, _readable(name)), value)


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(f"{NAMESPACE}_{name}", meaning, value=value)


def _counter(name: str, meaning: str, value: int) -> Metric:
    return CounterMetricFamily(f"{NAMESPACE}_{name}", meaning, value=value)


def _histogram(name: str, meaning: str, found: Histogram) -> Metric:
    buckets = [
        *(
            (str(bound), float(count))
            for bound, count in zip(found.bounds_s, found.counts, strict=False)
        ),
        ("+Inf", float(found.count)),
    ]
    return HistogramMetricFamily(
        f"{NAMESPACE}_{name}", meaning, buckets=buckets, sum_value=found.sum_s
    )


def _readable(name: str) -> str:
    return name.replace("_", " ")
