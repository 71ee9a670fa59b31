"""What an appointment still needs of its patient before the visit: `form`, `consent:telehealth`.

Scheduling knows neither forms nor consents: who does declares from above what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from clinic_api.scheduling.appointment import State
from clinic_api.scheduling.model import Appointment
from clinic_api.transaction import Transaction

Needs = Mapping[str, tuple[str, ...]]  # by the appointment's id
Source = Callable[[Transaction, Sequence[Appointment]], Needs]

AHEAD: frozenset[State] = frozenset(
    {"held", "pending_payment", "pending_approval", "booked", "checked_in"}
)

_SOURCES: list[Source] = []


def tells_needs(source: Source) -> Source:
    """Declare who knows of something that may be missing, once."""
    _SOURCES.append(source)
    return source


def needs_of(tx: Transaction, appointments: Iterable[Appointment]) -> Needs:
    """For all of a list at once; nothing for what is over."""
    ahead = [each for each in appointments if each.state in AHEAD]
    if not ahead:
        return {}
    told = [source(tx, ahead) for source in _SOURCES]
    return {each.id: tuple(one for by in told for one in by.get(each.id, ())) for each in ahead}
