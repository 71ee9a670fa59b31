"""What is loaded, and what became of a stretch of load."""

from __future__ import annotations

import msgspec

from bench.meter import Spent

SPARE = 4  # newcomers in a room, and those whose leaving is not yet through
PRODUCT_ROOM_SIZE = 16


class Shape(msgspec.Struct, frozen=True):
    """One room: who sends what, how many only receive."""

    sends: tuple[str, ...] = ("video",)  # kinds that each publisher sends
    publishers: int = 1
    subscribers: int = 10
    mutual: bool = False  # publishers receive one another

    @property
    def fanout(self) -> int:
        """Deliveries of each packet sent."""
        return self.subscribers + (self.publishers - 1 if self.mutual else 0)

    @property
    def room_size(self) -> int:
        """What the server must be told to admit, newcomers included; 0 where it does anyway."""
        people = self.publishers + self.subscribers
        return people + SPARE if people + SPARE > PRODUCT_ROOM_SIZE else 0


class Stretch(msgspec.Struct, frozen=True):
    """A load that was run."""

    seconds: float
    packets: int  # sent
    offered: int  # sent × fan-out
    delivered: int
    refused: int  # not taken by the kernel from the generator
    late_ms: float  # the latest burst
    spent: Spent
    joins_ms: tuple[float, ...]  # of the newcomers beside the load
    failed_joins: int

    @property
    def delivered_share(self) -> float:
        return self.delivered / self.offered if self.offered else 0.0

    @property
    def core_share(self) -> float:
        """Of one core, that the worker used."""
        return self.spent.worker / self.seconds

    @property
    def waited_share(self) -> float:
        """Of the time, for which the worker wanted a core that others had."""
        return self.spent.waited / self.seconds

    @property
    def busy_share(self) -> float:
        """Of the time, for which the worker had something to do."""
        return self.core_share + self.waited_share

    @property
    def cpu_us(self) -> float:
        """Of the worker for each delivered packet."""
        return self.spent.worker * 1e6 / max(1, self.delivered)
