"""Keyframe requests, coalesced per track: a PLI for one layer makes a keyframe on all of them
(measured in Chromium and Firefox), so every layer or slot switch costs the publisher three.
"""

from __future__ import annotations

from sfu.core.forwarder.model import Track

MIN_INTERVAL_S = 0.5  # between two requests to one track (LiveKit, Galene: 500 ms)
RETRY_S = 0.3  # or twice the round trip time


def want(track: Track, now: float) -> None:
    """Somebody cannot go on without a keyframe; sound has none."""
    if track.section.kind == "video" and track.keyframe_wanted_since is None:
        track.keyframe_wanted_since = now


def arrived(track: Track) -> None:
    track.keyframe_wanted_since = None


def ask_now(track: Track, now: float) -> bool:
    """Whether a request is due; the caller sends it."""
    if track.keyframe_wanted_since is None:
        return False
    since = now - track.keyframe_asked_at
    first = track.keyframe_asked_at < track.keyframe_wanted_since
    if since < (MIN_INTERVAL_S if first else max(RETRY_S, 2 * track.publisher.rtt_s)):
        return False
    track.keyframe_asked_at = now
    return True
