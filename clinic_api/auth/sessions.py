"""How long a session lasts: rules over times, nothing else.

Only what a person does counts as activity; event streams and polling do not. An idle session ends:
the call that runs stays up, by its own token, but the chart needs a new sign-in.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from clinic_api.auth.model import Level

IDLE_STAFF = timedelta(minutes=15)  # NIST SP 800-63B-4 2.3.3 (AAL3); 45 CFR 164.312(a)(2)(iii)
IDLE_PATIENT = timedelta(minutes=30)
ABSOLUTE = timedelta(hours=12)
UNFINISHED = timedelta(minutes=10)  # to find the phone and type the code, or to set it up
ACTIVITY_GRAIN = timedelta(seconds=30)  # writes of activity are not made more often


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a session."""

    created_at: datetime
    active_at: datetime
    ended_at: datetime | None
    level: Level


def ends_at(times: Times, *, staff: bool) -> datetime:
    """When it ends if nobody does anything more."""
    if times.ended_at is not None:
        return times.ended_at
    if times.level != "full":
        return times.created_at + UNFINISHED
    idle = IDLE_STAFF if staff else IDLE_PATIENT
    return min(times.active_at + idle, times.created_at + ABSOLUTE)


def stands(times: Times, now: datetime, *, staff: bool) -> bool:
    return times.ended_at is None and now < ends_at(times, staff=staff)


def is_worth_noting(times: Times, now: datetime) -> bool:
    """Whether an activity now has to be written."""
    return now - times.active_at >= ACTIVITY_GRAIN
