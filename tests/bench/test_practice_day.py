"""What a practice's people ask for, and what is said of the answers."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from bench.crowd import summary
from bench.patients import DOCTORS, PATIENTS_EACH, ZONE, Filled, Login
from bench.practice_day import FIRST_HOUR, Day, people
from bench.requests import Done, Task, Took

TODAY = date(2026, 11, 24)
FILLED = Filled(
    service_id="service",
    doctors=tuple(Login(f"d{n}", f"doctor-{n}") for n in range(DOCTORS)),
    patients=tuple(Login(f"p{n}", f"patient-{n}") for n in range(DOCTORS * PATIENTS_EACH)),
)


def wanted(tasks: tuple[Task, ...]) -> list[dict[str, str]]:
    return [json.loads(step.body) for task in tasks for step in task.steps if step.kind == "hold"]


def test_a_tenth_as_many_bookings_as_reads_are_asked_for_in_time_order() -> None:
    tasks = Day(FILLED, TODAY).tasks(100, 2)
    kinds = Counter(step.kind for task in tasks for step in task.steps)
    assert kinds["chart"] + kinds["patient"] + kinds["visits"] == 200
    assert kinds["slots"] == kinds["hold"] == kinds["confirm"] == 20
    assert all(one.at_s <= other.at_s for one, other in pairwise(tasks))
    assert tasks[-1].at_s < 2


def test_no_time_is_wanted_twice_and_each_lies_in_the_hours() -> None:
    day = Day(FILLED, TODAY)
    asked = wanted(day.tasks(1000, 5)) + wanted(day.tasks(1000, 5))
    times = [(each["practitioner_id"], each["starts_at"]) for each in asked]
    assert len(set(times)) == len(times) == 1000
    for _, text in times:
        local = datetime.fromisoformat(text).astimezone(ZoneInfo(ZONE))
        assert local.weekday() < 5
        assert FIRST_HOUR <= local.hour < 17
        assert local.date() > TODAY


def test_doctors_read_of_their_own_patients_only() -> None:
    for task in Day(FILLED, TODAY).tasks(200, 1):
        (step, *_) = task.steps
        if step.kind in ("chart", "patient"):
            patient = int(step.path.split("/")[4].removeprefix("patient-"))
            assert patient // PATIENTS_EACH == task.person


def test_everybody_has_a_session_and_an_address_of_the_own() -> None:
    made = people(FILLED, "https://localhost:1")
    assert len({each.address for each in made}) == len(made) == DOCTORS * (1 + PATIENTS_EACH)
    assert made[0].headers == "Cookie: __Host-session=d0\r\nOrigin: https://localhost:1"


def test_a_wrong_answer_is_counted_and_named() -> None:
    took = (Took("chart", 200, 1.0), Took("hold", 201, 3.0), Took("hold", 429, 2.0))
    found = summary(Done(took, 0.0, 0.0))
    assert (found.answers, found.wrong, found.p50_ms, found.p99_ms) == (3, 1, 2.0, 3.0)
    assert found.kinds == {"chart": (1.0, 1.0), "hold": (2.0, 3.0)}
    assert found.statuses == {"hold 429": 1}
