"""Which layer of a track a subscriber gets: the smallest that fills its tile, less what the
downlink guard takes away. The top layer may never come (Chromium sends none below 960 × 540), so
only layers that flow are chosen.
"""

from __future__ import annotations

from sfu.core.forwarder.model import Source, Track

ALIVE_S = 1.5  # without a packet for longer a layer does not flow
ENOUGH = 0.8  # a layer may be this much smaller than its tile
LOWEST_HEIGHT = 180  # pixels, of a 720p camera's quarter layer; doubles per layer


def alive(source: Source, now: float) -> bool:
    return now - source.last_arrival < ALIVE_S


def choose(track: Track, height: int, guard_level: int, now: float) -> Source | None:
    """The source to send for a tile of `height` pixels; None: no video."""
    sources = [source for source in track.sources if alive(source, now)] or track.sources[:1]
    if not sources or height <= 0:
        return None
    wanted = next(
        (i for i, source in enumerate(sources) if _height(source) >= ENOUGH * height),
        len(sources) - 1,
    )
    index = wanted - guard_level
    return sources[index] if index >= 0 else None


def _height(source: Source) -> int:
    return source.height or LOWEST_HEIGHT << source.layer
