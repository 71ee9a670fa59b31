"""What one peer and one room may cost the worker: token buckets, time is a parameter.

Only what is authentic is charged, so that nobody can use up somebody else's share with forged
packets. The state is per peer and per room, never per address: a stranger has no entry in any table
here, and a hospital behind one address is not one client.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

import msgspec


class Rate(msgspec.Struct, frozen=True):
    """`burst` at once, `per_s` a second over time."""

    burst: float
    per_s: float


# Firefox starts a check each 20 ms while it gathers pairs, Chromium each 48 ms (measured).
CHECKS = Rate(burst=200, per_s=100)  # STUN checks of one peer that are answered
SENDS_OF_A_CHECK = 7  # RFC 8489 6.2.1: Rc, how often a client sends one transaction
TRANSACTIONS = 256  # remembered per peer: those of 2 s at the full rate
# A handshake has under 10 records with every repeat; afterwards only a goodbye comes.
DTLS = Rate(burst=100, per_s=50)  # DTLS datagrams of one peer, each some tens of µs of OpenSSL
# A full room comes back at once when the worker restarts, and once more if that fails.
JOINS = Rate(burst=40, per_s=2)  # new media connections of one room
UNFINISHED = 256  # connections of a worker without keys yet: 16 full rooms that come at once


class Bucket:
    """`take` says whether there was a token left."""

    __slots__ = ("_at", "_rate", "_tokens")

    def __init__(self, rate: Rate, now: float) -> None:
        self._rate = rate
        self._tokens = rate.burst
        self._at = now

    def take(self, now: float) -> bool:
        """Use one token at `now` (seconds)."""
        rate = self._rate
        if now > self._at:
            self._tokens = min(rate.burst, self._tokens + (now - self._at) * rate.per_s)
            self._at = now
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True


class CheckLimit:
    """Which authentic checks of one peer are answered.

    A recorded check is authentic for ever; answering each transaction only as often as its client
    may send it keeps a replay from using up the peer's share. Each belongs to the way by which it
    came first, because a client sends it again on the same way only (RFC 8489 section 6.2.1): a
    replay from elsewhere would draw the peer's media there.
    """

    __slots__ = ("_bucket", "_seen")

    def __init__(self, now: float) -> None:
        self._bucket = Bucket(CHECKS, now)
        self._seen: OrderedDict[bytes, tuple[Hashable, int]] = OrderedDict()  # → way, answers

    def allows(self, transaction: bytes, way: Hashable, now: float) -> bool:
        """Whether this sending of a transaction (its 12-byte id) may be answered."""
        first, times = self._seen.get(transaction, (way, 0))
        if first != way or times >= SENDS_OF_A_CHECK or not self._bucket.take(now):
            return False
        self._seen[transaction] = first, times + 1
        if len(self._seen) > TRANSACTIONS:
            self._seen.popitem(last=False)
        return True
