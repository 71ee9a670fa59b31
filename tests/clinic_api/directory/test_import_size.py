"""The largest import there may be, into a large clinic, while others go on working."""

from __future__ import annotations

import asyncio
import sys
from time import perf_counter

import pytest

from clinic_api.directory.csv_sheet import MAX_ROWS
from clinic_api.directory.service import SearchPatients, search_patients
from tests.clinic_api.directory.imports import applied, checked
from tests.clinic_api.visits.cast import CAROL, Clinic

OTHERS_WAIT_S = 1.0


def table(first: int) -> str:
    rows = (
        f"Patient {number},19{number % 90 + 10}-05-17,f,"
        f"+1202{number + 5_550_000:07d},p{number}@example.org"
        for number in range(first, first + MAX_ROWS)
    )
    return "name,birth date,sex,phone,email\n" + "\n".join(rows) + "\n"


async def slowest(clinic: Clinic, until: asyncio.Event) -> float:
    """Seconds that the slowest of the desk's audited searches took meanwhile."""
    longest = 0.0
    while not until.is_set():
        started = perf_counter()
        await clinic.see(search_patients, CAROL, SearchPatients(text="patient 77"))
        longest = max(longest, perf_counter() - started)
        await asyncio.sleep(0.05)
    return longest


@pytest.mark.prove
async def test_ten_thousand_rows_come_in_while_the_desk_searches(clinic_on_both: Clinic) -> None:
    clinic, over = clinic_on_both, asyncio.Event()
    await applied(clinic, await checked(clinic, table(0)))
    clinic.clock.advance(1)
    waiting = asyncio.create_task(slowest(clinic, over))
    started = perf_counter()
    one = await checked(clinic, table(MAX_ROWS))
    check_s, started = perf_counter() - started, perf_counter()
    done = await applied(clinic, one)
    apply_s = perf_counter() - started
    over.set()
    waited_s = await waiting
    sys.stdout.write(f"check {check_s:.1f} s, apply {apply_s:.1f} s, waited {waited_s:.2f} s\n")
    assert (one.wrong, one.alike, done.created) == (0, 0, MAX_ROWS)
    assert waited_s <= OTHERS_WAIT_S
