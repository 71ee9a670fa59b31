"""Those who want one time at once: one asks the database, the others hear what became of it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from clinic_api.errors import Alternative, Refused
from clinic_api.scheduling.model import AppointmentView
from clinic_api.scheduling.rivals import Rivals, Time

NINE = datetime(2026, 6, 1, 13, tzinfo=UTC)
TIME = Time(service_id="visit", practitioner_id="bob", starts_at=NINE, by_staff=False)
OTHER = Alternative(practitioner_id="bob", starts_at=NINE, ends_at=NINE)
TAKEN: Any = "taken"  # what an attempt gives is passed on as it is


class Desk:
    """Counts what the database is asked."""

    def __init__(self, *outcomes: str) -> None:
        self.outcomes = list(outcomes)  # codes of refusals, "": taken
        self.looks = 0

    async def attempt(self) -> AppointmentView:
        await asyncio.sleep(0)
        code = self.outcomes.pop(0)
        if code:
            raise Refused(code)
        return TAKEN  # type: ignore[no-any-return]

    async def others(self) -> tuple[Alternative, ...]:
        self.looks += 1
        await asyncio.sleep(0)
        return (OTHER,)


async def outcomes(rivals: Rivals, desk: Desk, count: int) -> list[str]:
    """Codes, "" for whoever got it."""
    tries = (rivals.take(TIME, desk.attempt, desk.others) for _ in range(count))
    found = await asyncio.gather(*tries, return_exceptions=True)
    refused = [each for each in found if isinstance(each, Refused)]
    assert all(each.alternatives == (OTHER,) for each in refused if each.code == "slot_taken")
    return [each.code if isinstance(each, Refused) else "" for each in found]


async def test_one_try_and_one_look_are_enough_for_all() -> None:
    rivals, desk = Rivals(), Desk("")
    assert await outcomes(rivals, desk, 5) == ["", *["slot_taken"] * 4]
    assert (desk.outcomes, desk.looks, len(rivals)) == ([], 1, 0)


async def test_whoever_may_not_does_not_lose_it_for_the_next() -> None:
    rivals, desk = Rivals(), Desk("too_many_holds", "")
    assert await outcomes(rivals, desk, 3) == ["too_many_holds", "", "slot_taken"]


async def test_a_time_that_was_taken_before_is_tried_once() -> None:
    rivals, desk = Rivals(), Desk("slot_taken")
    assert await outcomes(rivals, desk, 3) == ["slot_taken"] * 3
    assert desk.looks == 1


async def test_later_it_is_tried_anew() -> None:
    rivals = Rivals()
    assert await outcomes(rivals, Desk(""), 1) == [""]
    assert await outcomes(rivals, Desk(""), 1) == [""]  # it was given up meanwhile


async def test_whoever_goes_away_leaves_the_look_to_the_others() -> None:
    rivals, desk = Rivals(), Desk("slot_taken")
    first = asyncio.create_task(rivals.take(TIME, desk.attempt, desk.others))
    second = asyncio.create_task(rivals.take(TIME, desk.attempt, desk.others))
    while not desk.looks:
        await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(Refused) as refused:
        await second
    assert refused.value.alternatives == (OTHER,)
    assert len(rivals) == 0
