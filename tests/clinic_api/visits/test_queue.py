"""The estimate: never less than what is known, nothing where nothing is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic_api.visits.queue import STEP_MINUTES, place

MINUTE = 60.0


@pytest.mark.parametrize(
    ("ahead", "running_for_s", "late_minutes", "wait_minutes"),
    [
        (0, None, None, 0),
        (0, 4 * MINUTE, None, 10),  # 6 minutes of 10 are left, rounded up
        (0, 60 * MINUTE, None, 0),  # longer than usual: may end at any time
        (2, None, None, 20),
        (2, 5 * MINUTE, None, 25),
        (0, None, 12, 15),  # the doctor's own word
        (3, None, 12, 30),
    ],
)
def test_the_wait_is_what_is_ahead_and_at_least_what_was_said(
    ahead: int, running_for_s: float | None, late_minutes: int | None, wait_minutes: int
) -> None:
    durations_s = [10 * MINUTE, 9 * MINUTE, 300 * MINUTE, 10 * MINUTE, 11 * MINUTE]
    found = place(ahead, durations_s, running_for_s, late_minutes)
    assert (found.position, found.wait_minutes) == (ahead + 1, wait_minutes)


def test_two_visits_are_no_basis_but_the_doctors_word_is() -> None:
    assert place(1, [600.0, 600.0], None, None).wait_minutes is None
    assert place(1, [600.0, 600.0], None, 7).wait_minutes == 10


@given(
    ahead=st.integers(0, 50),
    durations_s=st.lists(st.floats(1, 7200), min_size=3, max_size=20),
    running_for_s=st.none() | st.floats(0, 7200),
)
def test_who_is_further_back_never_waits_less(
    ahead: int, durations_s: list[float], running_for_s: float | None
) -> None:
    near = place(ahead, durations_s, running_for_s, None).wait_minutes
    far = place(ahead + 1, durations_s, running_for_s, None).wait_minutes
    assert near is not None
    assert far is not None
    assert far >= near
    assert near % STEP_MINUTES == 0
