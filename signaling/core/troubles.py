"""A finding from when it began until it has ended, as the clinic keeps it.

It names people by their subjects, which outlive a participant id, and codes; nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from signaling.core.messages import Finding
from signaling.core.seat import Seat
from signaling.ports import QualityEvent


class Trouble(msgspec.Struct, frozen=True):
    """Whose it is, since when (Unix seconds), and whom else it touched then."""

    subject: str
    since: float
    others: tuple[str, ...]


def begun(finding: Finding, seat: Seat, here: Iterable[Seat], now: float) -> Trouble:
    """`seat` is the one that the finding is about, `here` are all who are in the call."""
    touched = {one.record.subject for one in here if _is_touched(finding, one)}
    others = tuple(sorted(touched - {seat.record.subject}))
    return Trouble(seat.record.subject, now, others)


def ended(finding: Finding, trouble: Trouble, now: float) -> QualityEvent:
    """What is kept of it."""
    return QualityEvent(
        kind=finding.kind,
        at_ms=round(trouble.since * 1000),
        lasted_ms=round((now - trouble.since) * 1000),
        others=trouble.others,
    )


def _is_touched(finding: Finding, other: Seat) -> bool:
    """Who does not get it; of blocked sound, whose does not come."""
    if finding.by is not None:
        return other.id == finding.by
    if finding.kind == "speaker_blocked":
        return other.is_sending("microphone")
    return other.rights.subscribe
