"""The life of a message that leaves: one table, and when a failed one is tried again.

queued → leased → sent, or failed and leased again after a pause, or dead, expired, withdrawn.
A message that is leased while it is leased belonged to a sender that died.
"""

from __future__ import annotations

from typing import Literal

from clinic_api.errors import Refused

State = Literal["queued", "leased", "failed", "sent", "dead", "expired", "withdrawn"]
Event = Literal["lease", "accept", "fail", "give_up", "expire", "withdraw", "retry"]

OPEN: tuple[State, ...] = ("queued", "failed", "leased")  # what a sender may take, once it is due
UNSENT: tuple[State, ...] = ("queued", "failed", "leased", "dead")  # what staff may have to do
OVER: tuple[State, ...] = ("sent", "expired", "withdrawn")

TRANSITIONS: dict[tuple[State, Event], State] = {
    ("queued", "lease"): "leased",
    ("queued", "expire"): "expired",
    ("queued", "withdraw"): "withdrawn",
    ("queued", "retry"): "queued",  # at once, instead of later
    ("leased", "lease"): "leased",
    ("leased", "accept"): "sent",
    ("leased", "fail"): "failed",
    ("leased", "give_up"): "dead",
    ("leased", "expire"): "expired",
    ("leased", "withdraw"): "withdrawn",
    ("failed", "lease"): "leased",
    ("failed", "expire"): "expired",
    ("failed", "withdraw"): "withdrawn",
    ("failed", "retry"): "queued",
    ("dead", "retry"): "queued",
    ("dead", "withdraw"): "withdrawn",
}

# RFC 5321 4.5.4.1: at least 30 minutes between most tries, give up after some days; the first
# tries are closer together, because somebody may be waiting for a link.
PAUSES_S = (30.0, 120.0, 600.0, 1800.0, 3600.0, 3 * 3600.0, 6 * 3600.0, 12 * 3600.0, 24 * 3600.0)
JITTER = 0.2  # of the pause, both ways: many that failed together come back one by one


def after(state: State, event: Event) -> State:
    """The next state. Raises Refused(illegal_event), naming both."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise Refused(
            "illegal_event", f"This message is {state}: “{event}” is not possible."
        ) from None


def pause_s(attempts: int, chance: float) -> float | None:
    """How long to wait after so many attempts, ≥ 1; `chance` is in [0, 1). None: give up."""
    if attempts > len(PAUSES_S):
        return None
    return PAUSES_S[attempts - 1] * (1 - JITTER + 2 * JITTER * chance)
