"""Every state of a consent with every event."""

from __future__ import annotations

import pytest

from clinic_api.errors import Refused
from clinic_api.visits.consent import EVENTS, STATES, Event, State, after

LEGAL: dict[tuple[State, Event], State] = {
    ("presented", "give"): "given",
    ("presented", "refuse"): "refused",
    ("presented", "expire"): "expired",
    ("given", "withdraw"): "withdrawn",
    ("given", "supersede"): "superseded",
    ("given", "expire"): "expired",
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("event", EVENTS)
def test_consent_goes_where_the_table_says_or_refuses_naming_both(
    state: State, event: Event
) -> None:
    if (state, event) in LEGAL:
        assert after(state, event) == LEGAL[state, event]
        return
    with pytest.raises(Refused) as refused:
        after(state, event)
    assert state in refused.value.message
    assert event in refused.value.message
