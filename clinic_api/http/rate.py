"""A token bucket per client network: how often one address may knock at a door.

Pure: `now` is a parameter. A full bucket is forgotten, so memory is bounded by the clients of the
last `burst / per_s` seconds, and by `MAX_CLIENTS` under an attack from many addresses. An IPv6
customer has a /64, so that is one client.
"""

from __future__ import annotations

import ipaddress

import msgspec

MAX_CLIENTS = 10_000


class Rate(msgspec.Struct, frozen=True):
    """`burst` requests at once, `per_s` a second over time."""

    burst: float
    per_s: float


class Buckets:
    """The buckets of one door."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._levels: dict[str, tuple[float, float]] = {}  # client → (tokens, at)

    def __len__(self) -> int:
        return len(self._levels)

    def take(self, client: str, now: float) -> float:
        """Take one token; returns 0.0, or the seconds until there is one."""
        client = _network_of(client)
        tokens, at = self._levels.pop(client, (self._rate.burst, now))
        tokens = min(self._rate.burst, tokens + (now - at) * self._rate.per_s)
        if tokens < 1:
            self._put(client, tokens, now)
            return (1 - tokens) / self._rate.per_s
        self._put(client, tokens - 1, now)
        return 0.0

    def _put(self, client: str, tokens: float, now: float) -> None:
        self._levels[client] = (tokens, now)
        oldest = next(iter(self._levels))
        full_after_s = self._rate.burst / self._rate.per_s
        if len(self._levels) > MAX_CLIENTS or now - self._levels[oldest][1] > full_after_s:
            del self._levels[oldest]


def _network_of(client: str) -> str:
    if ":" not in client:
        return client
    try:
        return str(ipaddress.ip_network((client.partition("%")[0], 64), strict=False))
    except ValueError:
        return client
