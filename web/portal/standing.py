"""What a visit's state is in words: the truth of this moment, by who is there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from clinic_api.visits.model import PATIENT_SIDE
from clinic_api.visits.views import SeatView, VisitView
from clinic_api.visits.visit import OPEN


class Standing(msgspec.Struct, frozen=True):
    """`words`, then the time: since when, or for when; `live`: somebody on the patient's side is
    there."""

    words: str
    since: datetime | None = None
    live: bool = False


def standing(visit: VisitView) -> Standing:
    """Where the visit stands."""
    if visit.state not in OPEN:
        return Standing(visit.state)
    waiting = [seat for seat in visit.participants if seat.presence == "waiting"]
    if waiting:
        return Standing(_waits(waiting), _since(waiting), live=True)
    inside = [seat for seat in visit.participants if seat.presence == "in_call"]
    patients = [seat for seat in inside if seat.role in PATIENT_SIDE]
    if visit.state == "in_progress":
        return _going_on(inside, patients)
    if not inside and visit.starts_at is not None:
        return Standing("booked for", visit.starts_at)
    return Standing("patient not here yet" if inside else "nobody here yet")


def _going_on(inside: list[SeatView], patients: list[SeatView]) -> Standing:
    if not inside:
        return Standing("begun, nobody there now")
    if not patients:
        return Standing("begun, patient not there now")
    if len(patients) == len(inside):
        return Standing("patient alone in the call since", _since(patients), live=True)
    return Standing("in the call since", _since(patients), live=True)


def _waits(waiting: list[SeatView]) -> str:
    """The patient's name stands beside it."""
    if any(seat.role == "patient" for seat in waiting):
        return "waiting since"
    return f"{waiting[0].name} waiting since"


def _since(seats: Sequence[SeatView]) -> datetime | None:
    return min((seat.since for seat in seats if seat.since is not None), default=None)


def clock(zone: ZoneInfo, now: datetime) -> Callable[[datetime], str]:
    """Instants as people say them: the time of day, with the date where it is not today's."""
    today = now.astimezone(zone).date()

    def shown(at: datetime) -> str:
        there = at.astimezone(zone)
        return there.strftime("%H:%M" if there.date() == today else "%d %b %Y, %H:%M")

    return shown


def second(zone: ZoneInfo) -> Callable[[datetime], str]:
    """Instants within one call, to the second."""

    def shown(at: datetime) -> str:
        return at.astimezone(zone).strftime("%H:%M:%S")

    return shown
