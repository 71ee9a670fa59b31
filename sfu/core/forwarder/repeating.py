"""Sound sent twice to a receiver that can ask for nothing again: Firefox has no audio NACK, no RED.

Where much is lost each of its audio packets leaves once more a little later, as the same
ciphertext: the receiver's replay window drops what it has already, so neither counts nor numbers
change. A path that loses a fifth of its packets at random then loses a twenty-fifth of the sound.
"""

from __future__ import annotations

from sfu.core.forwarder import hearing, redundancy
from sfu.core.forwarder.actions import ResendKept
from sfu.core.forwarder.model import Repeats, Stream, Subscriber
from sfu.core.forwarder.narrow import is_narrow
from sfu.core.forwarder.resending import is_of_use
from sfu.core.forwarder.state import Room, State

BEGIN_LOSS, END_LOSS = 0.05, 0.03  # design/media
END_AFTER_S = 10.0  # calm for so long (design/media)
LATER_S = 0.025  # design/media: 20 to 40 ms; a scan may add 5
MAX_BACKLOG = 10  # packets that a late scan makes up for
LOSS_SMOOTHING = 0.1  # five times a second: a burst of a moment is no reason
ASKS_S = 10.0  # a receiver that asked for sound within this time can do so


def watch(subscriber: Subscriber, now: float) -> None:
    """Five times a second: begin and end by what is lost on the way to the subscriber."""
    loss = subscriber.estimator.loss
    subscriber.path_loss += LOSS_SMOOTHING * (loss - subscriber.path_loss)
    for slot in subscriber.slots:
        if slot.audio is not None:
            _decide(subscriber, slot.audio, now)


def _decide(subscriber: Subscriber, stream: Stream, now: float) -> None:
    enough = subscriber.estimator.bitrate_bps >= redundancy.MIN_BPS
    has_room = enough and not is_narrow(subscriber)
    if stream.source is None or not has_room or _repairs(subscriber, stream, now):
        stream.repeats = None
        return
    loss = hearing.loss(subscriber, stream, now)
    repeats = stream.repeats
    if repeats is None:
        if loss > BEGIN_LOSS:
            stream.repeats = Repeats(stream.sent.highest, now)
    elif loss >= END_LOSS:
        repeats.calm_since = now
    elif now - repeats.calm_since >= END_AFTER_S:
        stream.repeats = None


def _repairs(subscriber: Subscriber, stream: Stream, now: float) -> bool:
    """Whether the receiver has redundancy, or asks in time for what it misses."""
    if redundancy.is_on(stream):
        return True
    return now - stream.asked_at < ASKS_S and is_of_use(stream.kind, subscriber.rtt_s)


def repeat(state: State, room: Room, now: float) -> None:
    """Send again what left `LATER_S` ago."""
    for subscriber in room.subscribers.values():
        for slot in subscriber.slots:
            if slot.audio is not None and slot.audio.repeats is not None:
                state.hurried = True
                _repeat(state, slot.audio, slot.audio.repeats, now)


def _repeat(state: State, stream: Stream, repeats: Repeats, now: float) -> None:
    marks = repeats.marks
    if not marks or stream.sent.highest > marks[-1][1]:
        marks.append((now, stream.sent.highest))
    while marks and marks[0][0] <= now - LATER_S:
        _, highest = marks.popleft()
        first = max(repeats.done, highest - MAX_BACKLOG) + 1
        repeats.done = max(repeats.done, highest)
        for number in range(first, highest + 1):
            action = ResendKept(peer=stream.peer, ssrc=stream.ssrc, seq=number & 0xFFFF)
            state.actions.append(action)
            state.counters.repeated += 1
