"""What a link opens, by the state of its visit, its seat and the time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from clinic_api.visits.model import LinkState, Participant, Visit, is_open, link_state
from clinic_api.visits.visit import State

NOW = datetime(2026, 5, 28, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
VISIT = Visit(
    id="v",
    version=1,
    room="r",
    kind="instant",
    state="planned",
    practitioner_id=None,
    patient_id=None,
    appointment_id=None,
    starts_at=None,
    declared_modality="video",
    real_modality=None,
    opens_at=NOW - HOUR,
    expires_at=NOW + HOUR,
    first_joined_at=None,
    admitted_at=None,
    call_started_at=None,
    call_ended_at=None,
    ended_at=None,
    late_minutes=None,
    late_said_at=None,
)
SEAT = Participant(
    id="p",
    version=1,
    visit_id="v",
    role="patient",
    name="Alice",
    language="en",
    phone="",
    email="",
    user_id=None,
    patient_id=None,
    rights=(),
    waits=True,
    binds_device=True,
    generation=1,
    takeovers=0,
    tries=0,
    bound=False,
    agreed_at=None,
    revoked_at=None,
)


@pytest.mark.parametrize(
    ("state", "opens_at", "expires_at", "opened"),
    [
        ("planned", NOW - HOUR, NOW + HOUR, "open"),
        ("planned", NOW, NOW + HOUR, "open"),
        ("planned", NOW + HOUR, NOW + 2 * HOUR, "early"),
        ("planned", NOW - HOUR, NOW, "expired"),
        ("waiting", NOW - HOUR, NOW, "expired"),
        ("in_progress", NOW - 2 * HOUR, NOW - HOUR, "open"),
        ("ended", NOW - HOUR, NOW + HOUR, "ended"),
        ("cancelled", NOW - HOUR, NOW + HOUR, "cancelled"),
        ("expired", NOW - HOUR, NOW + HOUR, "expired"),
    ],
)
def test_a_link_opens_what_its_visit_is(
    state: State, opens_at: datetime, expires_at: datetime, opened: LinkState
) -> None:
    visit = msgspec.structs.replace(VISIT, state=state, opens_at=opens_at, expires_at=expires_at)
    assert link_state(visit, SEAT, NOW) == opened
    assert is_open(visit, NOW) == (opened in ("open", "early"))


@pytest.mark.parametrize("state", ["planned", "ended"])
def test_a_withdrawn_seat_opens_nothing(state: State) -> None:
    visit = msgspec.structs.replace(VISIT, state=state)
    seat = msgspec.structs.replace(SEAT, revoked_at=NOW)
    assert link_state(visit, seat, NOW) == "revoked"
