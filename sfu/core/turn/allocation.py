"""What an allocation holds: its owner, its relayed address, and which peers it may talk to.

Peers are media addresses of our own and nothing else, so there are few, and a permission for one is
only a time. Times are parameters (seconds of any clock).
"""

from __future__ import annotations

from collections import Counter

from sfu.core.turn.message import Address

LIFETIME_S = 600  # RFC 8656 section 3.2
PERMISSION_S = 300.0  # section 9
CHANNEL_S = 600.0  # section 12
FIRST_CHANNEL, LAST_CHANNEL = 0x4000, 0x4FFF  # section 12
ALLOCATIONS_EACH = 12  # LiveKit's quota; a browser makes one per interface and relay address


class Quota:
    """How many allocations each person has."""

    def __init__(self) -> None:
        self._held: Counter[str] = Counter()

    def take(self, person: str) -> bool:
        """Whether they may have one more."""
        if self._held[person] >= ALLOCATIONS_EACH:
            return False
        self._held[person] += 1
        return True

    def give_back(self, person: str) -> None:
        self._held[person] -= 1
        if not self._held[person]:
            del self._held[person]


class Allocation:
    """One client's; there is one to a TCP connection."""

    def __init__(self, username: str, person: str, relayed: Address, now: float) -> None:
        self.username = username
        self.person = person
        self.relayed = relayed
        self.expires_at = now + LIFETIME_S
        self._permitted: dict[str, float] = {}  # host → until
        self._channels: dict[int, tuple[Address, float]] = {}  # → peer, until
        self._numbers: dict[Address, int] = {}

    def permit(self, host: str, now: float) -> None:
        self._permitted[host] = now + PERMISSION_S

    def bind(self, number: int, peer: Address, now: float) -> bool:
        """Give the peer this channel; False where one of them is bound otherwise (section 12.2)."""
        held = self._channels.get(number)
        if held is not None and held[0] != peer and held[1] > now:
            return False
        other = self._numbers.get(peer, number)
        if other != number and self._channels[other][1] > now:
            return False
        self._channels.pop(other, None)
        if held is not None:
            self._numbers.pop(held[0], None)
        self._channels[number] = peer, now + CHANNEL_S
        self._numbers[peer] = number
        self.permit(peer.host, now)
        return True

    def may_reach(self, peer: Address, now: float) -> bool:
        return self._permitted.get(peer.host, 0.0) > now

    def peer_of(self, number: int, now: float) -> Address | None:
        """Whose channel it is; None where it is nobody's, or not permitted any more."""
        peer, until = self._channels.get(number, (None, 0.0))
        return peer if peer is not None and until > now and self.may_reach(peer, now) else None

    def channel_to(self, peer: Address, now: float) -> int | None:
        number = self._numbers.get(peer)
        return number if number is not None and self._channels[number][1] > now else None
