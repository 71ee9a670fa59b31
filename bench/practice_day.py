"""What the people of a practice ask for in some seconds: a pure plan of requests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from bench.patients import PATIENTS_EACH, ZONE, Filled
from bench.requests import Person, Step, Task

API = "/api/v1"
READS_PER_BOOKING = 10
BOOKED_FROM_DAYS = 2  # ahead; past every lead
DAYS = 80  # within the service's horizon
FIRST_HOUR, HALF_HOURS = 9, 15  # the last visit ends at 16:20
_NETWORK = "127.200"  # the clients of the call have others
# Of five audited reads: doctors look into charts, at who a patient is, at their list of visits.
_READS = ("chart", "patient", "chart", "visits", "chart")


def people(filled: Filled, origin: str) -> tuple[Person, ...]:
    """The doctors, then the patients, each with a session and an address of the own."""
    logins = (*filled.doctors, *filled.patients)
    return tuple(
        Person(
            f"{_NETWORK}.{1 + n // 200}.{1 + n % 200}",
            f"Cookie: __Host-session={login.token}\r\nOrigin: {origin}",
        )
        for n, login in enumerate(logins)
    )


class Day:
    """Makes plans; no time is booked twice."""

    def __init__(self, filled: Filled, today: date) -> None:
        self._filled = filled
        self._times = _times(len(filled.doctors), today)
        self._reads = 0
        self._bookings = 0

    def tasks(self, reads_per_s: float, seconds: float) -> tuple[Task, ...]:
        """So many audited reads and a tenth as many bookings, evenly spread."""
        reads = int(reads_per_s * seconds)
        bookings = reads // READS_PER_BOOKING
        made = [self._read(n / reads_per_s) for n in range(reads)]
        apart_s = READS_PER_BOOKING / reads_per_s
        made += [self._booking((n + 0.55) * apart_s) for n in range(bookings)]
        return tuple(sorted(made, key=lambda task: task.at_s))

    def _read(self, at_s: float) -> Task:
        n = self._reads
        self._reads += 1
        doctor = n % len(self._filled.doctors)
        turn = n // len(self._filled.doctors)
        patient = self._filled.patients[doctor * PATIENTS_EACH + turn % PATIENTS_EACH].id
        kind = _READS[(n + turn) % len(_READS)]
        path = {
            "chart": f"/patients/{patient}/chart",
            "patient": f"/patients/{patient}",
            "visits": "/visits?limit=10",
        }[kind]
        return Task(at_s, doctor, (Step(kind, "GET", API + path),))

    def _booking(self, at_s: float) -> Task:
        """A patient looks at a week of a doctor's free times, keeps one and confirms it."""
        n = self._bookings
        self._bookings += 1
        doctor, starts_at = next(self._times)
        patient = n * 7 % len(self._filled.patients)
        day = starts_at.date()
        asked = {
            "service_id": self._filled.service_id,
            "practitioner_ids": self._filled.doctors[doctor].id,
            "from_day": f"{day - timedelta(days=1)}",
            "until_day": f"{day + timedelta(days=5)}",
        }
        wanted = {
            "patient_id": self._filled.patients[patient].id,
            "service_id": self._filled.service_id,
            "practitioner_id": self._filled.doctors[doctor].id,
            "starts_at": starts_at.isoformat(),
        }
        query = "&".join(f"{name}={value}" for name, value in asked.items())
        steps = (
            Step("slots", "GET", f"{API}/slots?{query}"),
            Step("hold", "POST", f"{API}/appointments/hold", json.dumps(wanted)),
            Step("confirm", "POST", f"{API}/appointments/{{id}}/confirm", "{}", '"1"'),
        )
        return Task(at_s, len(self._filled.doctors) + patient, steps)


def _times(doctors: int, today: date) -> Iterator[tuple[int, datetime]]:
    """(doctor, start) of visits half an hour apart, the doctors by turns."""
    for ahead in range(BOOKED_FROM_DAYS, DAYS):
        day = today + timedelta(days=ahead)
        if day.weekday() >= 5:
            continue
        for half_hour in range(HALF_HOURS):
            wall = datetime(day.year, day.month, day.day, FIRST_HOUR, tzinfo=ZoneInfo(ZONE))
            start = (wall + half_hour * timedelta(minutes=30)).astimezone(UTC)
            for doctor in range(doctors):
                yield doctor, start
