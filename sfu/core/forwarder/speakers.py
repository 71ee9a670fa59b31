"""Who speaks: a participant whose packets are loud often enough (RFC 6464 levels, 0 loudest).

A packet counts as speech at −`THRESHOLD_DBOV` dBov or louder; a window of `WINDOW_S` is speech when
`SHARE` of its packets are (LiveKit's values).
"""

from __future__ import annotations

from dataclasses import dataclass, field

THRESHOLD_DBOV = 30
WINDOW_S = 0.5
SHARE = 0.4


@dataclass(slots=True)
class Loudness:
    """One microphone's current window."""

    packets: int = 0
    loud: int = 0
    level_sum: int = 0

    def hear(self, level_dbov: int) -> None:
        self.packets += 1
        if level_dbov <= THRESHOLD_DBOV:
            self.loud += 1
            self.level_sum += 127 - level_dbov


@dataclass(slots=True)
class Speakers:
    """One room's microphones."""

    loudness: dict[str, Loudness] = field(default_factory=dict)
    current: tuple[str, ...] = ()
    window_ends_at: float = 0.0

    def hear(self, peer: str, level_dbov: int) -> None:
        self.loudness.setdefault(peer, Loudness()).hear(level_dbov)

    def handle_timeout(self, now: float) -> tuple[str, ...] | None:
        """At the end of a window: the speakers, loudest first, if they changed."""
        if now < self.window_ends_at:
            return None
        self.window_ends_at = now + WINDOW_S
        speaking = [
            (loudness.level_sum / loudness.packets, peer)
            for peer, loudness in self.loudness.items()
            if loudness.packets and loudness.loud >= SHARE * loudness.packets
        ]
        self.loudness.clear()
        found = tuple(peer for _, peer in sorted(speaking, reverse=True))
        if found == self.current:
            return None
        self.current = found
        return found
