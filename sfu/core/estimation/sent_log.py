"""What of one transport has been sent: number, time, size and probe of the newest packets.

A ring of arrays, written by the executor per packet; transport-wide feedback names packets by the
low 16 bits of their number, so a name means the newest packet that bears it. A packet is
acknowledged once; one that was reported lost may still be reported received (reordering). Names of
packets that were never sent, or are too old, mean nothing.

measured: 0.2 µs per `note`, 48 KB per transport.
"""

from __future__ import annotations

from array import array

import msgspec

from sfu.core.rtp.packets import TransportFeedback
from sfu.core.rtp.twcc import REFERENCE_US

CAPACITY = 2048  # packets, a power of two; 6 s at 3 Mbit/s
_MASK = CAPACITY - 1
_DONE = -(1 << 62)  # no packet, or acknowledged; the complement of a number: reported lost
_REFERENCE_BITS = 24
_REFERENCE_HALF = 1 << _REFERENCE_BITS - 1

Received = tuple[int, float, float, int, int]  # number, sent at s, arrived at s, bytes, cluster


class Span(msgspec.Struct, frozen=True):
    """The packets of a probe cluster."""

    first: int
    last: int
    octets: int


class Acknowledged(msgspec.Struct, frozen=True):
    """What one feedback newly said about packets that were sent."""

    received: list[Received]  # in the order of their numbers; arrivals on the receiver's clock
    lost: int  # of those that count for loss
    found: int  # reported lost before, and received after all; of those that count for loss


class SendLog:
    """Numbers are extended (they never wrap) and grow."""

    __slots__ = ("_at", "_clusters", "_numbers", "_reference", "_sizes", "highest", "spans")

    def __init__(self) -> None:
        self.highest = -1
        self.spans: dict[int, Span] = {}  # of probe clusters that are under way
        self._numbers = array("q", [_DONE]) * CAPACITY
        self._at = array("d", [0.0]) * CAPACITY
        self._sizes = array("I", [0]) * CAPACITY
        self._clusters = array("I", [0]) * CAPACITY
        self._reference: int | None = None  # of the newest feedback, extended

    def note(self, number: int, at: float, size: int, cluster: int = 0) -> None:
        """Packet `number` of `size` bytes left at `at` (s), of probe `cluster` if not 0."""
        slot = number & _MASK
        self._numbers[slot] = number
        self._at[slot] = at
        self._sizes[slot] = size
        self._clusters[slot] = cluster
        self.highest = number
        if cluster:
            before = self.spans.get(cluster, Span(number, number, 0))
            self.spans[cluster] = Span(before.first, number, before.octets + size)

    def acknowledge(self, feedback: TransportFeedback, after: int = -1) -> Acknowledged:
        """Take a feedback into account; what it repeats is left out.

        For loss count packets numbered above `after`, outside of probes.
        """
        arrival = self._extend(feedback.reference_time) * REFERENCE_US
        received: list[Received] = []
        lost = found = 0
        highest, numbers, clusters = self.highest, self._numbers, self._clusters
        for name, delta in feedback.arrivals:
            number = highest - (highest - name & 0xFFFF)
            slot = number & _MASK
            state = numbers[slot]
            if delta is None:
                if state == number:
                    numbers[slot] = ~number
                    lost += number > after and not clusters[slot]
                continue
            arrival += delta
            if state == number or state == ~number:
                found += state < 0 and number > after and not clusters[slot]
                numbers[slot] = _DONE
                received.append(
                    (
                        number,
                        self._at[slot],
                        arrival / 1e6,
                        self._sizes[slot],
                        clusters[slot],
                    )
                )
        return Acknowledged(received, lost, found)

    def forget(self, cluster: int) -> None:
        """The cluster's span is not needed any more."""
        self.spans.pop(cluster, None)

    def sent_bps(self, now: float, window_s: float) -> float:
        """The rate of what was sent in the last `window_s` and is still remembered, bit/s."""
        total = 0
        for number in range(self.highest, self.highest - CAPACITY, -1):
            slot = number & _MASK
            if self._at[slot] <= now - window_s or self._at[slot] > now:
                break
            total += self._sizes[slot]
        return total * 8 / window_s

    def _extend(self, reference: int) -> int:
        """The receiver's 24-bit clock as one that does not wrap (it does after 12 days)."""
        before = self._reference
        if before is not None:
            step = reference - before + _REFERENCE_HALF & (1 << _REFERENCE_BITS) - 1
            reference = before + step - _REFERENCE_HALF
        self._reference = reference
        return reference
