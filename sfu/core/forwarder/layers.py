"""What a track offers for a tile: its layers up to the smallest that fills it, and of a layer that
has temporal layers its lower frame rates. The top layer may never come (Chromium sends none below
960 × 540), so only layers that flow are offered.
"""

from __future__ import annotations

import msgspec

from sfu.core.forwarder.model import Source, Track
from sfu.core.forwarder.rates import AUDIO_BPS, NOMINAL_BPS
from sfu.core.forwarder.rule import EVERY_TID

ALIVE_S = 1.5  # without a packet for longer a layer does not flow
OVERTAKEN_S = 0.6  # less will do where a lower one goes on: its encoder was switched off
ENOUGH = 0.8  # a layer may be this much smaller than its tile
LOWEST_HEIGHT = 180  # pixels, of a 720p camera's quarter layer; doubles per layer


class Option(msgspec.Struct, frozen=True):
    """One way to send a track: a layer, up to a temporal layer, at so many bits per second."""

    source: Source
    max_tid: int
    bps: float


def alive(source: Source, now: float) -> bool:
    """Whether a layer flows. Browsers switch the upper ones off when their uplink gets worse, and
    whoever watched one sees nothing until it is given up.
    """
    heard_at = source.last_arrival
    lower = source.track.layers[: source.layer]
    overtaken = any(one and one.last_arrival - heard_at > OVERTAKEN_S for one in lower)
    return now - heard_at < ALIVE_S and not overtaken


def options(track: Track, height: int, now: float, running: int = -1) -> list[Option]:
    """Cheapest first, the last one is what a tile of `height` pixels would best get; [] for none.

    A layer above the `running` one is expected to take what it took lately.

    Of the lowest layer every frame rate is offered, of the others also the one without the highest
    temporal layer.
    """
    sources = [source for source in track.sources if alive(source, now)] or track.sources[:1]
    if not sources or height <= 0:
        return []
    found: list[Option] = []
    for source in sources[: _filling(sources, height) + 1]:
        rates = thinned_bps(source)
        lately = source.rate.high_bps if source.layer > max(0, running) else 0.0
        if lately > rates[-1][1] > 0:
            rates = [(tid, bps * lately / rates[-1][1]) for tid, bps in rates]
        offered = rates if not found else rates[-2:]
        found += [Option(source, tid, bps) for tid, bps in offered]
    return found


def best_layer(track: Track, height: int) -> int:
    """The layer that a tile of `height` pixels asks for, whether it flows or not; -1 for none."""
    sources = track.sources
    return sources[_filling(sources, height)].layer if sources and height > 0 else -1


def wanted_layers(track: Track, height: int) -> int:
    """How many layers, from the lowest on, a tile has a use for: also one that has not come yet."""
    best = best_layer(track, height)
    if best < 0:
        return 0
    source = track.layers[best]
    filled = source is not None and _height(source) >= ENOUGH * height
    return best + 1 if filled else len(track.layers)


def _filling(sources: list[Source], height: int) -> int:
    return next(
        (i for i, source in enumerate(sources) if _height(source) >= ENOUGH * height),
        len(sources) - 1,
    )


def full_bps(source: Source) -> float:
    """What the whole source takes, measured; of a layer that has begun lately, what it may take.

    A track without layers leaves no choice: it is shown until it proves too large.
    """
    track, rate = source.track, source.rate
    if track.section.kind == "audio":
        return rate.steady_bps[EVERY_TID] if rate.steady_bps else AUDIO_BPS
    measured = rate.steady_bps[EVERY_TID] if rate.steady_bps else 0.0
    if rate.is_settled or not track.section.rids:
        return measured
    return max(measured, nominal_bps(source.layer))


def nominal_bps(layer: int) -> float:
    """What a simulcast layer, counted from the lowest, may take."""
    return NOMINAL_BPS[min(layer, len(NOMINAL_BPS) - 1)]


def thinned_bps(source: Source) -> list[tuple[int, float]]:
    """(highest temporal layer, bits per second) of each frame rate that a source can be cut to."""
    rates, whole = source.rate.steady_bps, full_bps(source)
    if not rates or not rates[EVERY_TID] or source.codec.name != "VP8":
        return [(EVERY_TID, whole)]
    scale = whole / rates[EVERY_TID]
    found = [
        (tid, rates[tid] * scale) for tid in range(EVERY_TID) if 0 < rates[tid] < rates[tid + 1]
    ]
    return [*found, (EVERY_TID, whole)]


def _height(source: Source) -> int:
    return source.height or LOWEST_HEIGHT << source.layer
