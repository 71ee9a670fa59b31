"""What of one transport has been sent: time, size and fate of the newest packets.

A ring of arrays, written by the executor per packet; transport-wide feedback names packets by the
low 16 bits of their number, so a name means the newest packet that bears it. A packet is
acknowledged once; one that was reported lost may still be reported received (reordering). Names of
packets that were never sent, or are too old, mean nothing.

measured: 0.2 µs per `note`, 1.5 µs to acknowledge 12 packets that all came, 26 KB per transport.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import accumulate
from typing import cast

import msgspec

from sfu.core.rtp.packets import TransportFeedback
from sfu.core.rtp.twcc import REFERENCE_US, TICK_US

CAPACITY = 2048  # packets, a power of two; 6 s at 3 Mbit/s
_MASK = CAPACITY - 1
_GONE, _SENT, _LOST, _PROBE = 0, 1, 2, 4  # a packet's state; _PROBE beside one of the others
_TICK_S = TICK_US / 1e6
_REFERENCE_TICKS = REFERENCE_US // TICK_US
_REFERENCE_BITS = 24
_REFERENCE_HALF = 1 << _REFERENCE_BITS - 1


class Span(msgspec.Struct, frozen=True):
    """The packets of a probe cluster."""

    first: int
    last: int
    octets: int


class Acknowledged(msgspec.Struct, frozen=True):
    """What one feedback newly said: parallel lists about packets received, by their numbers."""

    numbers: Sequence[int]
    sent: list[float]  # s
    arrived: list[float]  # s, on the receiver's clock
    sizes: list[int]  # bytes
    probes: list[bool]  # of a cluster; empty if none is
    is_ordered: bool  # by arrival, too
    lost: int = 0  # outside of probes
    found: int = 0  # reported lost before, and received after all; outside of probes

    def regular(self, after: int) -> tuple[int, int]:
        """(packets, bytes) received of those numbered above `after`, outside of probes."""
        if not self.numbers or (not self.probes and self.numbers[0] > after):
            return len(self.numbers), sum(self.sizes)
        probes = self.probes or [False] * len(self.numbers)
        sizes = [
            size
            for number, size, probe in zip(self.numbers, self.sizes, probes, strict=True)
            if number > after and not probe
        ]
        return len(sizes), sum(sizes)

    def delays_of_probes(self) -> list[float]:
        """Arrival − sending of each, on the two clocks."""
        return [
            arrived - sent
            for sent, arrived, probe in zip(self.sent, self.arrived, self.probes, strict=True)
            if probe
        ]


class SendLog:
    """Numbers are extended (they never wrap) and grow."""

    __slots__ = ("_at", "_reference", "_sizes", "_states", "highest", "spans")

    def __init__(self) -> None:
        self.highest = -1
        self.spans: dict[int, Span] = {}  # of probe clusters that are under way
        self._states = bytearray(CAPACITY)
        self._at = array("d", [0.0]) * CAPACITY
        self._sizes = array("I", [0]) * CAPACITY
        self._reference: int | None = None  # of the newest feedback, extended

    def note(self, number: int, at: float, size: int, cluster: int = 0) -> None:
        """Packet `number` of `size` bytes left at `at` (s), of probe `cluster` if not 0."""
        slot = number & _MASK
        if number != self.highest + 1:
            self._skip(number)
        self._states[slot] = _SENT
        self._at[slot] = at
        self._sizes[slot] = size
        self.highest = number
        if cluster:
            self._states[slot] = _SENT | _PROBE
            before = self.spans.get(cluster, Span(number, number, 0))
            self.spans[cluster] = Span(before.first, number, before.octets + size)

    def _skip(self, number: int) -> None:
        """The numbers before this one were not sent."""
        for missing in range(max(self.highest + 1, number - CAPACITY), number):
            self._states[missing & _MASK] = _GONE

    def acknowledge(self, feedback: TransportFeedback, after: int = -1) -> Acknowledged:
        """Take a feedback into account; what it repeats is left out.

        For loss count packets numbered above `after`, outside of probes.
        """
        tick = self._extend(feedback.reference_time) * _REFERENCE_TICKS
        deltas = feedback.deltas
        first = self.highest - (self.highest - feedback.base_seq & 0xFFFF)
        start, count = first & _MASK, len(deltas)
        end = start + count
        if (
            first > self.highest - CAPACITY
            and first + count - 1 <= self.highest
            and 0 < count == self._states.count(_SENT, start, end)
            and None not in deltas
        ):
            return self._all_came(first, start, end, tick, deltas)
        return self._some_came(first, tick, deltas, after)

    def _all_came(
        self, first: int, start: int, end: int, tick: int, deltas: tuple[int | None, ...]
    ) -> Acknowledged:
        """All packets from `first` on, none of them heard of before, none of a probe."""
        self._states[start:end] = bytes(end - start)
        came = cast("tuple[int, ...]", deltas)
        ticks = accumulate(came, initial=tick)
        next(ticks)
        return Acknowledged(
            range(first, first + end - start),
            self._at[start:end].tolist(),
            [at * _TICK_S for at in ticks],
            self._sizes[start:end].tolist(),
            [],
            min(came) >= 0,
        )

    def _some_came(
        self, first: int, tick: int, deltas: tuple[int | None, ...], after: int
    ) -> Acknowledged:
        numbers: list[int] = []
        sent: list[float] = []
        arrived: list[float] = []
        sizes: list[int] = []
        probes: list[bool] = []
        lost = found = 0
        oldest, highest, states = self.highest - CAPACITY, self.highest, self._states
        for number, delta in enumerate(deltas, first):
            slot = number & _MASK
            state = states[slot] if oldest < number <= highest else _GONE
            regular = number > after and not state & _PROBE
            if delta is None:
                if state & _SENT:
                    states[slot] = _LOST | state & _PROBE
                    lost += regular
                continue
            tick += delta
            if state & (_SENT | _LOST):
                found += regular and bool(state & _LOST)
                states[slot] = _GONE
                numbers.append(number)
                sent.append(self._at[slot])
                arrived.append(tick * _TICK_S)
                sizes.append(self._sizes[slot])
                probes.append(bool(state & _PROBE))
        if True not in probes:
            probes = []
        is_ordered = arrived == sorted(arrived)
        return Acknowledged(numbers, sent, arrived, sizes, probes, is_ordered, lost, found)

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
