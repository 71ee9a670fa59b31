"""How fast packets arrive: the acknowledged rate, never taken for more than what was sent.

Bytes of the newest packets over the time they took to arrive, or over the time they took to be
sent if that was longer: a receiver that claims to have got everything at once gains nothing.
"""

from __future__ import annotations

from collections import deque

from sfu.core.estimation.sent_log import Received

WINDOW_S = 0.3  # libwebrtc: 0.5 s to begin with
SHORT_WINDOW_S, SHORT_PACKETS = 0.15, 5  # whichever is longer; libwebrtc: 0.15 s after the first
MAX_PACKETS = 1024


class Throughput:
    """Of the newest WINDOW_S of arrivals, on the receiver's clock."""

    __slots__ = ("_bytes", "_packets")

    def __init__(self) -> None:
        self._packets: deque[Received] = deque(maxlen=MAX_PACKETS)
        self._bytes = 0

    def add(self, received: list[Received]) -> None:
        """Newly acknowledged packets, in the order of their numbers."""
        packets = self._packets
        for packet in received:
            if packets and not packet[0] - packets[-1][0] >= 0:
                continue  # a feedback that was overtaken
            if packets and abs(packet[2] - packets[-1][2]) > 2:
                self._clear()  # silence, or the receiver's clock stepped
            if len(packets) == MAX_PACKETS:
                self._bytes -= packets.popleft()[3]
            packets.append(packet)
            self._bytes += packet[3]
        if packets:
            oldest = packets[-1][2] - WINDOW_S
            while packets[0][2] < oldest:
                self._bytes -= packets.popleft()[3]

    def bps(self) -> float | None:
        """Bit/s over the whole window; None while too little has arrived."""
        packets = self._packets
        if len(packets) < 2:
            return None
        span = _span(packets[0], packets[-1])
        if span < WINDOW_S / 3:
            return None
        return (self._bytes - packets[0][3]) * 8 / span

    def newest_bps(self) -> float | None:
        """Bit/s of the newest packets only; for the moment in which a link became worse."""
        packets = self._packets
        total, count = 0, 0
        for packet in reversed(packets):
            span = _span(packet, packets[-1])
            if span >= SHORT_WINDOW_S and count >= SHORT_PACKETS:
                return total * 8 / span
            total, count = total + packet[3], count + 1
        return self.bps()

    def _clear(self) -> None:
        self._packets.clear()
        self._bytes = 0


def _span(first: Received, last: Received) -> float:
    return max(last[2] - first[2], last[1] - first[1])
