"""A finding from when it began until it has ended, as the clinic keeps it.

It names people by their subjects, which outlive a participant id, and codes; nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from signaling.core.messages import Finding, FindingKind
from signaling.core.seat import Seat
from signaling.ports import QualityEvent

_CAUSES: dict[FindingKind, FindingKind] = {
    "not_heard_by": "microphone_silent",
    "not_seen_by": "camera_black",
}


class Trouble(msgspec.Struct, frozen=True):
    """Whose it is, since when it touches somebody (Unix seconds), and whom it has touched."""

    subject: str
    since: float
    others: frozenset[str]


def grown(
    before: Trouble | None, finding: Finding, about: Seat, here: Iterable[Seat], now: float
) -> Trouble:
    """It is still there; `about` is whose it is, `here` are all who are in the call."""
    subject = about.record.subject
    touched = {one.record.subject for one in here if _is_touched(finding, one)} - {subject}
    if before is None or not before.others:
        return Trouble(subject, now, frozenset(touched))
    return Trouble(subject, before.since, before.others | touched)


def joined(one: Trouble, other: Trouble) -> Trouble:
    """Both were the same fault."""
    return Trouble(one.subject, min(one.since, other.since), one.others | other.others)


def ended(finding: Finding, trouble: Trouble, now: float) -> QualityEvent | None:
    """What is kept of it: nothing where it touched nobody."""
    if not trouble.others:
        return None
    return QualityEvent(
        kind=finding.kind,
        at_ms=round(trouble.since * 1000),
        lasted_ms=round((now - trouble.since) * 1000),
        others=tuple(sorted(trouble.others)),
    )


def cause_of(finding: Finding) -> Finding | None:
    """What explains that media do not come, where it is their owner's fault."""
    kind = _CAUSES.get(finding.kind)
    return None if kind is None else Finding(kind, finding.participant)


def _is_touched(finding: Finding, other: Seat) -> bool:
    """Who does not get it; of blocked sound, whose does not come."""
    if finding.by is not None:
        return other.id == finding.by
    if finding.kind == "speaker_blocked":
        return other.is_sending("microphone")
    return other.rights.subscribe
