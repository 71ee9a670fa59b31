"""A publisher whose link does not carry sound and picture: the picture stops, and sound goes on.

Browsers lower the rate of video only to a floor and never that of sound. So where sound is lost and
waits in a queue while little video comes, the publisher is told to encode no camera at all: soon
where the link carries too little for both, later where the browser may still come to its rate (a
link that has just become slow has a queue to empty first). A path that only loses packets has no
queue. If sound is lost as much without the camera, that comes back
and is left alone for a while.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

LOST = 0.08  # of sound: what repair and concealment still hide well (media.md)
WINDOW_S = 1.0
BOTH_BPS = 100_000.0  # with all headers: sound at 20 kbit/s takes 50, the least of a picture 40
NARROW_LOST, NARROW_BPS = 0.02, 220_000.0  # of sound; of all: then few bits are to be spent
PATIENCE, LONG_PATIENCE = 2, 8  # windows in a row: where less comes than BOTH_BPS; where more does
QUEUED_S = 0.08  # round trip time beyond the shortest; browsers fill a slow link's queue
SLOW_BPS = 70_000.0  # more video than this is no floor (30 kbit/s): the browser can still send less
JUDGED = 3  # windows after the pause: its queue is empty then
FIRST_HOLD_S, MAX_HOLD_S = 10.0, 60.0  # each pause that follows another soon is twice as long
SOON_S = 20.0  # after the camera came back
IMMUNE_S = 60.0


class Counts(msgspec.Struct, frozen=True):
    """Since the beginning."""

    expected: int  # packets of sound
    received: int  # of these
    carried: int  # bytes of everything that came, all headers included


NONE = Counts(0, 0, 0)


@dataclass(slots=True)
class Uplink:
    """One publisher's."""

    paused: bool = False
    is_full: bool = False  # sound waits and is lost: what is sent again takes its room
    is_narrow: bool = False  # sound waits, some is lost, and little comes in all
    _before: Counts = NONE
    _window_at: float | None = None
    _least_rtt_s: float = 10.0
    _bad: int = 0
    _lost_before: float = 0.0
    _paused_at: float = 0.0
    _hold_s: float = FIRST_HOLD_S
    _resumed_at: float = -1e9
    _immune_until: float = -1e9
    _windows: int = 0

    def observe(self, counts: Counts, rtt_s: float, video_bps: float, now: float) -> None:
        """What came, the round trip, and the video that comes; told a few times a second."""
        self._least_rtt_s = min(self._least_rtt_s, rtt_s)
        if self._window_at is None:
            self._window_at, self._before = now, counts
        elapsed = now - self._window_at
        if elapsed < WINDOW_S:
            return
        before, self._before, self._window_at = self._before, counts, now
        due, came = counts.expected - before.expected, counts.received - before.received
        carried_bps = (counts.carried - before.carried) * 8 / elapsed
        lost = max(0.0, 1 - came / due) if due > 0 else 0.0
        waits = rtt_s - self._least_rtt_s >= QUEUED_S
        self.is_narrow = waits and lost >= NARROW_LOST and carried_bps < NARROW_BPS
        full = lost >= LOST and waits
        self.is_full = full or self.paused
        if self.paused:
            self._judge(lost, now)
        else:
            patience = PATIENCE if carried_bps < BOTH_BPS else LONG_PATIENCE
            self._suspect(full and 0 < video_bps < SLOW_BPS, patience, lost, now)

    def _suspect(self, slow: bool, patience: int, lost: float, now: float) -> None:
        self._bad = self._bad + 1 if slow and now >= self._immune_until else 0
        if self._bad < patience:
            return
        again = now - self._resumed_at < SOON_S
        self._hold_s = min(MAX_HOLD_S, 2 * self._hold_s) if again else FIRST_HOLD_S
        self.paused, self._paused_at, self._lost_before = True, now, lost
        self._bad = self._windows = 0

    def _judge(self, lost: float, now: float) -> None:
        self._windows += 1
        if self._windows == JUDGED and lost > self._lost_before / 2:
            self._immune_until = now + IMMUNE_S
        elif now - self._paused_at < self._hold_s:
            return
        self.paused, self._resumed_at = False, now
