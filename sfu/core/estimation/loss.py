"""Loss as a bound of the rate, unless sending less does not help.

draft-ietf-rmcat-gcc-02 section 6: above 10 % the rate falls by half the loss, below 2 % it may
grow, between it stays. But a radio link loses packets at any rate, and cutting the rate for that
would end at no video at all. So what is lost at low rates is set off against what is lost at high
ones: where sending a quarter less loses as much, the loss belongs to the path and is left out.
"""

from __future__ import annotations

from collections import deque

HIGH, LOW = 0.10, 0.02  # GCC section 6
OBSERVATION_S = 0.25
MIN_PACKETS = 10  # of an observation; until then it goes on
MAX_OBSERVATION_S = 1.0
REMEMBERED = 24  # observations: 6 s and more
SLOWER = 0.75  # of the highest rate, outliers left out: what was sent more slowly tells
ALIKE = 0.75  # of the loss at high rates: losing this much at low ones is no congestion
MIN_COMPARED = 4  # observations at low rates
PATIENCE_S = 0.3  # GCC section 6: not more often than this plus the RTT
MAX_INHERENT = 0.35  # a path that loses more is treated as congested


class LossBound:
    """Fed with counts of packets; says how much is lost for our own doing."""

    __slots__ = (
        "_bytes",
        "_clean",
        "_fell_at",
        "_lost",
        "_received",
        "_seen",
        "_started",
        "inherent",
        "loss",
    )

    def __init__(self) -> None:
        self.loss = 0.0  # of the newest observation
        self.inherent = 0.0  # the part of it that the path loses anyway
        self._seen: deque[tuple[float, float]] = deque(maxlen=REMEMBERED)  # bit/s sent, loss
        self._clean = 0  # newest observations without any loss
        self._fell_at = -1e9
        self.restart()

    def restart(self) -> None:
        """Begin a new observation with the next packets."""
        self._started: float | None = None
        self._received = self._lost = self._bytes = 0

    def add(self, received: int, lost: int, size: int, now: float) -> bool:
        """Packets that were reported, `size` bytes of them received; True if that completed an
        observation.
        """
        if self._started is None:
            self._started = now
        self._received += received
        self._lost = max(0, self._lost + lost)
        self._bytes += size
        total = self._received + self._lost
        elapsed = now - self._started
        if total == 0 or elapsed < OBSERVATION_S:
            return False
        if total < MIN_PACKETS and elapsed < MAX_OBSERVATION_S:
            return False
        self.loss = self._lost / total
        self._compare(self._bytes * 8 * total / max(1, self._received) / elapsed)
        self.restart()
        self._started = now
        return True

    def _compare(self, sent_bps: float) -> None:
        """What is lost at low rates anyway; where there were none, what was known counts on."""
        self._seen.append((sent_bps, self.loss))
        self._clean = 0 if self.loss else self._clean + 1
        if self._clean >= REMEMBERED:
            self.inherent = 0.0
            return
        fast = sorted(rate for rate, _ in self._seen)[-1 - len(self._seen) // 8]
        slow = [loss for rate, loss in self._seen if rate <= SLOWER * fast]
        others = [loss for rate, loss in self._seen if rate > SLOWER * fast]
        if len(slow) < MIN_COMPARED:
            newest = sum(loss for _, loss in self._seen) / len(self._seen)
            self.inherent = min(self.inherent, newest)
            return
        at_low, at_high = sum(slow) / len(slow), sum(others) / len(others)
        self.inherent = min(at_low, MAX_INHERENT) if at_low >= ALIKE * at_high else 0.0

    @property
    def excess(self) -> float:
        """The part of the newest loss that sending less would mend."""
        return max(0.0, self.loss - self.inherent)

    @property
    def allows_growth(self) -> bool:
        return self.excess < LOW + self.inherent / 2

    def fall(self, rtt_s: float, now: float) -> float:
        """By what the rate is to be multiplied now: 1 unless too much is lost."""
        excess = self.excess
        if excess <= HIGH + self.inherent / 2 or now - self._fell_at < PATIENCE_S + rtt_s:
            return 1.0
        self._fell_at = now
        return 1 - excess / 2
