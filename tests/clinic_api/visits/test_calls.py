"""When a call really was, from who came and left."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from clinic_api.visits.calls import call_times, modality_of
from clinic_api.visits.model import Modality, Participation, Role

START = datetime(2026, 5, 28, 9, 0, tzinfo=UTC)
ROLES: dict[str, Role] = {"bob": "provider", "alice": "patient", "mum": "proxy", "ines": "guest"}
Coming = tuple[str, int | None, int | None]  # who, admitted and left in minutes


@pytest.mark.parametrize(
    ("comings", "begin", "end"),
    [
        ([], None, None),
        ([("alice", 0, 9)], None, None),
        ([("bob", 0, 9)], None, None),
        ([("bob", 0, 9), ("ines", 1, 8)], None, None),
        ([("bob", 0, 9), ("alice", None, 8)], None, None),
        ([("bob", 0, 2), ("alice", 3, 8)], None, None),
        ([("bob", 0, 3), ("alice", 3, 8)], None, None),
        ([("bob", 0, 9), ("alice", 1, 8)], 1, 8),
        ([("bob", 0, None), ("alice", 1, None)], 1, None),
        ([("bob", 0, None), ("mum", 2, 8)], 2, 8),
        ([("bob", 0, 20), ("alice", 1, 4), ("alice", 6, 9)], 1, 9),
        ([("bob", 0, 20), ("alice", 1, 4), ("alice", 6, None)], 1, 20),
        ([("bob", 0, None), ("alice", 1, 4), ("alice", 6, None)], 1, None),
    ],
)
def test_a_call_is_while_both_sides_are_there(
    comings: list[Coming], begin: int | None, end: int | None
) -> None:
    seen = call_times([_coming(*one) for one in comings], ROLES)
    assert seen == (_at(begin), _at(end))


@pytest.mark.parametrize(
    ("media", "modality"),
    [
        (["", ""], None),
        (["microphone", ""], "audio"),
        (["microphone", "camera,microphone"], "video"),
        (["screen"], None),
    ],
)
def test_modality_is_what_came(media: list[str], modality: Modality | None) -> None:
    assert modality_of([_coming("bob", 0, None, one) for one in media]) == modality


def _at(minute: int | None) -> datetime | None:
    return None if minute is None else START + timedelta(minutes=minute)


def _coming(who: str, admitted: int | None, left: int | None, media: str = "") -> Participation:
    return Participation(
        id=f"{who}{admitted}",
        visit_id="v",
        participant_id=who,
        peer=f"{who}{admitted}",
        joined_at=START,
        admitted_at=_at(admitted),
        left_at=_at(left),
        why="",
        media=media,
    )
