"""The states of a consent: one table, the only place that decides the next state.

A refusal or a withdrawal stays; who changes their mind is asked again, by a new row.
"""

from __future__ import annotations

from typing import Literal, get_args

from clinic_api.errors import Refused

State = Literal["presented", "given", "refused", "withdrawn", "superseded", "expired"]
Event = Literal["give", "refuse", "withdraw", "supersede", "expire"]

STATES: tuple[State, ...] = get_args(State)
EVENTS: tuple[Event, ...] = get_args(Event)

TABLE: dict[State, dict[Event, State]] = {
    "presented": {"give": "given", "refuse": "refused", "expire": "expired"},
    "given": {"withdraw": "withdrawn", "supersede": "superseded", "expire": "expired"},
    "refused": {},
    "withdrawn": {},
    "superseded": {},
    "expired": {},
}


def after(state: State, event: Event) -> State:
    """Raises Refused(illegal_event), which names both."""
    try:
        return TABLE[state][event]
    except KeyError:
        raise Refused("illegal_event", f"Consent that is {state} cannot {event}.") from None
