"""How much to offer so that the worker uses a wanted share of its core."""

from __future__ import annotations

import math

MAX_RATE = 780.0  # packets/s of a camera: 7.1 of the 8 Mbit/s that a peer may send (sfu/api.py)
MAX_ROOMS = 48
NEAR = 0.04  # of the wanted share
_LOSING = 0.85  # factor after a stretch that lost packets


def rooms_needed(share_of_one: float, wanted: float) -> int:
    """Rooms at the highest rate that reach the wanted share, given one's share."""
    return min(MAX_ROOMS, max(1, math.ceil(wanted / max(share_of_one, 1e-3))))


def first_rate(share_of_one: float, wanted: float, rooms: int) -> float:
    """Packets/s of each publisher to begin with, given one room's share at MAX_RATE."""
    return min(MAX_RATE, MAX_RATE * wanted / max(share_of_one * rooms, 1e-3))


def good(share: float, delivered: float, wanted: float) -> bool:
    """Whether a stretch found the rate."""
    return abs(share - wanted) <= NEAR and delivered >= 0.99


def next_rate(rate: float, share: float, delivered: float, wanted: float) -> float:
    """Packets/s to try next."""
    factor = wanted / max(share, 1e-3)
    if delivered < 0.99:
        factor = min(factor, _LOSING)
    return min(MAX_RATE, rate * min(factor, 2.0))


def rooms_missing(rooms: int, share: float, wanted: float) -> int:
    """How many rooms more reach the wanted share, where the rate cannot rise."""
    return max(1, min(MAX_ROOMS, math.ceil(rooms * wanted / max(share, 1e-3))) - rooms)
