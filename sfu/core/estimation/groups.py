"""Packets sent together are one group; the delay between groups is what congestion changes.

draft-ietf-rmcat-gcc-02 section 5.2: d = (arrival difference) − (send difference) of two successive
groups. A group holds what was sent within 5 ms, and what arrived in one burst behind it.
"""

from __future__ import annotations

from collections.abc import Sequence

GROUP_S = 0.005  # draft-ietf-rmcat-gcc-02 5.2: burst_time
BURST_ARRIVAL_S = 0.005  # libwebrtc InterArrivalDelta: packets that a link let through at once
MAX_BURST_S = 0.1  # libwebrtc InterArrivalDelta
MAX_STEP_S = 3.0  # libwebrtc InterArrivalDelta: more is a stepped clock
MAX_REORDERED = 3  # groups; libwebrtc InterArrivalDelta


class Groups:
    """Turns packets into (send difference, arrival difference) of complete groups, seconds."""

    __slots__ = (
        "_first_arrival",
        "_first_sent",
        "_is_open",
        "_last_arrival",
        "_last_sent",
        "_previous",
        "_reordered",
    )

    def __init__(self) -> None:
        self._previous: tuple[float, float] | None = None  # last sent, last arrival
        self._reordered = 0
        self._is_open = False  # there is a group that packets are added to
        self._first_sent = self._first_arrival = self._last_sent = self._last_arrival = 0.0

    def add(self, sent: Sequence[float], arrived: Sequence[float]) -> list[tuple[float, float]]:
        """Packets in the order of sending; the differences that are known by them."""
        found: list[tuple[float, float]] = []
        if not sent:
            return found
        if not self._is_open:
            self._open(sent[0], arrived[0])
        first_sent, last_sent, last_arrival = self._first_sent, self._last_sent, self._last_arrival
        for departure, arrival in zip(sent, arrived, strict=True):
            since = departure - first_sent
            if since < 0:
                continue
            if since <= GROUP_S or (
                arrival - last_arrival <= BURST_ARRIVAL_S
                and arrival - last_arrival < departure - last_sent
                and arrival - self._first_arrival < MAX_BURST_S
            ):
                if departure > last_sent:
                    last_sent = departure
                if arrival > last_arrival:
                    last_arrival = arrival
                continue
            difference = self._close(last_sent, last_arrival)
            if difference is not None:
                found.append(difference)
            self._open(departure, arrival)
            first_sent, last_sent, last_arrival = departure, departure, arrival
        self._last_sent, self._last_arrival = last_sent, last_arrival
        return found

    def _open(self, sent: float, arrival: float) -> None:
        self._is_open = True
        self._first_sent = self._last_sent = sent
        self._first_arrival = self._last_arrival = arrival

    def _close(self, last_sent: float, last_arrival: float) -> tuple[float, float] | None:
        """The difference of a complete group to the one before it, unless that says nothing."""
        previous, self._previous = self._previous, (last_sent, last_arrival)
        if previous is None:
            return None
        sent, arrived = last_sent - previous[0], last_arrival - previous[1]
        if abs(arrived - sent) > MAX_STEP_S:
            self._previous, self._reordered = None, 0
            return None
        if arrived < 0:
            self._reordered += 1
            if self._reordered >= MAX_REORDERED:
                self._previous, self._reordered = None, 0
            return None
        self._reordered = 0
        return sent, arrived
