"""Measured quality in words, so that a person and not an engineer can act on it."""

from __future__ import annotations

from typing import Literal

from signaling.core.messages import QualityOf
from signaling.ports import Quality

Level = Literal["good", "fair", "poor", "lost"]
Video = Literal["full", "reduced", "off"]

FAIR_LOSS = 0.02  # share of packets; the study's threshold below which senders still speed up
POOR_LOSS = 0.10  # share of packets; the downlink guard acts here (media.md)
FAIR_RTT_MS = 300.0  # ITU-T G.114: above 150 ms one way a conversation suffers
POOR_RTT_MS = 800.0  # ITU-T G.114: above 400 ms one way it is unacceptable


def in_words(measured: Quality) -> QualityOf:
    """The levels that a participant's measurement stands for."""
    return QualityOf(
        participant=measured.peer,
        uplink=_level(measured.uplink_loss, measured),
        downlink=_level(measured.downlink_loss, measured),
        video=_video(measured.video),
    )


def _level(loss: float, measured: Quality) -> Level:
    if measured.unstable:
        return "lost"
    if loss >= POOR_LOSS or measured.rtt_ms >= POOR_RTT_MS:
        return "poor"
    if loss >= FAIR_LOSS or measured.rtt_ms >= FAIR_RTT_MS:
        return "fair"
    return "good"


def _video(state: str) -> Video:
    if state == "off":
        return "off"
    return "reduced" if state == "reduced" else "full"
