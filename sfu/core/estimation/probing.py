"""Probes: a short cluster of packets at a higher rate tells at once what growth would take long to.

Only while more is wanted than the estimate allows. One that finds room is followed at once by
another; one that finds none, or no more than the link is known to carry, makes the next wait
longer, up to 5 s. The result is the rate at which the whole cluster arrived, never more than the
rate at which it was sent.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

import msgspec

from sfu.core.estimation.sent_log import Acknowledged, SendLog

FIRST = 1.5  # times the estimate: where there is no room, the queue grows by 30 ms
FURTHER = 2.0  # after one that found room; libwebrtc: further_exponential_probe_scale
MARGIN = 1.25  # of what is wanted: no probe needs to be faster, nor is one believed to have been
INTERVAL_S = 3.0  # livekit-server: then × BACKOFF for each that found nothing
BACKOFF, MAX_INTERVAL_S = 1.5, 5.0
DURATION_S, MAX_DURATION_S = 0.060, 0.2
NARROW_BPS = 220_000.0  # here a probe takes the room of sound and picture
NEAR, NEWS = 0.75, 1.2  # times what the link is known to carry: between, growth finds it as soon
NOISES = 4.0
AGAIN_S = 0.5  # after one that found room and filled it, or of which too little was reported
MIN_BYTES = 1_500  # six packets of padding
GIVE_UP_S = 1.0  # plus the RTT: libwebrtc ProbeController: kMaxWaitingTimeForProbingResult
MIN_ARRIVED = 0.6  # of the cluster's packets; libwebrtc: 0.8, but radio links lose more
MIN_PACKETS = 4
SATURATED = 0.9  # of the sent rate; libwebrtc ProbeBitrateEstimator
UTILISATION = 0.95  # of what arrived through a link that was full; libwebrtc
USEFUL = 1.1  # times the estimate: a probe that found less found nothing


class ProbeCluster(msgspec.Struct, frozen=True):
    """Packets to be sent evenly at `rate_bps`, `size_bytes` of them, media included."""

    id: int  # what SendLog.note takes
    rate_bps: int
    size_bytes: int


class ProbeResult(msgspec.Struct, frozen=True):
    bps: float
    saturated: bool  # less came than was sent: that is what the link carries


_Arrival = tuple[float, float, int]  # sent at s, arrived at s, bytes
NOTHING = ProbeResult(0.0, saturated=False)


class Prober:
    """When to probe, and what the packets of a cluster tell."""

    __slots__ = (
        "_arrived",
        "_cluster",
        "_due_at",
        "_failures",
        "_found",
        "_last_id",
        "_started_at",
    )

    def __init__(self, now: float) -> None:
        self._cluster: ProbeCluster | None = None
        self._started_at = now
        self._arrived: list[_Arrival] = []
        self._due_at = now
        self._failures = 0
        self._found = False  # the last one found room
        self._last_id = 0

    @property
    def is_waiting(self) -> bool:
        """A cluster is under way."""
        return self._cluster is not None

    def next(
        self, estimate_bps: float, wanted_bps: float, noise_s: float, now: float
    ) -> ProbeCluster | None:
        """A cluster, long enough not to be mismeasured where delays vary by `noise_s`."""
        if self._cluster is not None or now < self._due_at or wanted_bps <= estimate_bps:
            return None
        factor = FURTHER if self._found else FIRST
        rate = min(factor * estimate_bps, MARGIN * wanted_bps)
        duration_s = min(max(DURATION_S, NOISES * noise_s), MAX_DURATION_S)
        self._last_id += 1
        size = max(MIN_BYTES, int(rate * duration_s / 8))
        self._cluster = ProbeCluster(self._last_id, int(rate), size)
        self._started_at = now
        self._arrived = []
        self._due_at = now + INTERVAL_S
        return self._cluster

    def hurry(self, now: float) -> None:
        """Something tells that there is more room: do not wait."""
        self._failures = 0
        self._due_at = min(self._due_at, now)

    def add(self, news: Acknowledged, log: SendLog) -> ProbeResult | None:
        """Newly acknowledged packets; the result once they pass the cluster's last one."""
        cluster = self._cluster
        span = log.spans.get(cluster.id) if cluster else None
        if cluster is None or span is None:
            return None
        numbers = news.numbers
        first, end = bisect_left(numbers, span.first), bisect_right(numbers, span.last)
        self._arrived += zip(
            news.sent[first:end], news.arrived[first:end], news.sizes[first:end], strict=True
        )
        if span.octets < cluster.size_bytes or not numbers or numbers[-1] < span.last:
            return None
        result = _measure(self._arrived, span.last - span.first + 1)
        most = MARGIN * cluster.rate_bps  # it may have left in a burst
        return result if result.bps <= most else ProbeResult(most, result.saturated)

    def finish(
        self,
        log: SendLog,
        result: ProbeResult,
        before_bps: float,
        now: float,
        known_bps: float = 0.0,
    ) -> None:
        """Its result, where the estimate was `before_bps`, the link's rate `known_bps`."""
        cluster, self._cluster = self._cluster, None
        if cluster is not None:
            log.forget(cluster.id)
        near = before_bps > NEAR * known_bps and result.bps < NEWS * known_bps
        known = near and known_bps < NARROW_BPS
        useful = result.bps > USEFUL * before_bps and not known
        self._found = useful and not result.saturated
        if useful:
            self._failures = 0
            self._due_at = now + (AGAIN_S if result.saturated else 0.0)
        elif result is NOTHING:
            self._due_at = now + AGAIN_S
        else:
            self._failures += 1
            self._due_at = now + min(INTERVAL_S * BACKOFF**self._failures, MAX_INTERVAL_S)

    def handle_timeout(self, log: SendLog, rtt_s: float, now: float) -> None:
        """A cluster that never was sent whole, or of which too little came."""
        if self._cluster is not None and now - self._started_at > GIVE_UP_S + rtt_s:
            self.finish(log, NOTHING, 0.0, now)


def _measure(arrived: list[_Arrival], count: int) -> ProbeResult:
    if len(arrived) < max(MIN_PACKETS, MIN_ARRIVED * count):
        return NOTHING
    by_arrival = sorted(arrived, key=lambda packet: packet[1])
    total = sum(packet[2] for packet in arrived)
    sent_s = arrived[-1][0] - arrived[0][0]
    arrived_s = by_arrival[-1][1] - by_arrival[0][1]
    if sent_s <= 0 or arrived_s <= 0:
        return NOTHING
    sent = (total - arrived[-1][2]) * 8 / sent_s
    came = (total - by_arrival[0][2]) * 8 / arrived_s
    saturated = came < SATURATED * sent
    return ProbeResult(UTILISATION * came if saturated else min(sent, came), saturated)
