"""The rate itself: it grows by a part per second and falls to a part of what arrives.

draft-ietf-rmcat-gcc-02 section 5.5, without its additive phase: a saw-tooth that passes the known
capacity within three seconds is how a link that became better is noticed.
"""

from __future__ import annotations

START_BPS = 700_000.0  # mediasoup 600, SMB 1200
MIN_BPS, MAX_BPS = 50_000.0, 30_000_000.0  # floor: Opus with its headers; jitsi-videobridge 20 M
GROWTH = 1.08  # per second; GCC 5.5: eta
BACKOFF = 0.85  # of what arrives; GCC 5.5: beta
UNPROVEN = 1.5  # times what arrives; GCC 5.5: growth ends there while the sender has less to send
UNPROVEN_EXTRA_BPS = 10_000.0  # libwebrtc AimdRateControl
MAX_INTERVAL_S = 1.0  # growth for at most this long at a time
CONFIRMED = 1.05  # times the capacity at the last fall: the link has become better


class Rate:
    """bit/s, always within MIN_BPS..MAX_BPS."""

    __slots__ = ("_grew_at", "bps", "capacity_bps", "fell_at")

    def __init__(self, now: float) -> None:
        self.bps = START_BPS
        self.capacity_bps: float | None = None  # what arrived when the path was last overused
        self.fell_at = -1e9
        self._grew_at = now

    def grow(self, arriving_bps: float, now: float) -> bool:
        """By what the time since the last step allows; True if that passed the known capacity."""
        interval = min(now - self._grew_at, MAX_INTERVAL_S)
        self._grew_at = now
        most = UNPROVEN * arriving_bps + UNPROVEN_EXTRA_BPS
        if self.bps < most:
            self.set(min(self.bps * GROWTH**interval, most))
        if self.capacity_bps is not None and arriving_bps > CONFIRMED * self.capacity_bps:
            self.capacity_bps = arriving_bps
            return True
        return False

    def hold(self, now: float) -> None:
        self._grew_at = now

    def overused(self, arriving_bps: float, now: float) -> None:
        """The path cannot carry what is sent: fall below what arrives."""
        self.capacity_bps = arriving_bps
        if BACKOFF * arriving_bps < self.bps:
            self.fall_to(BACKOFF * arriving_bps, now)

    def fall_to(self, bps: float, now: float) -> None:
        self.set(bps)
        self.fell_at = self._grew_at = now

    def set(self, bps: float) -> None:
        self.bps = min(max(bps, MIN_BPS), MAX_BPS)
