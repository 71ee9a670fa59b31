"""What came of a booked visit, from who was really there and when. Pure arithmetic.

A visit was held when both sides were in the call together. Otherwise whoever did not come missed
it: the patient came if they were there at some time from the start until the grace was over; then
the practitioner has missed it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from clinic_api.scheduling.appointment import NO_SHOW_AFTER
from clinic_api.visits.model import Participation
from clinic_api.visits.visit import OPEN, State

Outcome = Literal["fulfil", "miss_patient", "miss_provider"]


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """`patient_side`: the comings of the patient and of who acts for the patient."""

    state: State
    starts_at: datetime
    expires_at: datetime
    held: bool
    patient_side: Sequence[Participation]


def outcome(evidence: Evidence, now: datetime) -> Outcome | None:
    """None: it is not known yet, because somebody may still come or be let in."""
    is_over = evidence.state not in OPEN
    if evidence.held:
        return "fulfil" if is_over else None
    if evidence.state == "in_progress" or now < evidence.starts_at + NO_SHOW_AFTER:
        return None
    waits = any(one.left_at is None for one in evidence.patient_side)
    if waits and not is_over and now < evidence.expires_at:
        return None
    return "miss_provider" if _came(evidence) else "miss_patient"


def _came(evidence: Evidence) -> bool:
    begin, end = evidence.starts_at, evidence.starts_at + NO_SHOW_AFTER
    return any(
        one.joined_at <= end and (one.left_at is None or one.left_at >= begin)
        for one in evidence.patient_side
    )
