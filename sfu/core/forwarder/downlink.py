"""A subscriber's downlink: from the estimate and the view to what each slot gets.

The budget is the estimate less what sound takes, unless the receiver reports none of it (Firefox):
then the estimate tells of pictures alone. As long as nothing has shown the link to be
limited no picture is paused for it, because the start value of an estimate is a guess.
"""

from __future__ import annotations

from collections.abc import Iterator

from sfu.api import SlotPicture
from sfu.core.estimation.rate import MIN_BPS
from sfu.core.forwarder import allocation, layers, redundancy
from sfu.core.forwarder.allocation import PAUSED, Demand
from sfu.core.forwarder.assignment import video_track
from sfu.core.forwarder.layers import Option
from sfu.core.forwarder.model import Publisher, Slot, Source, Stream, Subscriber, Track
from sfu.core.forwarder.pacing import SLOW_BPS
from sfu.core.forwarder.state import Room, State

RECHECK_S = 1.0  # rates drift, and a layer may cease to flow
LEAST = 1.1  # times the floor of estimates: as good as that
FELL = 0.97  # of the estimate before: it has fallen, and not by rounding


def allocate(state: State, room: Room, subscriber: Subscriber, now: float) -> dict[int, Option]:
    """By slot index what is to be sent; a slot that is not there gets no picture."""
    pictures = list(_shown(room, subscriber))
    shown = [
        (slot, offered, track)
        for slot, track in pictures
        if (offered := _options(state, slot, track, now))
    ]
    _learn(state, subscriber, pictures, now)
    demands = [_demand(room, slot, offered) for slot, offered, _ in shown]
    budget = _budget(subscriber)
    limited = subscriber.congested
    granted = allocation.decide(subscriber.hysteresis, budget, demands, now, limited=limited)
    for slot in subscriber.slots:
        slot.granted, slot.picture = None, "full"
    subscriber.allocated_at = now
    subscriber.has_all = all(
        i == len(one.options) - 1 for one, i in zip(demands, granted, strict=True)
    )
    found: dict[int, Option] = {}
    for (slot, offered, track), index in zip(shown, granted, strict=True):
        _note(state, subscriber, slot, track, offered, index)
        if index != PAUSED:
            found[slot.index] = offered[index]
    return found


def is_settled(subscriber: Subscriber, now: float) -> bool:
    """Whether to allocate anew is of no use: all is sent, and nothing became worse."""
    pictures = (slot.video.source for slot in subscriber.slots if slot.video)
    if not all(layers.alive(source, now) for source in pictures if source):
        return False
    return (
        subscriber.has_all
        and not subscriber.congested
        and subscriber.estimator.bitrate_bps >= FELL * subscriber.estimate_bps
        and now - subscriber.allocated_at < RECHECK_S
    )


def visible_height(state: State, slot: Slot) -> int:
    """Pixels; an overloaded worker sends nobody more than its cap."""
    return min(slot.height, state.height_cap)


def _shown(room: Room, subscriber: Subscriber) -> Iterator[tuple[Slot, Track]]:
    for slot in subscriber.slots:
        publisher = room.publishers.get(slot.publisher or "")
        if publisher is None or slot.video is None or not slot.ready or not subscriber.connected:
            continue
        track = video_track(slot, publisher)
        if track is None or track.muted or not track.sources:
            continue
        if slot.video.codec_for(track.sources[0].codec) is not None:
            yield slot, track


def _options(state: State, slot: Slot, track: Track, now: float) -> list[Option]:
    running = slot.granted[0] if slot.granted else -1
    return layers.options(track, visible_height(state, slot), now, running)


def _demand(room: Room, slot: Slot, offered: list[Option]) -> Demand:
    speaks = slot.publisher in room.speakers.current
    rank = allocation.rank(
        screen=slot.screen,
        width=slot.width,
        height=slot.height,
        priority=slot.priority,
        speaks=speaks,
    )
    return Demand(offered, rank, _index(slot.granted, offered))


def _index(granted: tuple[int, int] | None, offered: list[Option]) -> int | None:
    """Where in the options of now the grant of before is."""
    if granted is None or granted == NOTHING:
        return PAUSED if granted else None
    below = [i for i, one in enumerate(offered) if (one.source.layer, one.max_tid) <= granted]
    return max(below, default=0)


NOTHING = (-1, -1)  # a grant: the picture is paused


def _note(
    state: State,
    subscriber: Subscriber,
    slot: Slot,
    track: Track,
    offered: list[Option],
    index: int,
) -> None:
    if index == PAUSED:
        slot.granted, slot.picture = NOTHING, "off"
        return
    option = offered[index]
    slot.granted = option.source.layer, option.max_tid
    best = layers.best_layer(track, visible_height(state, slot))
    less = index < len(offered) - 1 or option.source.layer < best
    slot.picture = "reduced" if less and subscriber.congested else "full"


def _budget(subscriber: Subscriber) -> float:
    """Bit/s for pictures; where these alone are reported, none at the least estimate there is."""
    estimate = subscriber.estimator.bitrate_bps
    if _reports_sound(subscriber):
        return estimate - _reserve(subscriber)
    return estimate if estimate > LEAST * MIN_BPS else 0.0


def _reports_sound(subscriber: Subscriber) -> bool:
    return all(one.extensions.transport_cc for one, _ in _sound(subscriber))


def _sound(subscriber: Subscriber) -> list[tuple[Stream, Source]]:
    streams = (slot.audio for slot in subscriber.slots)
    return [(one, one.source) for one in streams if one is not None and one.source is not None]


def _reserve(subscriber: Subscriber) -> float:
    return allocation.reserve_bps(
        layers.full_bps(source) * redundancy.copies(one) for one, source in _sound(subscriber)
    )


def _learn(
    state: State, subscriber: Subscriber, pictures: list[tuple[Slot, Track]], now: float
) -> None:
    """Whether the link is known to be too slow, and what would be sent if it were not."""
    estimator = subscriber.estimator
    full = sum(_best_bps(state, slot, track, now) for slot, track in pictures)
    wanted = (full + _reserve(subscriber)) * allocation.HEADROOM
    estimator.set_wanted(wanted, now)
    estimate = estimator.bitrate_bps
    if estimate < FELL * subscriber.estimate_bps and estimate < wanted:
        subscriber.congested = True
    elif estimate >= wanted:
        subscriber.congested = False
    subscriber.estimate_bps = estimate
    slow = subscriber.congested and estimate < SLOW_BPS
    subscriber.pacer.rate_bps = estimate if slow else 0.0


def _best_bps(state: State, slot: Slot, track: Track, now: float) -> float:
    """Of the layer that the tile asks for; one that its publisher has given up would come again."""
    layer = layers.best_layer(track, visible_height(state, slot))
    source = track.layers[layer] if layer >= 0 else None
    if source is None:
        return 0.0
    if track.section.rids and not layers.alive(source, now):
        return layers.nominal_bps(layer)
    return layers.full_bps(source)


def video_state(subscriber: Subscriber, publisher: Publisher | None) -> str:
    """full | reduced | off: off where no picture that should be shown is sent, or the person's own
    camera had to stop.
    """
    if publisher is not None and publisher.uplink.paused:
        return "off"
    states = {one.video for one in pictures(subscriber)}
    if states == {"off"}:
        return "off"
    return "reduced" if states - {"full"} else "full"


def pictures(subscriber: Subscriber) -> tuple[SlotPicture, ...]:
    """The state of every slot that shows, or should show, a picture."""
    return tuple(
        SlotPicture(slot.index, slot.picture)
        for slot in subscriber.slots
        if slot.granted is not None
    )
