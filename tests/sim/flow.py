"""A sender that sends what the estimate allows over a bad network, as events in virtual time.

No media and no forwarder: packets are numbers and sizes, so that thousands of runs take seconds.
The receiver's clock is its own; it reports by transport-wide feedback as browsers do.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from functools import partial

import msgspec

from sfu.core.estimation.estimator import Estimator
from sfu.core.estimation.probing import ProbeCluster
from sfu.core.rtp import twcc
from sfu.core.rtp.packets import TransportFeedback
from tests.sim.network import Conditions, Link

PACKET_BYTES = 1200  # at most: a frame of 30 a second is one packet where it is small
MIN_PACKET_BYTES = 200
FRAME_S = 1 / 30
PROBE_BYTES = 240  # padding is 255 bytes at most
RECEIVER_CLOCK_S = 12_345.6789
SSRCS = (1, 1001)  # of a feedback


class Traffic(msgspec.Struct, frozen=True):
    """What is sent if there is room, and in what portions."""

    wanted_bps: float = 10_000_000.0
    in_frames: bool = False  # all of a frame at once; else evenly
    feedback_s: float = 0.1


class Flow:
    """Samples: (time, estimate) every `SAMPLE_S`."""

    SAMPLE_S = 0.05

    def __init__(
        self,
        seed: int,
        down: Sequence[tuple[float, Conditions]],
        up: Sequence[tuple[float, Conditions]] = ((0.0, Conditions()),),
        traffic: Traffic | None = None,
    ) -> None:
        self.now = 0.0
        self.estimator = Estimator(0.0)
        self.samples: list[tuple[float, float]] = []
        self.steps: list[tuple[float, float]] = []  # after each feedback
        self._traffic = traffic or Traffic()
        self._down, self._up = Link(seed, down), Link(seed + 1, up)
        self._number = 0
        self._arrivals: list[tuple[float, int]] = []  # at the receiver, a heap
        self._seen: set[int] = set()
        self._feedback_count = 0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = 0
        self.probes = 0
        self._probing_until = 0.0
        self._probe_id = 0
        self.estimator.set_wanted(self._traffic.wanted_bps, 0.0)
        self._at(0.0, self._send_next)
        self._at(self._traffic.feedback_s, self._report)
        self._at(0.0, self._sample)

    def run(self, until: float) -> None:
        events = self._events
        while events[0][0] <= until:
            self.now, _, act = heapq.heappop(events)
            act()
        self.now = until

    def _at(self, when: float, act: Callable[[], None]) -> None:
        self._order += 1
        heapq.heappush(self._events, (when, self._order, act))

    def _send_next(self) -> None:
        if self.now < self._probing_until:
            self._at(self._probing_until, self._send_next)
            return
        traffic = self._traffic
        rate = min(self.estimator.bitrate_bps, traffic.wanted_bps)
        frame = max(MIN_PACKET_BYTES, round(rate / 8 * FRAME_S))
        portion = frame if traffic.in_frames else min(frame, PACKET_BYTES)
        for at in range(0, portion, PACKET_BYTES):
            self._send(min(PACKET_BYTES, portion - at), 0)
        self._at(self.now + portion * 8 / rate, self._send_next)

    def _send(self, size: int, cluster: int) -> None:
        self._number += 1
        self.estimator.log.note(self._number, self.now, size, cluster)
        for arrival in self._down.send(size, self.now):
            heapq.heappush(self._arrivals, (arrival, self._number))

    def _cluster(self) -> int:
        """Of media that leaves now: it is part of the probe that is under way."""
        return self._probe_id if self.now < self._probing_until else 0

    def _probe(self, cluster: ProbeCluster, left: int) -> None:
        """All of the cluster; what it would otherwise send is part of that."""
        self._send(PROBE_BYTES, cluster.id)
        when = self._probing_until = self.now + PROBE_BYTES * 8 / cluster.rate_bps
        self._probe_id = cluster.id
        if left > PROBE_BYTES:
            self._at(when, lambda: self._probe(cluster, left - PROBE_BYTES))

    def _report(self) -> None:
        """The receiver's feedback on what has come since the last one."""
        came = []
        while self._arrivals and self._arrivals[0][0] <= self.now:
            arrival, number = heapq.heappop(self._arrivals)
            if number not in self._seen:
                self._seen.add(number)
                came.append((number, round((arrival + RECEIVER_CLOCK_S) * 1e6)))
        for feedback in twcc.report(came, *SSRCS, self._feedback_count) if came else ():
            self._feedback_count += 1
            for arrival in self._up.send(100, self.now):
                self._at(arrival, partial(self._receive, feedback))
        self._at(self.now + self._traffic.feedback_s, self._report)

    def _receive(self, feedback: TransportFeedback) -> None:
        self.estimator.receive_feedback(feedback, self.now)
        self.steps.append((self.now, self.estimator.bitrate_bps))

    def _sample(self) -> None:
        if len(self.samples) % 2 == 0:
            self.estimator.handle_timeout(self.now)
            cluster = self.estimator.next_probe(self.now)
            if cluster is not None:
                self.probes += 1
                self._probe(cluster, cluster.size_bytes)
        self.samples.append((self.now, self.estimator.bitrate_bps))
        self._at(self.now + self.SAMPLE_S, self._sample)

    def estimates(self, start: float, end: float) -> list[float]:
        return [bps for at, bps in self.samples if start <= at < end]
