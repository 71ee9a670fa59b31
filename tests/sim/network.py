"""A bad network in virtual time: one direction of a path, seeded, without any step of the clock.

A `Link` says when each datagram that enters it comes out: a bottleneck with a drop-tail queue, a
delay, jitter that keeps the order, packets that are overtaken or doubled, and loss, random or in
bursts (Gilbert-Elliott). Conditions may change at given times. A `Mailbox` keeps what is under way.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Sequence

import msgspec


class Bursts(msgspec.Struct, frozen=True):
    """Gilbert-Elliott: chances per datagram; in the bad state `loss` of them are lost."""

    begin: float
    end: float
    loss: float = 1.0


class Conditions(msgspec.Struct, frozen=True):
    """What a link is like from some moment on. Chances are per datagram."""

    rate_bps: float = 0.0  # 0: no limit
    queue_s: float = 0.3  # the longest wait for the bottleneck; more is dropped
    delay_s: float = 0.025
    jitter_s: float = 0.0  # up to so much more, evenly spread
    loss: float = 0.0
    bursts: Bursts | None = None
    reordered: float = 0.0
    reordered_by_s: float = 0.03
    duplicated: float = 0.0


class Link:
    """One direction. `changes`: (time, conditions) in order, the first from the beginning on."""

    def __init__(self, seed: int, changes: Sequence[tuple[float, Conditions]]) -> None:
        self._random = random.Random(seed)
        self._changes = list(changes)
        self.now = self._changes.pop(0)[1]
        self._free_at = 0.0
        self._last = 0.0
        self._bad = False
        self.dropped = 0

    def send(self, size: int, at: float) -> list[float]:
        """When a datagram of `size` bytes comes out: never, once or twice."""
        while self._changes and self._changes[0][0] <= at:
            self.now = self._changes.pop(0)[1]
        link, chance = self.now, self._random.random
        leaves = at
        if link.rate_bps:
            starts = max(at, self._free_at)
            if starts - at > link.queue_s:
                self.dropped += 1
                return []
            leaves = self._free_at = starts + size * 8 / link.rate_bps
        if self._is_lost(link):
            return []
        arrives = leaves + link.delay_s
        if link.jitter_s:
            arrives += link.jitter_s * chance()
        if link.reordered and chance() < link.reordered:
            arrives += link.reordered_by_s * chance()
        else:
            arrives = self._last = max(arrives, self._last)
        twice = link.duplicated and chance() < link.duplicated
        return [arrives, arrives + 0.001] if twice else [arrives]

    def _is_lost(self, link: Conditions) -> bool:
        chance = self._random.random
        if link.bursts is not None:
            self._bad = chance() >= link.bursts.end if self._bad else chance() < link.bursts.begin
            if self._bad and chance() < link.bursts.loss:
                return True
        return link.loss > 0 and chance() < link.loss


class Mailbox:
    """Datagrams under way over one link, in the order of their arrival."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self._waiting: list[tuple[float, int, bytes]] = []
        self._count = 0

    def post(self, data: bytes, at: float) -> None:
        for arrival in self.link.send(len(data), at):
            self._count += 1
            heapq.heappush(self._waiting, (arrival, self._count, data))

    def collect(self, until: float) -> list[tuple[float, bytes]]:
        """(arrival, datagram) of everything that has arrived."""
        found = []
        while self._waiting and self._waiting[0][0] <= until:
            arrival, _, data = heapq.heappop(self._waiting)
            found.append((arrival, data))
        return found
