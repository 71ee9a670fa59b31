"""A practice where Bob has hours on weekdays, 09:00–12:00 in New York; Alice books, Dora waits."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec

from clinic_api.actor import Actor
from clinic_api.catalogue.service import (
    CreateOffer,
    CreateService,
    create_offer,
    create_service,
)
from clinic_api.db import Database
from clinic_api.directory.model import PatientDetails
from clinic_api.directory.service import CreatePractitioner, add_patient, create_practitioner
from clinic_api.scheduling.availability import Span
from clinic_api.scheduling.booking import (
    Book,
    Hold,
    OneAppointment,
    confirm,
    take_booking,
    take_hold,
)
from clinic_api.scheduling.hours import AddHours, add_hours
from clinic_api.scheduling.model import AppointmentView
from clinic_api.scheduling.search import FindSlots, find_slots
from clinic_api.scheduling.store import appointments
from clinic_api.transaction import Transaction
from tests.clinic_api.conftest import Clock
from tests.clinic_api.visits.cast import CAROL, CONSOLE, Clinic, opened, signed_in, user_id

MONDAY = date(2026, 6, 1)
NINE = datetime(2026, 6, 1, 13, tzinfo=UTC)  # 09:00 in New York
HALF_HOUR = timedelta(minutes=30)
ADA = Actor(kind="user", id=user_id(7), roles=frozenset({"admin"}))


class Practice(Clinic):
    """What tests do with it."""

    service_id: str
    dora: Actor  # a doctor who treats nobody here
    patients: list[str]

    @property
    def bob_id(self) -> str:
        assert self.bob.practitioner_id is not None
        return self.bob.practitioner_id

    @property
    def alice(self) -> Actor:
        return signed_in(self.patients[0])

    @property
    def eve(self) -> Actor:
        """Another patient."""
        return signed_in(self.patients[1], 11)

    def wanted(self, actor: Actor, at: datetime = NINE, **more: Any) -> dict[str, Any]:
        own = next(iter(actor.patient_ids), self.patients[0])
        return {
            "patient_id": own,
            "service_id": self.service_id,
            "practitioner_id": self.bob_id,
            "starts_at": at,
        } | more

    def hold_of(self, actor: Actor, at: datetime = NINE, **more: Any) -> Hold:
        return Hold(**self.wanted(actor, at, **more))

    async def hold(self, actor: Actor, at: datetime = NINE, **more: Any) -> AppointmentView:
        return await self.do(take_hold, actor, self.hold_of(actor, at, **more))

    async def confirm(self, actor: Actor, held: AppointmentView) -> AppointmentView:
        return await self.do(confirm, actor, one(held))

    async def booked(self, actor: Actor, at: datetime = NINE, **more: Any) -> AppointmentView:
        return await self.confirm(actor, await self.hold(actor, at, **more))

    async def book(self, at: datetime = NINE, **more: Any) -> AppointmentView:
        """By the desk, for Alice."""
        return await self.do(take_booking, CAROL, Book(**self.wanted(CAROL, at, **more)))

    async def free(self, actor: Actor, day: date = MONDAY, **more: Any) -> list[str]:
        """Times of one day in New York, of Bob."""
        values: dict[str, Any] = {"service_id": self.service_id, "from_day": day, "until_day": day}
        found = await self.see(find_slots, actor, FindSlots(**(values | more)))
        return [each.local[-5:] for each in found.items]

    async def service(self, **details: Any) -> str:
        """Another service that Bob gives."""

        def make(tx: Transaction) -> str:
            return _service(tx, self.bob_id, **details)

        return await self.database.write(make)

    async def overlaps(self) -> int:
        """Pairs of blocking appointments of one practitioner at one time: never any."""
        rows = [row for row in await self.rows(appointments) if row.blocks]
        spans = [(row.practitioner_id, Span(row.busy_from, row.busy_until)) for row in rows]
        return sum(
            one[0] == other[0] and one[1].start < other[1].end and other[1].start < one[1].end
            for n, one in enumerate(spans)
            for other in spans[:n]
        )


def one(view: AppointmentView) -> OneAppointment:
    return OneAppointment(appointment_id=view.id, version=view.version)


async def practice(database: Database, clock: Clock) -> Practice:
    clinic = await opened(database, clock)
    made = Practice(clinic.database, clinic.clock, clinic.bob)

    def set_up(tx: Transaction) -> None:
        for weekday in range(5):
            hours = AddHours(
                practitioner_id=made.bob_id,
                weekday=weekday,
                from_time="09:00",
                until_time="12:00",
                valid_from=date(2026, 1, 1),
            )
            add_hours(tx, CONSOLE, hours)
        made.service_id = _service(tx, made.bob_id, step_min=30, duration_min=30)
        made.patients = [_patient(tx, name) for name in ("Alice", "Eve")]
        dora = create_practitioner(tx, CONSOLE, CreatePractitioner(name="Dr. Dora", address="dora"))
        made.dora = Actor(
            kind="user",
            id=user_id(8),
            roles=frozenset({"doctor"}),
            practitioner_id=dora.id,
        )

    await database.write(set_up)
    return made


def _service(tx: Transaction, practitioner_id: str, **details: Any) -> str:
    command = msgspec.convert({"name": "Visit"} | details, CreateService)
    service_id = create_service(tx, CONSOLE, command).id
    offer = CreateOffer(service_id=service_id, practitioner_id=practitioner_id)
    create_offer(tx, CONSOLE, offer)
    return service_id


def _patient(tx: Transaction, name: str) -> str:
    details = PatientDetails(name=name, emails=(f"{name.lower()}@example.org",))
    return add_patient(tx, CONSOLE, details, "matched")
