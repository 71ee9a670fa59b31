"""How fast packets arrive: the acknowledged rate, never taken for more than what was sent.

Bytes of the newest packets over the time they took to arrive, or over the time they took to be
sent if that was longer: a receiver that claims to have got everything at once gains nothing.
"""

from __future__ import annotations

from collections import deque

from sfu.core.estimation.sent_log import Acknowledged

WINDOW_S = 0.3  # libwebrtc: 0.5 s to begin with
SHORT_WINDOW_S, SHORT_PACKETS = 0.1, 5  # whichever is longer; libwebrtc: 0.15 s after the first
SHORT_BYTES = 2500  # fewer tell of single frames and not of a rate: 130 ms at 150 kbit/s
MAX_PACKETS = 1024
SHORTEST_S = 0.001  # that a burst takes
FORGET_AT = 256  # packets that are too old: taking away a few at a time would cost more
KEPT = 16  # feedbacks; browsers send one each 50 to 250 ms
MAX_SILENCE_S = 2.0  # between arrivals; a longer one begins anew, and so does a stepped clock


class Throughput:
    """Of the newest WINDOW_S of arrivals, on the receiver's clock.

    Times of which nothing is known, because a feedback was lost, count as not elapsed.
    """

    __slots__ = (
        "_arrived",
        "_arrived_offset",
        "_bytes",
        "_newest",
        "_oldest",
        "_sent",
        "_sent_offset",
        "_sizes",
        "_unread",
    )

    def __init__(self) -> None:
        self._unread: deque[tuple[Acknowledged, bool]] = deque()
        self._newest = -1  # number
        self._sent_offset = self._arrived_offset = 0.0
        self._clear()

    def _clear(self) -> None:
        self._sent: list[float] = []
        self._arrived: list[float] = []
        self._sizes: list[int] = []
        self._oldest = 0  # place of the first within the window
        self._bytes = 0  # from there on

    def add(self, news: Acknowledged, after_gap: bool) -> None:
        """Newly acknowledged packets; `after_gap`: those just before them were not reported.

        They are read when somebody asks, as long as they matter.
        """
        self._unread.append((news, after_gap))
        if len(self._unread) > KEPT:
            self._unread.popleft()
            self._unread[0] = self._unread[0][0], True

    def _catch_up(self) -> None:
        while self._unread:
            self._read(*self._unread.popleft())

    def _read(self, news: Acknowledged, after_gap: bool) -> None:
        sent, arrived, sizes = news.sent, news.arrived, news.sizes
        if not news.numbers:
            return
        if news.numbers[0] <= self._newest:  # a feedback that was overtaken, at least in part
            fresh = [place for place, n in enumerate(news.numbers) if n > self._newest]
            if not fresh:
                return
            sent, arrived, sizes = sent[fresh[0] :], arrived[fresh[0] :], sizes[fresh[0] :]
        self._newest = news.numbers[-1]
        if self._sent_offset:
            sent = [at - self._sent_offset for at in sent]
            arrived = [at - self._arrived_offset for at in arrived]
        if self._arrived:
            if abs(arrived[0] - self._arrived[-1]) > MAX_SILENCE_S:
                self._clear()
            elif after_gap:
                sent, arrived, sizes = self._close_up(sent, arrived, sizes)
        self._append(sent, arrived, sizes)

    def _close_up(
        self, sent: list[float], arrived: list[float], sizes: list[int]
    ) -> tuple[list[float], list[float], list[int]]:
        """As if the first had been sent and had arrived with the newest that is known."""
        sent_gap, arrived_gap = sent[0] - self._sent[-1], arrived[0] - self._arrived[-1]
        self._sent_offset += sent_gap
        self._arrived_offset += arrived_gap
        return (
            [at - sent_gap for at in sent],
            [at - arrived_gap for at in arrived],
            [0, *sizes[1:]],
        )

    def _append(self, sent: list[float], arrived: list[float], sizes: list[int]) -> None:
        self._sent += sent
        self._arrived += arrived
        self._sizes += sizes
        self._bytes += sum(sizes)
        first, start = self._oldest, arrived[-1] - WINDOW_S
        fewest = len(self._arrived) - MAX_PACKETS
        while self._arrived[first] < start or first < fewest:
            self._bytes -= self._sizes[first]
            first += 1
        self._oldest = first
        if first >= FORGET_AT:
            del self._sent[:first], self._arrived[:first], self._sizes[:first]
            self._oldest = 0

    def bps(self) -> float | None:
        """Bit/s over the whole window; None while too little has arrived."""
        self._catch_up()
        if len(self._arrived) - self._oldest < 2:
            return None
        span = self._span(self._oldest)
        if span < WINDOW_S / 3:
            return None
        return (self._bytes - self._sizes[self._oldest]) * 8 / span

    def newest_bps(self) -> float | None:
        """Bit/s of the newest packets only; for the moment in which a link became worse.

        By their arrivals alone: behind a queue they come as fast as the link lets them, though
        they were sent more slowly.
        """
        self._catch_up()
        total, count = 0, 0
        for place in range(len(self._arrived) - 1, self._oldest - 1, -1):
            span = self._arrived[-1] - self._arrived[place]
            if span >= SHORT_WINDOW_S and count >= SHORT_PACKETS and total >= SHORT_BYTES:
                return total * 8 / span
            total, count = total + self._sizes[place], count + 1
        return self.bps()

    def after_pause_bps(self, pause_s: float) -> float:
        """Bit/s of what came after the newest pause of `pause_s` or more; 0 where there was none.

        Without the packet that ended it: that may have been on its way for all of the pause.
        """
        self._catch_up()
        total, newest = 0, len(self._arrived) - 1
        for place in range(newest, 0, -1):
            if self._arrived[place] - self._arrived[place - 1] >= pause_s:
                return total * 8 / max(self._arrived[newest] - self._arrived[place], SHORTEST_S)
            total += self._sizes[place]
        return 0.0

    def _span(self, first: int) -> float:
        """From a packet to the newest one."""
        arrived, sent = self._arrived, self._sent
        return max(arrived[-1] - arrived[first], sent[-1] - sent[first])
