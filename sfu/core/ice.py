"""ICE-lite for one peer: which of its 5-tuples are valid and which one is sent to (RFC 8445 2.5).

Among 5-tuples validated by an authenticated check, media goes to the one that last carried
authenticated SRTP or SRTCP; before any media to the one that carried the DTLS handshake, so that a
check from elsewhere does not draw away a silent receiver's media; before that to the latest with
USE-CANDIDATE, else to the latest check (Chromium finishes DTLS before it nominates, Firefox
nominates every pair). A path without a check for `CONSENT_S` comes last. On a restart old and new
credentials are both valid until the new ones' path carries media.
"""

from __future__ import annotations

import enum
from typing import Generic, TypeVar

import msgspec

UNSTABLE_MEDIA_S = 3.0  # where media is expected
UNSTABLE_IDLE_S = 7.0  # Firefox checks consent every 4 to 6 s (measured)
LOST_S = 10.0
MAX_TUPLES = 16  # a client with 4 addresses on a server with 4; more make room for each other
CONSENT_S = 30.0  # RFC 7675 section 5.1

PathT = TypeVar("PathT")


class Credentials(msgspec.Struct, frozen=True):
    ufrag: str
    password: str


class Health(enum.Enum):
    GOOD = "good"
    UNSTABLE = "unstable"
    LOST = "lost"


class _Tuple:
    """One validated 5-tuple."""

    __slots__ = ("checked_at", "generation", "media_at", "nominated_at")

    def __init__(self) -> None:
        self.generation = 0
        self.checked_at = 0.0
        self.nominated_at = -1.0
        self.media_at = -1.0


class IceAgent(Generic[PathT]):
    """`PathT` is any hashable name of (socket, remote address)."""

    def __init__(self, local: Credentials, now: float) -> None:
        self.local = local
        self.previous: Credentials | None = None
        self.selected: PathT | None = None
        self.carrying: PathT | None = None  # tell `receive_media` of every other path's packets
        self.heard_at = now  # last authenticated packet of any kind
        self.checked_at = now
        self._generation = 0
        self._tuples: dict[PathT, _Tuple] = {}

    def restart(self, local: Credentials) -> None:
        """New credentials beside those that work; ones that were never used make room."""
        if self.previous is None:
            self.previous = self.local
        self.local = local
        self.carrying = None
        self._generation += 1

    def password_for(self, ufrag: str) -> str | None:
        """The key that a check for one of our user fragments must carry."""
        for credentials in (self.local, self.previous):
            if credentials is not None and credentials.ufrag == ufrag:
                return credentials.password
        return None

    def receive_check(self, path: PathT, ufrag: str, nominated: bool, now: float) -> list[PathT]:
        """An authenticated binding request; the paths that had to make room for it."""
        dropped = [] if path in self._tuples else self._make_room()
        entry = self._tuples.setdefault(path, _Tuple())
        entry.generation = self._generation if ufrag == self.local.ufrag else self._generation - 1
        entry.checked_at = self.checked_at = self.heard_at = now
        if nominated:
            entry.nominated_at = now
        self._select(now)
        return dropped

    def receive_media(self, path: PathT, now: float) -> None:
        """An authenticated SRTP or SRTCP packet came by a valid path."""
        self.heard_at = now
        entry = self._tuples.get(path)
        if entry is None:
            return
        entry.media_at = now
        if entry.generation == self._generation:
            self.previous = None
        if self.previous is None:
            self.carrying = path
        self._select(now)

    def drop(self, path: PathT) -> None:
        """The path does not exist any more (a TCP connection that ended)."""
        if self._tuples.pop(path, None) is None:
            return
        if self.carrying == path:
            self.carrying = None
        if self.selected == path:
            self._select(self.heard_at)

    def finish_handshake(self, now: float) -> None:
        """Both sides' flights of DTLS came through, ours by the selected path."""
        if self.selected is not None:
            self.receive_media(self.selected, now)

    def paths(self) -> list[PathT]:
        return list(self._tuples)

    def has_consent(self, now: float) -> bool:
        return now - self.checked_at <= CONSENT_S

    def health(self, now: float, media_expected: bool) -> Health:
        silent_s = now - self.heard_at
        if silent_s > LOST_S or not self.has_consent(now):
            return Health.LOST
        limit = UNSTABLE_MEDIA_S if media_expected else UNSTABLE_IDLE_S
        return Health.UNSTABLE if silent_s > limit else Health.GOOD

    def _make_room(self) -> list[PathT]:
        spare = [path for path in self._tuples if path != self.selected]
        if len(self._tuples) < MAX_TUPLES or not spare:
            return []
        oldest = min(spare, key=lambda path: self._tuples[path].checked_at)
        del self._tuples[oldest]
        if self.carrying == oldest:
            self.carrying = None
        return [oldest]

    def _select(self, now: float) -> None:
        def rank(path: PathT) -> tuple[bool, float, float, float]:
            entry = self._tuples[path]
            consented = now - entry.checked_at <= CONSENT_S
            return consented, entry.media_at, entry.nominated_at, entry.checked_at

        self.selected = max(self._tuples, key=rank, default=None)
