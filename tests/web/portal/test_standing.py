"""A visit's state in words is the truth of the moment."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest

from clinic_api.visits.model import Role
from clinic_api.visits.views import Presence, SeatView, VisitView
from clinic_api.visits.visit import State
from web.portal.standing import Standing, clock, standing

CAME = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def seat(role: Role, presence: Presence, name: str = "Alice") -> SeatView:
    return SeatView(
        id=name,
        role=role,
        name=name,
        language="en",
        phone="",
        email="",
        revoked=False,
        on_a_device=False,
        asks_agreement=False,
        presence=presence,
        since=None if presence == "away" else CAME,
    )


def visit(state: State, bob: Presence, alice: Presence, *more: SeatView) -> VisitView:
    return VisitView(
        id="v",
        version=1,
        kind="instant",
        state=state,
        practitioner_id=None,
        patient_id=None,
        appointment_id=None,
        starts_at=None,
        reason="",
        declared_modality="video",
        real_modality=None,
        opens_at=CAME,
        expires_at=CAME,
        first_joined_at=None,
        admitted_at=None,
        call_started_at=None,
        call_ended_at=None,
        ended_at=None,
        late_minutes=None,
        participants=(seat("provider", bob, "Bob"), seat("patient", alice), *more),
    )


@pytest.mark.parametrize(
    ("state", "bob", "alice", "words"),
    [
        ("planned", "away", "away", "nobody here yet"),
        ("planned", "in_call", "away", "patient not here yet"),
        ("waiting", "away", "waiting", "waiting since"),
        ("waiting", "in_call", "waiting", "waiting since"),
        ("in_progress", "in_call", "in_call", "in the call since"),
        ("in_progress", "away", "in_call", "patient alone in the call since"),
        ("in_progress", "in_call", "away", "begun, patient not there now"),
        ("in_progress", "in_call", "waiting", "waiting since"),
        ("in_progress", "away", "away", "begun, nobody there now"),
        ("ended", "away", "away", "ended"),
    ],
)
def test_the_words_say_who_is_there(
    state: State, bob: Presence, alice: Presence, words: str
) -> None:
    said = standing(visit(state, bob, alice))
    assert said.words == words
    assert said.live == (alice != "away")
    assert (said.since is not None) == words.endswith("since")


def test_a_guest_who_waits_is_named() -> None:
    said = standing(visit("planned", "away", "away", seat("guest", "waiting", "Dora")))
    assert said.words == "Dora waiting since"


def test_a_booked_visit_says_for_when_until_somebody_comes() -> None:
    booked = msgspec.structs.replace(visit("planned", "away", "away"), starts_at=CAME)
    assert standing(booked) == Standing("booked for", CAME)
    here = msgspec.structs.replace(visit("planned", "in_call", "away"), starts_at=CAME)
    assert standing(here).words == "patient not here yet"


def test_todays_times_are_of_day_and_others_have_their_date() -> None:
    shown = clock(ZoneInfo("America/New_York"), datetime(2026, 3, 1, 23, 0, tzinfo=UTC))
    assert shown(CAME) == "04:30"
    assert shown(datetime(2026, 3, 1, 3, 0, tzinfo=UTC)) == "28 Feb 2026, 22:00"
