"""Who gets how much of a subscriber's downlink: audio first, then pictures in order of importance.

Sound is never touched: what it takes is set aside. Of the rest every shown picture first gets its
cheapest form, the most important one first, then each the best that its tile can use and that still
fits. What does not fit in its cheapest form is paused and comes back by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from sfu.core.forwarder.hysteresis import Hysteresis
from sfu.core.forwarder.layers import Option
from sfu.core.forwarder.rates import AUDIO_BPS

OVERDRAWN = 1.10  # a running layer may measure this much above the budget
NEARLY = 1.45  # a picture that takes up to so much more than there is nearly fits
SMALL_BPS = 60_000.0  # the lowest layer at its lowest rate: no harm while one waits
RETURN_BPS = 50_000.0  # beside sound; with less a paused picture would delay it frame by frame
AMPLE = 2.0  # times the cost of a rise: it hardly can be a mistake
HEADROOM = 1.15  # what a rise needs beyond its cost, as measured rates swing
STEADY_HEADROOM = 1.03  # of a rise in frame rate alone, which needs no keyframe
LARGE_SCREEN = 360  # pixels; a shared screen that large is what people look at

PAUSED = -1


class Demand(msgspec.Struct, frozen=True):
    """One picture that is to be shown; the options are as `layers.options` gives them."""

    options: Sequence[Option]
    rank: tuple[float, ...]  # smallest first
    granted: int | None  # index of the option that it has now, PAUSED, or None: it is new


def rank(
    *, screen: bool, width: int, height: int, priority: int, speaks: bool
) -> tuple[float, ...]:
    """The order of pictures: a large screen, then by priority and size, then whoever speaks."""
    return (not (screen and height >= LARGE_SCREEN), -priority, -width * height, not speaks)


def reserve_bps(audio: Iterable[float]) -> float:
    """What sound takes, from the rates of its streams; one voice is always expected."""
    return max(AUDIO_BPS, sum(audio))


def share(budget_bps: float, demands: Sequence[Demand], *, cheapest_free: bool) -> list[int]:
    """The index of the option that each demand gets, or PAUSED."""
    order = sorted(range(len(demands)), key=lambda index: demands[index].rank)
    found = [PAUSED] * len(demands)
    left = budget_bps
    for index in order:
        cheapest = demands[index].options[0].bps
        if cheapest <= left or cheapest_free:
            found[index] = 0
            left -= cheapest
    for index in order:
        if found[index] == PAUSED:
            continue
        options = demands[index].options
        left += options[0].bps
        fitting = [better for better in range(1, len(options)) if options[better].bps <= left]
        found[index] = max(fitting, default=0)
        left -= options[found[index]].bps
    return found


def decide(
    hysteresis: Hysteresis,
    budget_bps: float,
    demands: Sequence[Demand],
    now: float,
    *,
    limited: bool,
) -> list[int]:
    """`share` with hysteresis. Where nothing is known to limit the link no picture is paused."""
    kept = _kept(hysteresis, budget_bps, demands, now, limited=limited)
    if any(one.granted is not None and new < one.granted for one, new in _pairs(demands, kept)):
        hysteresis.fall(now)
        return kept
    if PAUSED in kept and budget_bps < RETURN_BPS:
        hysteresis.no_room()
        return kept
    for headroom, only_steady in ((HEADROOM, False), (STEADY_HEADROOM, True)):
        risen = share(budget_bps / headroom, demands, cheapest_free=not limited)
        steady = _is_steady(demands, kept, risen)
        if _is_better(kept, risen) and (steady or not only_steady):
            safe = steady or budget_bps >= AMPLE * _cost(demands, risen)
            return risen if hysteresis.may_rise(now, safe=safe) else kept
    hysteresis.no_room()
    return kept


def _is_better(kept: list[int], risen: list[int]) -> bool:
    """Whether somebody gains, and nobody's picture is paused for it."""
    pairs = list(zip(risen, kept, strict=True))
    return any(new > old for new, old in pairs) and all(new >= 0 or old < 0 for new, old in pairs)


def _is_steady(demands: Sequence[Demand], kept: list[int], risen: list[int]) -> bool:
    """Whether only frame rates change."""
    return all(
        new == old or (old >= 0 <= new and one.options[new].source is one.options[old].source)
        for one, new, old in zip(demands, risen, kept, strict=True)
    )


def _cost(demands: Sequence[Demand], indices: list[int]) -> float:
    pairs = _pairs(demands, indices)
    return sum(one.options[index].bps for one, index in pairs if index != PAUSED)


def _pairs(demands: Sequence[Demand], indices: list[int]) -> Iterable[tuple[Demand, int]]:
    return zip(demands, indices, strict=True)


def _kept(
    hysteresis: Hysteresis,
    budget_bps: float,
    demands: Sequence[Demand],
    now: float,
    *,
    limited: bool,
) -> list[int]:
    """What fits of what each has; newcomers take what is there."""
    running = [_capped(one) for one in demands if one.granted != PAUSED]
    found = share(budget_bps * OVERDRAWN, running, cheapest_free=not limited)
    if PAUSED not in found:
        hysteresis.all_fits()
    elif not hysteresis.may_pause(now):
        cheapest = [msgspec.structs.replace(one, options=one.options[:1]) for one in running]
        tolerated = max(budget_bps * NEARLY, SMALL_BPS)
        found = share(tolerated, cheapest, cheapest_free=False)
    fitting = iter(found)
    return [PAUSED if one.granted == PAUSED else next(fitting) for one in demands]


def _capped(one: Demand) -> Demand:
    if one.granted is None:
        return one
    return msgspec.structs.replace(one, options=one.options[: one.granted + 1])
