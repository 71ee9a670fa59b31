"""The states of an entry in a clinical list: one table, the only place that decides the next.

active ⇄ inactive (a problem resolved, a medicine stopped, an allergy that was outgrown). What was
wrong from the start is withdrawn, stays readable as that, and never changes any more.
"""

from __future__ import annotations

from typing import Literal, get_args

from clinic_api.errors import Refused

EntryState = Literal["active", "inactive", "entered_in_error"]
EntryEvent = Literal["end", "reactivate", "withdraw"]

STATES: tuple[EntryState, ...] = get_args(EntryState)
EVENTS: tuple[EntryEvent, ...] = get_args(EntryEvent)

TABLE: dict[EntryState, dict[EntryEvent, EntryState]] = {
    "active": {"end": "inactive", "withdraw": "entered_in_error"},
    "inactive": {"reactivate": "active", "withdraw": "entered_in_error"},
    "entered_in_error": {},
}


def after(state: EntryState, event: EntryEvent) -> EntryState:
    """Raises Refused(illegal_event), which names both."""
    try:
        return TABLE[state][event]
    except KeyError:
        said = state.replace("_", " ")
        raise Refused("illegal_event", f"An entry that is {said} cannot {event}.") from None
