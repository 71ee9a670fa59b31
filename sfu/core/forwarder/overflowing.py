"""What happens when a slow link has no room for a frame: the video goes on at the next keyframe."""

from __future__ import annotations

from sfu.core.forwarder import routing
from sfu.core.forwarder.state import State


def restart(state: State, stream_id: int, now: float) -> None:
    """Stop a stream of video and let it begin again at its source's next keyframe."""
    stream = state.streams.get(stream_id)
    if stream is None or stream.source is None:
        return
    source = stream.wanted or stream.source
    routing.stop(state, stream, now)
    routing.aim(state, stream, source, now)
