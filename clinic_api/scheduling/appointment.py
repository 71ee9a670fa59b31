"""The states of an appointment: one table, the only place that decides the next state.

held → booked, straight away or after payment or approval → checked_in → in_progress → fulfilled.
A hold lapses; what is booked may be moved (a new appointment, linked both ways), cancelled, or not
come to. What came of an appointment may be put right by a person; the server only says that what it
called missed was held after all, and never anything over a person's word. Nothing else that is over
changes any more. Guards take facts as values.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal, get_args

import msgspec

from clinic_api.errors import Refused

State = Literal[
    "held",
    "expired",
    "pending_payment",
    "pending_approval",
    "booked",
    "moved",
    "cancelled",
    "checked_in",
    "in_progress",
    "fulfilled",
    "no_show_patient",
    "no_show_provider",
    "entered_in_error",
]
Event = Literal[
    "confirm",
    "ask_payment",
    "ask_approval",
    "pay",
    "approve",
    "decline",
    "expire",
    "move",
    "cancel",
    "check_in",
    "begin",
    "fulfil",
    "miss_patient",
    "miss_provider",
    "correct",
]
By = Literal["patient", "staff", "system"]

STATES: tuple[State, ...] = get_args(State)
EVENTS: tuple[Event, ...] = get_args(Event)
HOLD = timedelta(minutes=10)
MAX_HOLDS = 3  # of one patient at a time
NO_SHOW_AFTER = timedelta(minutes=15)  # the server waits so long before it says that nobody came

PENDING: frozenset[State] = frozenset({"held", "pending_payment", "pending_approval"})
LIVE: frozenset[State] = PENDING | {"booked", "checked_in", "in_progress"}  # take up their time

TABLE: dict[State, dict[Event, State]] = {
    "held": {
        "confirm": "booked",
        "ask_payment": "pending_payment",
        "ask_approval": "pending_approval",
        "expire": "expired",
        "cancel": "cancelled",
    },
    "expired": {},
    "pending_payment": {
        "pay": "booked",
        "ask_approval": "pending_approval",
        "expire": "expired",
        "cancel": "cancelled",
    },
    "pending_approval": {
        "approve": "booked",
        "decline": "cancelled",
        "expire": "expired",
        "cancel": "cancelled",
    },
    "booked": {
        "move": "moved",
        "cancel": "cancelled",
        "check_in": "checked_in",
        "miss_patient": "no_show_patient",
        "miss_provider": "no_show_provider",
    },
    "moved": {},
    "cancelled": {},
    "checked_in": {
        "cancel": "cancelled",
        "begin": "in_progress",
        "miss_patient": "no_show_patient",
        "miss_provider": "no_show_provider",
    },
    "in_progress": {"fulfil": "fulfilled"},
    "fulfilled": {"miss_patient": "no_show_patient", "miss_provider": "no_show_provider"},
    "no_show_patient": {"fulfil": "fulfilled", "miss_provider": "no_show_provider"},
    "no_show_provider": {"fulfil": "fulfilled", "miss_patient": "no_show_patient"},
    "entered_in_error": {},
}
for _state in STATES:
    if _state != "entered_in_error":
        TABLE[_state]["correct"] = "entered_in_error"

OUTCOMES: frozenset[State] = frozenset({"fulfilled", "no_show_patient", "no_show_provider"})


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What guards go by."""

    by: By
    now: datetime
    starts_at: datetime
    expires_at: datetime | None = None  # of a hold, and of what waits
    notice_min: int = 0  # until so long before the start a patient moves by themselves
    moves: int = 0  # so far
    max_moves: int = 0
    decided_by_hand: bool = False  # a person has said what came of it
    has_reason: bool = False  # staff have said why


def after(state: State, event: Event, facts: Facts) -> State:
    """Raises Refused: illegal_event, which names both; hold_expired, too_late, too_many_moves,
    too_early, reason_needed."""
    following = TABLE[state].get(event)
    if following is None or (facts.by == "system" and is_said(state, event, facts.decided_by_hand)):
        raise Refused("illegal_event", f"An appointment that is {state} cannot {event}.")
    if state in PENDING and event != "expire" and lapsed(facts):
        raise Refused("hold_expired")
    if event in _GUARDS:
        _GUARDS[event](facts)
    return following


def is_said(state: State, event: Event, decided_by_hand: bool) -> bool:
    """Whether it stands against the server what came of an appointment: a person's word does, and
    the server's own unless the visit was held after all."""
    return decided_by_hand or (state in OUTCOMES and event != "fulfil")


def is_late(facts: Facts) -> bool:
    """Whether it is too late for a patient to move; cancelling is possible, and counts as late."""
    return facts.now > facts.starts_at - timedelta(minutes=facts.notice_min)


def lapsed(facts: Facts) -> bool:
    """Whether a hold, or what waits, is over."""
    return facts.expires_at is not None and facts.expires_at <= facts.now


def _may_expire(facts: Facts) -> None:
    if not lapsed(facts):
        raise Refused("too_early")


def _may_move(facts: Facts) -> None:
    if facts.by == "patient" and is_late(facts):
        raise Refused("too_late")
    if facts.by == "patient" and facts.moves >= facts.max_moves:
        raise Refused("too_many_moves")
    if facts.by == "staff" and is_late(facts) and not facts.has_reason:
        raise Refused("reason_needed")


def _may_cancel(facts: Facts) -> None:
    if facts.by == "patient" and facts.now >= facts.starts_at:
        raise Refused("too_late")


def _may_miss(facts: Facts) -> None:
    grace = NO_SHOW_AFTER if facts.by == "system" else timedelta()
    if facts.now < facts.starts_at + grace:
        raise Refused("too_early")


def _may_correct(facts: Facts) -> None:
    if not facts.has_reason:
        raise Refused("reason_needed")


_GUARDS: dict[Event, Callable[[Facts], None]] = {
    "expire": _may_expire,
    "move": _may_move,
    "cancel": _may_cancel,
    "miss_patient": _may_miss,
    "miss_provider": _may_miss,
    "correct": _may_correct,
}
