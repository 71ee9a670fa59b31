"""When a publisher should spend few bits: its own uplink is narrow (not every browser tells its
page), or the downlink of somebody who hears it.

It is told as one of two forms of the microphone, which a call's page knows: `full`, or `low`, which
goes with a smaller rate of the camera's lowest layer.
"""

from __future__ import annotations

from sfu.api import LayersWanted
from sfu.core.forwarder.actions import Emit
from sfu.core.forwarder.model import Publisher, Track
from sfu.core.forwarder.narrow import is_narrow
from sfu.core.forwarder.state import Room, State

FULL, LOW = "full", "low"
CALM_S, MAX_CALM_S = 10.0, 60.0  # without a narrow link; a better one may not stay so
SOON_S = 20.0  # after that ended: narrow again because more was spent, so it is twice as long


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
            _note_narrow(publisher, now)
        for track in publisher.tracks.values():
            if track.role == "microphone" and track.sources:
                _compare(state, track, low=now - publisher.narrow_at < publisher.calm_s)


def _note_narrow(publisher: Publisher, now: float) -> None:
    calm_s = now - publisher.narrow_at
    if calm_s >= publisher.calm_s:
        again = calm_s < publisher.calm_s + SOON_S
        publisher.calm_s = min(MAX_CALM_S, 2 * publisher.calm_s) if again else CALM_S
    publisher.narrow_at = now


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
