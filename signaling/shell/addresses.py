"""How often one client address may say hello. An IPv6 customer is a /64, not an address."""

from __future__ import annotations

import ipaddress

from signaling.core.limits import TokenBucket
from signaling.core.settings import CallSettings


class HelloLimits:
    """One token bucket per address, forgotten when it is full again."""

    def __init__(self, settings: CallSettings) -> None:
        self._settings = settings
        self._buckets: dict[str, TokenBucket] = {}

    def allows(self, address: str, now: float) -> bool:
        """Whether this address may say hello once more at `now` (seconds)."""
        key = _network_of(address)
        bucket = self._buckets.get(key)
        if bucket is None:
            self._make_room(now)
            bucket = self._buckets[key] = TokenBucket(self._settings.hellos, now)
        return bucket.take(now)

    def _make_room(self, now: float) -> None:
        if len(self._buckets) < self._settings.max_addresses:
            return
        self._buckets = {
            key: bucket for key, bucket in self._buckets.items() if not bucket.is_full(now)
        }
        while len(self._buckets) >= self._settings.max_addresses:
            del self._buckets[next(iter(self._buckets))]


def _network_of(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.version == 4:
        return str(parsed)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
