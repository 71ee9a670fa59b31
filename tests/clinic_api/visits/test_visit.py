"""Every state of a visit with every event."""

from __future__ import annotations

import pytest

from clinic_api.errors import Refused
from clinic_api.visits.visit import EVENTS, OPEN, STATES, TABLE, Event, State, after

LEGAL: dict[tuple[State, Event], State] = {
    ("planned", "arrive"): "waiting",
    ("planned", "admit"): "in_progress",
    ("planned", "end"): "ended",
    ("planned", "cancel"): "cancelled",
    ("planned", "expire"): "expired",
    ("waiting", "arrive"): "waiting",
    ("waiting", "depart"): "planned",
    ("waiting", "admit"): "in_progress",
    ("waiting", "end"): "ended",
    ("waiting", "cancel"): "cancelled",
    ("waiting", "expire"): "expired",
    ("in_progress", "arrive"): "in_progress",
    ("in_progress", "admit"): "in_progress",
    ("in_progress", "end"): "ended",
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("event", EVENTS)
def test_a_visit_goes_where_the_table_says_or_refuses_naming_both(
    state: State, event: Event
) -> None:
    if (state, event) in LEGAL:
        assert after(state, event) == LEGAL[state, event]
        return
    with pytest.raises(Refused) as refused:
        after(state, event)
    assert refused.value.code == "illegal_event"
    assert state in refused.value.message
    assert event in refused.value.message


def test_what_is_over_stays_over() -> None:
    assert {state for state in STATES if not TABLE[state]} == set(STATES) - OPEN
