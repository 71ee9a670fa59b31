"""How much to offer so that the worker uses a wanted share of its core."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bench.figures import LEAST_DELIVERED
from bench.stretch import Stretch

MAX_RATE = 780.0  # packets/s of a camera: 7.1 of the 8 Mbit/s that a peer may send (sfu/api.py)
MAX_ROOMS = 48
SATURATED = 0.82  # of the time busy
NEAR = 0.04  # of the wanted share
_LOSING = 0.85  # factor after a stretch that lost packets


def rooms_needed(share_of_one: float, wanted: float) -> int:
    """Rooms at the highest rate that reach the wanted share, given one's share."""
    return min(MAX_ROOMS, max(1, math.ceil(wanted / max(share_of_one, 1e-3))))


def first_rate(share_of_one: float, wanted: float, rooms: int, fastest: float = MAX_RATE) -> float:
    """Packets/s of each publisher to begin with, given one room's share at `fastest`."""
    return min(fastest, fastest * wanted / max(share_of_one * rooms, 1e-3))


def good(share: float, delivered: float, wanted: float) -> bool:
    """Whether a stretch found the rate."""
    return abs(share - wanted) <= NEAR and delivered >= LEAST_DELIVERED


def next_rate(
    rate: float, share: float, delivered: float, wanted: float, fastest: float = MAX_RATE
) -> float:
    """Packets/s to try next."""
    factor = wanted / max(share, 1e-3)
    if delivered < LEAST_DELIVERED:
        factor = min(factor, _LOSING)
    return min(fastest, rate * min(factor, 2.0))


def rooms_missing(rooms: int, share: float, wanted: float) -> int:
    """How many rooms more reach the wanted share, where the rate cannot rise."""
    return max(1, min(MAX_ROOMS, math.ceil(rooms * wanted / max(share, 1e-3))) - rooms)


def saturated(stretch: Stretch) -> bool:
    """Whether a measurement was near saturation and is whole."""
    return stretch.busy_share >= SATURATED and stretch.delivered_share >= LEAST_DELIVERED


def best(stretches: Sequence[Stretch]) -> Stretch:
    """The whole one in which the worker was busiest; the most whole one if none is."""
    whole = [each for each in stretches if each.delivered_share >= LEAST_DELIVERED]
    if whole:
        return max(whole, key=lambda each: each.busy_share)
    return max(stretches, key=lambda each: each.delivered_share)
