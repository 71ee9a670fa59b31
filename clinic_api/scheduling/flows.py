"""What may lose a race: whoever was too late is offered other times, looked up after the write."""

from __future__ import annotations

from collections.abc import Callable

from clinic_api.actor import Actor
from clinic_api.db import Database
from clinic_api.errors import Refused
from clinic_api.http.route import flow
from clinic_api.scheduling import store
from clinic_api.scheduling.booking import Book, Hold, take_booking, take_hold
from clinic_api.scheduling.model import AppointmentView
from clinic_api.scheduling.moving import Move, take_move
from clinic_api.scheduling.search import Wish, alternatives
from clinic_api.transaction import Transaction

LOST = ("slot_taken", "slot_closed")


@flow("appointment.hold")
async def hold(database: Database, actor: Actor, command: Hold) -> AppointmentView:
    """Keep a time for ten minutes. Raises Refused, as `booking.take_hold`, with alternatives."""
    wish = _wish(command)
    return await _or_others(database, actor, lambda tx: take_hold(tx, actor, command), wish)


@flow("appointment.book")
async def book(database: Database, actor: Actor, command: Book) -> AppointmentView:
    """Take a time at once. Raises Refused, as `booking.take_booking`, with alternatives."""
    wish = _wish(command)
    return await _or_others(database, actor, lambda tx: take_booking(tx, actor, command), wish)


@flow("appointment.move")
async def move(database: Database, actor: Actor, command: Move) -> AppointmentView:
    """Take another time. Raises Refused, as `moving.take_move`, with alternatives."""

    def wish(tx: Transaction) -> Wish:
        old = store.find(tx, command.appointment_id)
        assert old is not None
        return Wish(
            service_id=old.service_id,
            practitioner_id=command.practitioner_id or old.practitioner_id,
            starts_at=command.starts_at,
        )

    return await _or_others(database, actor, lambda tx: take_move(tx, actor, command), wish)


async def _or_others(
    database: Database,
    actor: Actor,
    take: Callable[[Transaction], AppointmentView],
    wish: Callable[[Transaction], Wish],
) -> AppointmentView:
    try:
        return await database.write(take)
    except Refused as refused:
        if refused.code not in LOST:
            raise
        others = await database.read(lambda tx: alternatives(tx, actor, wish(tx)))
        raise Refused(refused.code, alternatives=others) from None


def _wish(command: Hold | Book) -> Callable[[Transaction], Wish]:
    wish = Wish(
        service_id=command.service_id,
        practitioner_id=command.practitioner_id,
        starts_at=command.starts_at,
    )
    return lambda _tx: wish
