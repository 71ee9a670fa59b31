"""Whatever patients do in the nights when clocks are set: nothing overlaps, all times are true."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from random import Random

import pytest

from clinic_api.errors import Refused
from clinic_api.scheduling.appointment import LIVE
from clinic_api.scheduling.booking import confirm, take_hold
from clinic_api.scheduling.ending import Cancel, cancel
from clinic_api.scheduling.hours import AddHours, add_hours
from clinic_api.scheduling.model import AppointmentView
from clinic_api.scheduling.moving import Move, take_move
from clinic_api.scheduling.store import appointments
from clinic_api.scheduling.wall import Wall, derived
from clinic_api.transaction import Transaction
from tests.clinic_api.scheduling.cast import Practice, one
from tests.clinic_api.scheduling.zones import changes, zone
from tests.clinic_api.visits.cast import CONSOLE

STEPS = 100
WHAT = ("hold", "hold", "confirm", "confirm", "move", "move", "move", "cancel", "wait")
LOST = {"slot_taken", "slot_closed", "too_many_holds", "hold_expired", "illegal_event", "invalid"}


class Crowd:
    """Alice and Eve, who cannot make up their minds about one night."""

    def __init__(self, clinic: Practice, service_id: str, change: datetime, seed: int) -> None:
        self._clinic, self._service_id, self._change = clinic, service_id, change
        self._chance = Random(seed)
        self._held: list[AppointmentView] = []
        self._booked: list[AppointmentView] = []

    async def step(self) -> None:
        actor = self._chance.choice([self._clinic.alice, self._clinic.eve])
        mine = [each for each in self._booked if each.patient_id in actor.patient_ids]
        held = [each for each in self._held if each.patient_id in actor.patient_ids]
        what = self._chance.choice(WHAT)
        if what == "hold":
            wanted = self._clinic.hold_of(actor, self._start(), service_id=self._service_id)
            self._held.append(await self._clinic.do(take_hold, actor, wanted))
        elif what == "confirm" and held:
            self._held.remove(held[0])
            self._booked.append(await self._clinic.do(confirm, actor, one(held[0])))
        elif what == "move" and mine:
            to = Move(appointment_id=mine[0].id, version=mine[0].version, starts_at=self._start())
            self._booked.append(await self._clinic.do(take_move, actor, to))
            self._booked.remove(mine[0])
        elif what == "cancel" and mine:
            self._booked.remove(mine[0])
            over = Cancel(appointment_id=mine[0].id, version=mine[0].version)
            await self._clinic.do(cancel, actor, over)
        elif what == "wait":
            self._clinic.clock.advance(self._chance.randrange(240))

    def _start(self) -> datetime:
        return self._change + self._chance.randrange(-18, 18) * timedelta(minutes=10)


@pytest.mark.slow
@pytest.mark.parametrize("nth", [0, 1])
@pytest.mark.parametrize("name", ["America/New_York", "Australia/Lord_Howe", "Africa/Casablanca"])
async def test_no_step_makes_two_at_once_or_a_time_that_no_clock_shows(
    clinic: Practice, name: str, nth: int
) -> None:
    change = changes(name)[-2 + nth]  # the last two: one forth, one back
    clinic.clock.now_s = (change - timedelta(days=5)).timestamp()
    service_id = await clinic.service(
        duration_min=20, step_min=10, buffer_before_min=5, buffer_after_min=10, max_moves=20
    )
    await clinic.database.write(lambda tx: _always_open(tx, clinic.bob_id, name))
    crowd = Crowd(clinic, service_id, change, seed=nth)
    for _ in range(STEPS):
        try:
            await crowd.step()
        except Refused as refused:
            assert refused.code in LOST
    await _is_sound(clinic)


def _always_open(tx: Transaction, practitioner_id: str, name: str) -> None:
    for weekday in range(7):
        hours = AddHours(
            practitioner_id=practitioner_id,
            weekday=weekday,
            from_time="00:00",
            until_time="24:00",
            zone=name,
            valid_from=date(2024, 1, 1),
        )
        add_hours(tx, CONSOLE, hours)


async def _is_sound(clinic: Practice) -> None:
    rows = await clinic.rows(appointments)
    assert len(rows) > STEPS // 10
    assert any(row.state == "moved" for row in rows)
    assert await clinic.overlaps() == 0
    for row in rows:
        wall = Wall(local=datetime.fromisoformat(row.local), fold=row.fold, zone=row.zone)
        assert derived(wall, zone) == row.starts_at
        assert row.ends_at - row.starts_at == timedelta(minutes=20)
        assert row.starts_at - row.busy_from == timedelta(minutes=5)
        assert row.busy_until - row.ends_at == timedelta(minutes=10)
        assert row.blocks == (row.state in LIVE)
    alive = Counter(row.uid for row in rows if row.state in LIVE)
    assert set(alive.values()) <= {1}  # one event in a calendar, however often it is moved
