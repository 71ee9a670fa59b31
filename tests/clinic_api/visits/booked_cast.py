"""Alice has an appointment with Bob, and both come to its visit, or do not."""

from __future__ import annotations

from typing import Any

from clinic_api.scheduling import store as appointments
from clinic_api.scheduling.model import Appointment, AppointmentView
from clinic_api.visits import store
from clinic_api.visits.model import Participant, Role, Visit
from clinic_api.visits.seats import link_of
from tests.clinic_api.scheduling.cast import NINE, Practice


class BookedCall:
    """The visit of one appointment; minutes count from its start."""

    def __init__(self, practice: Practice, appointment: AppointmentView) -> None:
        self.practice = practice
        self.appointment_id = appointment.id
        self.starts_at = appointment.starts_at

    @classmethod
    async def booked(cls, practice: Practice, **more: Any) -> BookedCall:
        return cls(practice, await practice.book(NINE, **more))

    def at(self, minutes: float) -> None:
        """The clock shows so many minutes after the start."""
        wanted = self.starts_at.timestamp() + minutes * 60
        self.practice.clock.advance(wanted - self.practice.clock.now_s)

    async def visit(self) -> Visit:
        found = await self.practice.database.read(
            lambda tx: store.visit_of(tx, self.appointment_id)
        )
        assert found is not None
        return found

    async def appointment(self) -> Appointment:
        found = await self.practice.database.read(
            lambda tx: appointments.find(tx, self.appointment_id)
        )
        assert found is not None
        return found

    async def state(self) -> str:
        return (await self.appointment()).state

    async def seat(self, role: Role) -> Participant:
        visit = await self.visit()
        seats = await self.practice.database.read(lambda tx: store.participants_of(tx, visit.id))
        return next(seat for seat in seats if seat.role == role)

    async def token(self, role: Role = "patient") -> str:
        seat = await self.seat(role)
        link = await self.practice.database.read(lambda tx: link_of(tx, seat))
        return link.path.partition("#")[2]
