"""The states of a visit: one table, the only place that decides the next state.

planned → waiting (a patient came) → in_progress (a patient was admitted) → ended. A doctor who is
there alone changes nothing, and when nobody waits any more the visit is planned again. What has not
begun may be cancelled, or expire. The last three never change any more.
"""

from __future__ import annotations

from typing import Literal, get_args

from clinic_api.errors import Refused

State = Literal["planned", "waiting", "in_progress", "ended", "cancelled", "expired"]
Event = Literal["arrive", "depart", "admit", "end", "cancel", "expire"]

STATES: tuple[State, ...] = get_args(State)
EVENTS: tuple[Event, ...] = get_args(Event)
OPEN: frozenset[State] = frozenset({"planned", "waiting", "in_progress"})

TABLE: dict[State, dict[Event, State]] = {
    "planned": {
        "arrive": "waiting",
        "admit": "in_progress",
        "end": "ended",
        "cancel": "cancelled",
        "expire": "expired",
    },
    "waiting": {
        "arrive": "waiting",
        "depart": "planned",
        "admit": "in_progress",
        "end": "ended",
        "cancel": "cancelled",
        "expire": "expired",
    },
    "in_progress": {"arrive": "in_progress", "admit": "in_progress", "end": "ended"},
    "ended": {},
    "cancelled": {},
    "expired": {},
}


def after(state: State, event: Event) -> State:
    """Raises Refused(illegal_event), which names both."""
    try:
        return TABLE[state][event]
    except KeyError:
        raise Refused("illegal_event", f"A visit that is {state} cannot {event}.") from None
