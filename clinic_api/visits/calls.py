"""What a call really was, from who came and left: when both sides were there, and with what.

Pure arithmetic over participations; nothing is typed in by anybody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from clinic_api.visits.model import PATIENT_SIDE, Modality, Participation, Role

_Span = tuple[datetime, datetime | None]  # None: still there


def call_times(
    comings: Sequence[Participation], roles: Mapping[str, Role]
) -> tuple[datetime | None, datetime | None]:
    """When both sides were in the call together first, and last; no end while they still are."""
    clinic = _spans(comings, roles, frozenset({"provider"}))
    patient = _spans(comings, roles, PATIENT_SIDE)
    together = [met for one in clinic for other in patient if (met := _overlap(one, other))]
    if not together:
        return None, None
    ends = [end for _, end in together if end is not None]
    return min(begin for begin, _ in together), max(ends) if len(ends) == len(together) else None


def modality_of(comings: Sequence[Participation]) -> Modality | None:
    """`video` if a camera's picture came from anybody, `audio` if only sound did."""
    sources = {source for coming in comings for source in coming.media.split(",")}
    if "camera" in sources:
        return "video"
    return "audio" if "microphone" in sources else None


def _spans(
    comings: Sequence[Participation], roles: Mapping[str, Role], side: frozenset[Role]
) -> list[_Span]:
    return [
        (coming.admitted_at, coming.left_at)
        for coming in comings
        if coming.admitted_at is not None and roles.get(coming.participant_id) in side
    ]


def _overlap(one: _Span, other: _Span) -> _Span | None:
    begin = max(one[0], other[0])
    ends = [end for end in (one[1], other[1]) if end is not None]
    end = min(ends, default=None)
    return (begin, end) if end is None or begin < end else None
