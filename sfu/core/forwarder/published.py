"""Which simulcast layers of a track are of use to anybody, for its publisher to know.

What nobody's tile is large enough for, or what nobody's link will carry soon, need not be encoded.
A layer is asked for again at once, and given up only after it was of no use for a while. The lowest
one always runs, because whoever comes sees it without waiting for the publisher; only a publisher
whose uplink carries no picture beside its sound is asked for none.
"""

from __future__ import annotations

from sfu.api import LayersWanted
from sfu.core.forwarder import layers
from sfu.core.forwarder.actions import Emit
from sfu.core.forwarder.assignment import video_track
from sfu.core.forwarder.downlink import visible_height
from sfu.core.forwarder.model import Publisher, Slot, Source, Subscriber, Track
from sfu.core.forwarder.rates import LINK_BYTES
from sfu.core.forwarder.state import Room, State
from sfu.core.forwarder.uplink import Counts

UNSEEN_S = 3.0  # a person who looks at something else for a moment must not wait afterwards
SOON = 1.3  # times the estimate: a probe may find so much at any moment


def watch(state: State, room: Room, now: float) -> None:
    """Tell publishers when what is wanted of them has changed."""
    wanted = _wanted(state, room)
    for publisher in room.publishers.values():
        _watch_uplink(room, publisher, now)
        for track in publisher.tracks.values():
            if len(track.section.rids) > 1:
                count = 0 if publisher.uplink.paused else max(1, wanted.get(id(track), 0))
                _compare(state, track, count, now)


def _watch_uplink(room: Room, publisher: Publisher, now: float) -> None:
    sound = [s for s in publisher.by_ssrc.values() if s.track.section.kind == "audio"]
    expected = sum(s.ring.highest - s.reception.first + 1 for s in sound if s.reception.first >= 0)
    received = sum(s.reception.received for s in sound)
    carried = publisher.spare_octets + sum(map(_carried, publisher.by_ssrc.values()))
    cameras = (s for s in publisher.by_ssrc.values() if s.track.section.kind == "video")
    pictures = [source for source in cameras if layers.alive(source, now)]
    video_bps = sum(s.rate.steady_bps[-1] for s in pictures if s.rate.steady_bps)
    subscriber = room.subscribers.get(publisher.peer)
    rtt_s = subscriber.estimator.rtt_s if subscriber else 0.0  # 0: not measured, nothing is paused
    publisher.uplink.observe(Counts(expected, received, carried), rtt_s, video_bps, now)


def _carried(source: Source) -> int:
    reception = source.reception
    return reception.octets + LINK_BYTES * reception.received


def _wanted(state: State, room: Room) -> dict[int, int]:
    """How many layers of each track somebody has a use for."""
    found: dict[int, int] = {}
    for subscriber in room.subscribers.values():
        for slot in subscriber.slots:
            publisher = room.publishers.get(slot.publisher or "")
            track = video_track(slot, publisher) if publisher else None
            if track is not None:
                count = _useful(state, subscriber, slot, track)
                found[id(track)] = max(count, found.get(id(track), 0))
    return found


def _useful(state: State, subscriber: Subscriber, slot: Slot, track: Track) -> int:
    height = visible_height(state, slot)
    count = layers.wanted_layers(track, height)
    if not subscriber.congested:
        return count
    granted = slot.granted[0] if slot.granted else 0
    soon = SOON * subscriber.estimate_bps
    carried = (n for n in range(count, 0, -1) if layers.nominal_bps(n - 1) <= soon)
    return min(count, max(granted + 2, next(carried, 1)))


def _compare(state: State, track: Track, wanted: int, now: float) -> None:
    if track.wanted_layers is None:
        if track.sources:  # whatever was said of a connection before is over
            track.wanted_layers = len(track.section.rids)
            tell(state, track)
        return
    before = track.wanted_layers
    if wanted == before:
        track.unseen_since = None
        return
    if 0 < wanted < before:
        if track.unseen_since is None:
            track.unseen_since = now
        if now - track.unseen_since < UNSEEN_S:
            return
    track.unseen_since = None
    track.wanted_layers = wanted
    tell(state, track)


def tell(state: State, track: Track) -> None:
    """Say what is wanted; again to a caller that has just come."""
    if track.wanted_layers is None:
        return
    publisher = track.publisher
    rids = track.section.rids[: track.wanted_layers]
    event = LayersWanted(publisher.room, publisher.peer, track.role, rids)
    state.actions.append(Emit(event))
