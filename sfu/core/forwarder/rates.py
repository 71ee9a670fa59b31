"""How much a source sends, by temporal layer, measured from what the scan of its ring finds.

Keyframes are left out: they come seldom, and nobody must lose a layer because somebody else joined.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from sfu.core.forwarder.rule import EVERY_TID
from sfu.core.rtp import header, vp8
from sfu.core.rtp.codecs import is_switch_point

WINDOW_S = 1.0
SETTLED = 5  # windows: an encoder that begins takes that long to come to its rate
REMEMBERED = 0.9  # per window; an encoder that begins anew takes little at first, for some seconds
TAG_BYTES = 16  # what SRTP adds to a packet (RFC 7714)
LINK_BYTES = 28 + TAG_BYTES  # that a link carries beside the RTP packet: IPv4 and UDP, too
# Of a simulcast layer that has not flowed for long: the client's maxBitrate (camera-layers.js).
NOMINAL_BPS = (80_000.0, 400_000.0, 1_200_000.0)
AUDIO_BPS = 40_000.0  # Opus at 24 kbit/s with 50 packets a second


@dataclass(slots=True)
class Rate:
    """Bits per second of frames up to each temporal layer, over the last two windows."""

    steady_bps: tuple[float, ...] = ()  # () while nothing is known
    high_bps: float = 0.0  # what it took lately, forgotten by and by
    windows: int = 0  # in a row in which it flowed
    _bits: list[int] = field(default_factory=lambda: [0] * (EVERY_TID + 1))
    _before: tuple[float, ...] = ()
    _started: float | None = None
    _frame: bytes = b""  # RTP timestamp of the newest one
    _tid: int = 0
    _is_keyframe: bool = False

    @property
    def is_settled(self) -> bool:
        return self.windows >= SETTLED

    def count(self, packets: Iterable[bytes], codec: str, now: float) -> None:
        """Packets that came since the last time."""
        bits, video = self._bits, codec != "opus"
        for packet in packets:
            if video and packet[4:8] != self._frame:
                self._begin(packet, codec)
            if not self._is_keyframe:
                bits[self._tid] += (len(packet) + TAG_BYTES) * 8
        if self._started is None:
            self._started = now
        elapsed = now - self._started
        if elapsed >= WINDOW_S:
            self._close(elapsed)
            self._started = now

    def _begin(self, packet: bytes, codec: str) -> None:
        """The first packet that came of a frame."""
        start = header.payload_offset(packet)
        self._frame = packet[4:8]
        self._is_keyframe = is_switch_point(codec, packet, start)
        self._tid = vp8.temporal_layer(packet, start) if codec == "VP8" else 0

    def _close(self, elapsed: float) -> None:
        newest = tuple(sum(self._bits[: tid + 1]) / elapsed for tid in range(EVERY_TID + 1))
        flowed = bool(self._before) and elapsed < 2 * WINDOW_S  # otherwise the source was silent
        self.windows = self.windows + 1 if flowed else 1
        before = self._before if flowed else newest
        self.steady_bps = tuple((a + b) / 2 for a, b in zip(newest, before, strict=True))
        self.high_bps = max(self.steady_bps[-1], REMEMBERED * self.high_bps)
        self._before = newest
        self._bits = [0] * (EVERY_TID + 1)
