"""How a call is for one person, from what their page reports: graded, and gathered into points.

A point covers about `STEP_S`. Its milliseconds are the server's own clock between two reports, so a
page that reports wildly makes no time; a report after a long pause begins a new point.
"""

from __future__ import annotations

import msgspec

from signaling.core.quality import FAIR_RTT_MS, POOR_RTT_MS, Video
from signaling.ports import Level, Quality, QualityPoint

STEP_S = 10.0
REPORT_S = 1.2  # PROTOCOL.md: how often a page reports; what the first report stands for
PAUSE_S = 6.0  # five reports; after that the person was not there

# Shares of the samples and of the time are our own measure: no standard grades what was concealed.
FAIR_CONCEALED = 0.01
POOR_CONCEALED = 0.05  # promised never to be passed, at 20 % loss
BAD_CONCEALED = 0.5  # what is left is no speech
FAIR_FRAMES_PER_S = 10.0  # promised on the slowest link that carries a picture (media.md)
POOR_FRAMES_PER_S = 4.0  # a row of stills
FAIR_FROZEN = 0.1  # share of the time
POOR_FROZEN = 0.5


class Sensed(msgspec.Struct, frozen=True, kw_only=True):
    """What one report says: of several people the worst. None: nobody was to be heard or seen."""

    unheard: bool  # somebody who speaks cannot be heard
    unseen: bool
    concealed: float | None = None  # share of the samples
    frames: int | None = None
    freeze_ms: int = 0
    height: int = 0


class Gauge:
    """One person's open point; `take` closes it."""

    def __init__(self) -> None:
        self._point: QualityPoint | None = None
        self._reported_at = 0.0
        self._measured: Quality | None = None  # the newest
        self._peaks = (0, 0, 0)  # ms, thousandths, thousandths since the newest report

    def measure(self, measured: Quality) -> None:
        """The media plane has looked at the way."""
        self._measured = measured
        now = (measured.rtt_ms, measured.downlink_loss * 1000, measured.uplink_loss * 1000)
        rtt_ms, loss_in, loss_out = map(max, self._peaks, map(round, now))
        self._peaks = rtt_ms, loss_in, loss_out

    def report(self, sensed: Sensed, now: float) -> QualityPoint | None:
        """The page has spoken; the point that is complete by that."""
        since_s = now - self._reported_at
        is_first = since_s > PAUSE_S
        done = self.take() if is_first else None
        lasted_ms = round((REPORT_S if is_first else since_s) * 1000)
        if lasted_ms <= 0:
            return done
        self._reported_at = now
        until_ms = round(now * 1000)
        begin = QualityPoint(at_ms=until_ms - lasted_ms, until_ms=until_ms)
        point = self._point = self._grown(self._point or begin, sensed, until_ms, lasted_ms)
        self._peaks = (0, 0, 0)
        is_whole = point.until_ms - point.at_ms >= STEP_S * 1000  # no first one is
        return self.take() if is_whole else done

    def forget_way(self) -> None:
        """The media connection is gone; nothing is known of the next."""
        self._measured = None

    def take(self) -> QualityPoint | None:
        """What is gathered since the point before, if anything is."""
        point, self._point = self._point, None
        return point

    def _grown(
        self, point: QualityPoint, sensed: Sensed, until_ms: int, lasted_ms: int
    ) -> QualityPoint:
        rtt_ms, loss_in, loss_out = self._peaks
        measured = self._measured
        level = f"{grade(sensed, measured, lasted_ms)}_ms"
        return msgspec.structs.replace(
            point,
            until_ms=until_ms,
            **{level: getattr(point, level) + lasted_ms},
            heard_ms=point.heard_ms + (0 if sensed.concealed is None else lasted_ms),
            concealed_ms=point.concealed_ms + round((sensed.concealed or 0.0) * lasted_ms),
            seen_ms=point.seen_ms + (0 if sensed.frames is None else lasted_ms),
            frames=point.frames + (sensed.frames or 0),
            freeze_ms=point.freeze_ms + min(sensed.freeze_ms, lasted_ms),
            height=sensed.height or point.height,
            rtt_ms=max(point.rtt_ms, rtt_ms),
            loss_in=max(point.loss_in, loss_in),
            loss_out=max(point.loss_out, loss_out),
            kbps=_least(point.kbps, 0 if measured is None else measured.estimate_bps // 1000),
            way=point.way if measured is None else measured.way or point.way,
        )


def grade(sensed: Sensed, measured: Quality | None, lasted_ms: int) -> Level:
    """By what the person heard and saw; loss that was repaired troubles nobody."""
    concealed = sensed.concealed or 0.0
    rtt_ms = 0.0 if measured is None else measured.rtt_ms
    cut_off = measured is not None and measured.unstable
    if sensed.unheard or cut_off or concealed >= BAD_CONCEALED:
        return "bad"
    picture = _grade_picture(sensed, "full" if measured is None else measured.video, lasted_ms)
    if "poor" in picture or concealed >= POOR_CONCEALED or rtt_ms >= POOR_RTT_MS:
        return "poor"
    fair = "fair" in picture or concealed >= FAIR_CONCEALED or rtt_ms >= FAIR_RTT_MS
    return "fair" if fair else "good"


def _grade_picture(sensed: Sensed, video: Video | str, lasted_ms: int) -> Level:
    if sensed.unseen or video == "off":
        return "poor"
    if sensed.frames is None:
        return "good"
    per_s, frozen = sensed.frames / lasted_ms * 1000, sensed.freeze_ms / lasted_ms
    if per_s < POOR_FRAMES_PER_S or frozen >= POOR_FROZEN:
        return "poor"
    fair = per_s < FAIR_FRAMES_PER_S or frozen >= FAIR_FROZEN or video == "reduced"
    return "fair" if fair else "good"


def _least(before: int, now: int) -> int:
    """0 stands for what is not known."""
    return min(before, now) if before and now else before or now
