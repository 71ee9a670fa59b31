"""How fast packets arrive: the acknowledged rate, never taken for more than what was sent.

Bytes of the newest packets over the time they took to arrive, or over the time they took to be
sent if that was longer: a receiver that claims to have got everything at once gains nothing.
"""

from __future__ import annotations

from collections import deque

from sfu.core.estimation.sent_log import Received

WINDOW_S = 0.3  # libwebrtc: 0.5 s to begin with
SHORT_WINDOW_S, SHORT_PACKETS = 0.1, 5  # whichever is longer; libwebrtc: 0.15 s after the first
SHORT_BYTES = 2500  # fewer tell of single frames and not of a rate: 130 ms at 150 kbit/s
MAX_PACKETS = 1024
MAX_SILENCE_S = 2.0  # between arrivals; a longer one begins anew, and so does a stepped clock


_Arrival = tuple[int, float, float, int]  # number, sent at, arrived at, bytes


class Throughput:
    """Of the newest WINDOW_S of arrivals, on the receiver's clock.

    Times of which nothing is known, because a feedback was lost, count as not elapsed.
    """

    __slots__ = ("_arrived_offset", "_bytes", "_packets", "_sent_offset")

    def __init__(self) -> None:
        self._packets: deque[_Arrival] = deque(maxlen=MAX_PACKETS)
        self._bytes = 0
        self._sent_offset = self._arrived_offset = 0.0

    def add(self, received: list[Received], after_gap: bool) -> None:
        """Newly acknowledged packets, in the order of their numbers; `after_gap`: those just before
        them were not reported.
        """
        packets = self._packets
        for number, sent, arrived, size, _ in received:
            sent, arrived = sent - self._sent_offset, arrived - self._arrived_offset
            if packets:
                last = packets[-1]
                if number <= last[0]:
                    continue  # a feedback that was overtaken
                if abs(arrived - last[2]) > MAX_SILENCE_S:
                    self._clear()
                elif after_gap:
                    self._sent_offset += sent - last[1]
                    self._arrived_offset += arrived - last[2]
                    sent, arrived, size = last[1], last[2], 0
            after_gap = False
            self._append((number, sent, arrived, size))
        if packets:
            oldest = packets[-1][2] - WINDOW_S
            while packets[0][2] < oldest:
                self._bytes -= packets.popleft()[3]

    def _append(self, packet: _Arrival) -> None:
        if len(self._packets) == MAX_PACKETS:
            self._bytes -= self._packets.popleft()[3]
        self._packets.append(packet)
        self._bytes += packet[3]

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
            if span >= SHORT_WINDOW_S and count >= SHORT_PACKETS and total >= SHORT_BYTES:
                return total * 8 / span
            total, count = total + packet[3], count + 1
        return self.bps()

    def _clear(self) -> None:
        self._packets.clear()
        self._bytes = 0


def _span(first: _Arrival, last: _Arrival) -> float:
    return max(last[2] - first[2], last[1] - first[1])
