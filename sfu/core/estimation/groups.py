"""Packets sent together are one group; the delay between groups is what congestion changes.

draft-ietf-rmcat-gcc-02 section 5.2: d = (arrival difference) − (send difference) of two successive
groups. A group holds what was sent within 5 ms, and what arrived in one burst behind it.
"""

from __future__ import annotations

GROUP_S = 0.005  # draft-ietf-rmcat-gcc-02 5.2: burst_time
BURST_ARRIVAL_S = 0.005  # libwebrtc InterArrivalDelta: packets that a link let through at once
MAX_BURST_S = 0.1  # libwebrtc InterArrivalDelta
MAX_STEP_S = 3.0  # libwebrtc InterArrivalDelta: more is a stepped clock
MAX_REORDERED = 3  # groups; libwebrtc InterArrivalDelta


class Group:
    __slots__ = ("first_arrival", "first_sent", "last_arrival", "last_sent")

    def __init__(self, sent: float, arrival: float) -> None:
        self.first_sent = self.last_sent = sent
        self.first_arrival = self.last_arrival = arrival

    def takes(self, sent: float, arrival: float) -> bool:
        if sent - self.first_sent <= GROUP_S:
            return True
        gap = arrival - self.last_arrival
        return (
            gap <= BURST_ARRIVAL_S
            and gap < sent - self.last_sent
            and arrival - self.first_arrival < MAX_BURST_S
        )

    def add(self, sent: float, arrival: float) -> None:
        self.last_sent = max(self.last_sent, sent)
        self.last_arrival = max(self.last_arrival, arrival)


class Groups:
    """Turns packets into (send difference, arrival difference) of complete groups, seconds."""

    __slots__ = ("_current", "_previous", "_reordered")

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self._previous: Group | None = None
        self._current: Group | None = None
        self._reordered = 0

    def add(self, sent: float, arrival: float) -> tuple[float, float] | None:
        """A packet in the order of sending; the differences once they are known."""
        current = self._current
        if current is None:
            self._current = Group(sent, arrival)
            return None
        if sent < current.first_sent:
            return None
        if current.takes(sent, arrival):
            current.add(sent, arrival)
            return None
        differences = self._differences()
        if self._current is not None:
            self._previous = self._current
        self._current = Group(sent, arrival)
        return differences

    def _differences(self) -> tuple[float, float] | None:
        previous, current = self._previous, self._current
        if previous is None or current is None:
            return None
        sent = current.last_sent - previous.last_sent
        arrived = current.last_arrival - previous.last_arrival
        if abs(arrived - sent) > MAX_STEP_S:
            self._clear()
            return None
        if arrived < 0:
            self._reordered += 1
            if self._reordered >= MAX_REORDERED:
                self._clear()
            return None
        self._reordered = 0
        return sent, arrived
