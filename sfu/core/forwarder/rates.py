"""How much a source sends, by temporal layer, measured from what the scan of its ring finds.

The steady rate is the smaller one of the last two seconds: a keyframe makes one of them large, and
a layer must not be taken from anybody for that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from sfu.core.forwarder.rule import EVERY_TID
from sfu.core.rtp import header, vp8

WINDOW_S = 1.0
TAG_BYTES = 16  # what SRTP adds to a packet (RFC 7714)
# Of a layer that has not flowed for a second: the client's maxBitrate (camera-layers.js).
NOMINAL_BPS = (120_000.0, 400_000.0, 1_200_000.0)
AUDIO_BPS = 40_000.0  # Opus at 24 kbit/s with 50 packets a second


@dataclass(slots=True)
class Rate:
    """Bits per second of frames up to each temporal layer; () while nothing is known."""

    steady_bps: tuple[float, ...] = ()
    _bits: list[int] = field(default_factory=lambda: [0] * (EVERY_TID + 1))
    _before: tuple[float, ...] = ()
    _started: float | None = None

    def count(self, packets: Iterable[bytes], now: float, *, is_vp8: bool) -> None:
        """Packets that came since the last time."""
        bits = self._bits
        for packet in packets:
            tid = vp8.temporal_layer(packet, header.payload_offset(packet)) if is_vp8 else 0
            bits[tid] += (len(packet) + TAG_BYTES) * 8
        if self._started is None:
            self._started = now
        elapsed = now - self._started
        if elapsed >= WINDOW_S:
            self._close(elapsed)
            self._started = now

    def _close(self, elapsed: float) -> None:
        newest = tuple(sum(self._bits[: tid + 1]) / elapsed for tid in range(EVERY_TID + 1))
        whole = self._before and elapsed < 2 * WINDOW_S  # otherwise the source was silent
        self.steady_bps = tuple(map(min, newest, self._before)) if whole else newest
        self._before = newest
        self._bits = [0] * (EVERY_TID + 1)
