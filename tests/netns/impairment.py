"""What one direction of a link does to its packets: decisions only, no sockets and no clock.

A packet is taken in at `now`; copies come out when they are due. First the firewall decides
(firewall.py), then chance, from a seeded generator, then the rate limit with its queue, then
delay. Jitter keeps the order, as queues in real networks do; reordering is asked for by itself.
"""

from __future__ import annotations

import heapq
import random

import msgspec

from tests.netns.firewall import Passes

_HELD_BACK_S = 0.03  # what a reordered packet is late: longer than the 20 ms between audio packets


class Impairment(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One direction of a link; as it stands here it is a perfect one."""

    delay_s: float = 0.0
    jitter_s: float = 0.0  # delay varies evenly by as much to either side
    loss: float = 0.0  # share of packets
    burst: float = 0.0  # mean packets lost in a row; 0: each by itself
    rate_bps: float = 0.0  # bits of IP packets; 0: no limit
    queue_s: float = 0.2  # what waits before the limit at most; later packets are dropped
    reorder: float = 0.0  # share of packets that others overtake
    duplicate: float = 0.0  # share of packets that arrive twice
    passes: Passes = "everything"


PERFECT = Impairment()


class Counts(msgspec.Struct):
    """Packets of one direction since the link began."""

    taken: int = 0
    delivered: int = 0  # with duplicates
    lost: int = 0  # by chance
    overflowed: int = 0  # at the rate limit
    blocked: int = 0  # by the firewall


class Direction:
    """Packets on their way. Times are seconds of any one clock."""

    def __init__(self, seed: int) -> None:
        self.impairment = PERFECT
        self.counts = Counts()
        self._chance = random.Random(seed)
        self._heap: list[tuple[float, int, bytes]] = []
        self._number = 0
        self._in_burst = False
        self._sent_until = 0.0  # when the rate limit has sent what it has
        self._last_due = 0.0

    def take(self, packet: bytes, now: float) -> None:
        """Lose the packet or put it on its way."""
        self.counts.taken += 1
        if self._is_lost():
            self.counts.lost += 1
            return
        leaves = self._through_limit(len(packet), now)
        if leaves is None:
            self.counts.overflowed += 1
            return
        self._send(packet, leaves)
        if self._happens(self.impairment.duplicate):
            self._send(packet, leaves)

    def due(self, now: float) -> list[bytes]:
        """What arrives until `now`, in order of arrival."""
        arrived = []
        while self._heap and self._heap[0][0] <= now:
            arrived.append(heapq.heappop(self._heap)[2])
        self.counts.delivered += len(arrived)
        return arrived

    def next_due(self) -> float | None:
        return self._heap[0][0] if self._heap else None

    def _happens(self, share: float) -> bool:
        return share > 0 and self._chance.random() < share

    def _is_lost(self) -> bool:
        """Gilbert's model where losses come in bursts: two states, the bad one loses all."""
        loss, burst = self.impairment.loss, self.impairment.burst
        if burst <= 0 or loss >= 1:
            return self._happens(loss)
        leaves_bad, enters_bad = 1 / burst, loss / (burst * (1 - loss))
        self._in_burst = self._happens(1 - leaves_bad if self._in_burst else enters_bad)
        return self._in_burst

    def _through_limit(self, size: int, now: float) -> float | None:
        if not self.impairment.rate_bps:
            return now
        begins = max(self._sent_until, now)
        if begins - now > self.impairment.queue_s:
            return None
        self._sent_until = begins + size * 8 / self.impairment.rate_bps
        return self._sent_until

    def _send(self, packet: bytes, leaves: float) -> None:
        spread = self.impairment.jitter_s
        varied = self._chance.uniform(-spread, spread) if spread else 0.0
        due = leaves + max(0.0, self.impairment.delay_s + varied)
        if self._happens(self.impairment.reorder):
            due += _HELD_BACK_S
        else:
            due = self._last_due = max(due, self._last_due)
        self._number += 1
        heapq.heappush(self._heap, (due, self._number, packet))
