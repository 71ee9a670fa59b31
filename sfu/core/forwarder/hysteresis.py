"""Fall fast, climb slow: when a subscriber's allocation may rise, and when a picture may be paused.

The first rise needs no patience; each that follows a fall does, and twice as much if the rise
before had to be taken back soon. To lose a picture is much worse than to lose a layer, so where it
nearly fits it stays for a moment: one wrong estimate must not darken a screen.
"""

from __future__ import annotations

from dataclasses import dataclass

FIRST_PATIENCE_S = 1.0  # of room before a rise that follows a fall
MAX_PATIENCE_S = 6.0
REGRETTED_S = 5.0  # a rise that is taken back within this time doubles the patience
CALM_S = 30.0  # without a fall for so long nothing is held against a rise
TIGHT_S = 1.5  # that a picture stays though it does not quite fit


@dataclass(slots=True)
class Hysteresis:
    """When one subscriber's allocation rose and fell; times are monotonic seconds."""

    patience_s: float = 0.0
    _roomy_since: float | None = None
    _tight_since: float | None = None
    _rose_at: float = -1e9
    _fell_at: float = -1e9

    def fall(self, now: float) -> None:
        doubled = 2 * self.patience_s if now - self._rose_at < REGRETTED_S else self.patience_s
        self.patience_s = min(MAX_PATIENCE_S, max(FIRST_PATIENCE_S, doubled))
        self._rose_at = -1e9  # a fall in several steps is one
        self._fell_at = now
        self._roomy_since = None

    def may_rise(self, now: float, *, safe: bool) -> bool:
        """There is room for more at `now`; whether that has lasted. A `safe` rise needs less."""
        if now - self._fell_at > CALM_S:
            self.patience_s = 0.0
        if self._roomy_since is None:
            self._roomy_since = now
        patience_s = min(self.patience_s, FIRST_PATIENCE_S) if safe else self.patience_s
        if now - self._roomy_since < patience_s:
            return False
        self._roomy_since = None
        self._rose_at = now
        return True

    def no_room(self) -> None:
        self._roomy_since = None

    def may_pause(self, now: float) -> bool:
        """A picture nearly fits; whether it has been so for long."""
        if self._tight_since is None:
            self._tight_since = now
        return now - self._tight_since >= TIGHT_S

    def all_fits(self) -> None:
        self._tight_since = None
