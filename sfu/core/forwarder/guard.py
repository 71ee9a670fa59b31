"""A simple downlink guard until bandwidth is estimated: loss that stays takes a layer away.

Above `LOSS` for `PATIENCE_S` a subscriber gets the next lower layer, then no video; audio is never
touched. It climbs one layer after `CALM_S` below `CALM_LOSS` (fall fast, climb slow).
"""

from __future__ import annotations

from collections.abc import Iterable

from sfu.core.forwarder.model import Stream, Subscriber

LOSS = 0.10
PATIENCE_S = 2.0
CALM_LOSS = 0.05
CALM_S = 8.0
REPORT_AGE_S = 3.0
MAX_LEVEL = 3  # three layers taken away is no video


def downlink_loss(streams: Iterable[Stream], now: float) -> float:
    """The worst loss reported lately, video before audio; 0 without a report."""
    fresh = [s for s in streams if s.source is not None and now - s.loss_at < REPORT_AGE_S]
    video = [s.loss for s in fresh if s.kind == "video"]
    return max(video or [s.loss for s in fresh] or [0.0])


def observe(subscriber: Subscriber, loss: float, now: float) -> bool:
    """Take the newest loss into account; True if the level changed."""
    if loss > LOSS and not _sends_video(subscriber):
        subscriber.calm_since = None
        return False
    if loss > LOSS:
        subscriber.calm_since = None
        return _fall(subscriber, now)
    subscriber.guard_since = None
    return _climb(subscriber, loss, now)


def _sends_video(subscriber: Subscriber) -> bool:
    videos = (slot.video for slot in subscriber.slots)
    return any(video is not None and video.source is not None for video in videos)


def _fall(subscriber: Subscriber, now: float) -> bool:
    if subscriber.guard_since is None:
        subscriber.guard_since = now
    if now - subscriber.guard_since < PATIENCE_S or subscriber.guard_level >= MAX_LEVEL:
        return False
    subscriber.guard_since = now
    subscriber.guard_level += 1
    return True


def _climb(subscriber: Subscriber, loss: float, now: float) -> bool:
    if subscriber.guard_level == 0 or loss > CALM_LOSS:
        subscriber.calm_since = None
        return False
    if subscriber.calm_since is None:
        subscriber.calm_since = now
    if now - subscriber.calm_since < CALM_S:
        return False
    subscriber.calm_since = now
    subscriber.guard_level -= 1
    return True
