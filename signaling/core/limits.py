"""Rate limits as token buckets in virtual time.

A connection has one bucket for all messages and smaller ones for what costs more. What a bucket
refuses is a strike; a client that goes on striking is hung up on.
"""

from __future__ import annotations

from signaling.core import messages as m
from signaling.core.settings import Rate, RoomSettings


class TokenBucket:
    """Refills steadily; `take` says whether there was a token left."""

    def __init__(self, rate: Rate, now: float) -> None:
        self._rate = rate
        self._tokens = float(rate.burst)
        self._at = now

    def take(self, now: float) -> bool:
        """Use one token at `now` (seconds); False when there is none."""
        elapsed_s = max(0.0, now - self._at)
        self._tokens = min(float(self._rate.burst), self._tokens + elapsed_s * self._rate.per_s)
        self._at = max(self._at, now)
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True

    def is_full(self, now: float) -> bool:
        """Whether forgetting this bucket would change nothing."""
        return self._tokens + (now - self._at) * self._rate.per_s >= self._rate.burst


class ConnectionLimits:
    """The buckets of one connection."""

    def __init__(self, settings: RoomSettings, now: float) -> None:
        self._messages = TokenBucket(settings.messages, now)
        self._strikes = TokenBucket(settings.strikes, now)
        self._costly: dict[type[m.Message], TokenBucket] = {
            m.Chat: TokenBucket(settings.chat, now),
            m.Offer: TokenBucket(settings.offers, now),
            m.Experience: TokenBucket(settings.experiences, now),
        }

    def allows(self, message: m.Message, now: float) -> bool:
        """Whether this message is within its limits."""
        if not self._messages.take(now):
            return False
        costly = self._costly.get(type(message))
        return costly is None or costly.take(now)

    def forgives(self, now: float) -> bool:
        """Note one strike; False when there were too many."""
        return self._strikes.take(now)
