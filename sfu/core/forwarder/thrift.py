"""When a publisher should spend few bits: its own uplink is narrow (not every browser tells its
page), or the downlink of somebody who hears it.

It is told as one of two forms of the microphone, which a call's page knows: `full`, or `low`, which
goes with a smaller rate of the camera's lowest layer.
"""

from __future__ import annotations

from sfu.api import LayersWanted
from sfu.core.forwarder.actions import Emit
from sfu.core.forwarder.model import Track
from sfu.core.forwarder.narrow import is_narrow
from sfu.core.forwarder.state import Room, State

FULL, LOW = "full", "low"
CALM_S = 10.0  # without a narrow link; a link that has just become better may not stay so


def watch(state: State, room: Room, now: float) -> None:
    """Five times a second: tell publishers when it has changed."""
    listened_to = {
        slot.publisher
        for subscriber in room.subscribers.values()
        if subscriber.connected and is_narrow(subscriber)
        for slot in subscriber.slots
    }
    for publisher in room.publishers.values():
        if publisher.peer in listened_to or publisher.uplink.is_narrow:
            publisher.narrow_at = now
        for track in publisher.tracks.values():
            if track.role == "microphone" and track.sources:
                _compare(state, track, low=now - publisher.narrow_at < CALM_S)


def _compare(state: State, track: Track, *, low: bool) -> None:
    if track.low == low:
        return
    track.low = low
    _say(state, track)


def tell(state: State, track: Track) -> None:
    """Say it again where few bits are to be spent, to a caller that has just come."""
    if track.low:
        _say(state, track)


def _say(state: State, track: Track) -> None:
    publisher, form = track.publisher, LOW if track.low else FULL
    event = LayersWanted(publisher.room, publisher.peer, track.role, (form,))
    state.actions.append(Emit(event))
