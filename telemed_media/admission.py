"""How many TCP connections the door holds, in all and from one client network.

Pure counting. A reverse proxy carries everybody's connections on its own address, so trusted
proxies count in all only; they limit their own clients. IPv6 customers get a /64, not an address.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_PER_NETWORK = 500  # a clinic of 50 behind one address, each with 6 to a page and a WebSocket
MAX_CONNECTIONS = 4000  # TLS connections at about 60 KiB each (measured): 240 MB
SPARE_FILES = 100  # descriptors kept for the database, the worker and static files


class Admission:
    """`enter` when a connection comes, `leave` when one that was let in has ended."""

    def __init__(self, trusted: Iterable[str], max_files: int) -> None:
        """`max_files` is how many descriptors the process may open."""
        self._trusted = tuple(ipaddress.ip_network(text, strict=False) for text in trusted)
        self._most = max(1, min(MAX_CONNECTIONS, max_files - SPARE_FILES))
        self._held: Counter[str] = Counter()
        self.held = 0
        self.refused = 0

    @property
    def networks(self) -> int:
        """How many client networks have connections now."""
        return len(self._held)

    def enter(self, address: str) -> bool:
        """Whether one more connection of this address (a literal) is let in."""
        network, limited = self._network_of(address)
        if self.held >= self._most or (limited and self._held[network] >= MAX_PER_NETWORK):
            self.refused += 1
            return False
        self._held[network] += 1
        self.held += 1
        return True

    def leave(self, address: str) -> None:
        network, _ = self._network_of(address)
        self.held -= 1
        self._held[network] -= 1
        if not self._held[network]:
            del self._held[network]

    def _network_of(self, address: str) -> tuple[str, bool]:
        """What is counted together, and whether it is limited by itself."""
        parsed: Address = ipaddress.ip_address(address.partition("%")[0])
        if isinstance(parsed, ipaddress.IPv6Address):
            parsed = parsed.ipv4_mapped or parsed
        limited = not any(parsed in network for network in self._trusted)
        if parsed.version == 4:
            return str(parsed), limited
        return str(ipaddress.ip_network((parsed, 64), strict=False)), limited
