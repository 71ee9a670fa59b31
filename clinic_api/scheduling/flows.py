"""What may lose a race: whoever was too late is offered other times, looked up after the write."""

from __future__ import annotations

from collections.abc import Callable
from weakref import WeakKeyDictionary

from clinic_api.actor import Actor
from clinic_api.db import Database
from clinic_api.errors import Alternative, Refused
from clinic_api.http.route import flow
from clinic_api.scheduling import store
from clinic_api.scheduling.booking import Book, Hold, take_booking, take_hold
from clinic_api.scheduling.model import AppointmentView
from clinic_api.scheduling.moving import Move, take_move
from clinic_api.scheduling.rivals import LOST, Rivals, Time
from clinic_api.scheduling.search import Wish, alternatives
from clinic_api.transaction import Transaction

_RIVALS: WeakKeyDictionary[Database, Rivals] = WeakKeyDictionary()


@flow("appointment.hold")
async def hold(database: Database, actor: Actor, command: Hold) -> AppointmentView:
    """Keep a time for ten minutes. Raises Refused, as `booking.take_hold`, with alternatives."""
    wish = _wish(command)

    async def attempt() -> AppointmentView:
        return await database.write(lambda tx: take_hold(tx, actor, command))

    async def others() -> tuple[Alternative, ...]:
        return await database.read(lambda tx: alternatives(tx, actor, wish))

    if command.patient_id not in actor.patient_ids:  # whether they may, only the attempt finds out
        return await _or_others(
            database, actor, lambda tx: take_hold(tx, actor, command), lambda _: wish
        )
    rivals = _RIVALS.setdefault(database, Rivals())
    return await rivals.take(_time(actor, wish), attempt, others)


@flow("appointment.book")
async def book(database: Database, actor: Actor, command: Book) -> AppointmentView:
    """Take a time at once. Raises Refused, as `booking.take_booking`, with alternatives."""
    return await _or_others(
        database, actor, lambda tx: take_booking(tx, actor, command), lambda _: _wish(command)
    )


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


def _wish(command: Hold | Book) -> Wish:
    return Wish(
        service_id=command.service_id,
        practitioner_id=command.practitioner_id,
        starts_at=command.starts_at,
    )


def _time(actor: Actor, wish: Wish) -> Time:
    return Time(
        service_id=wish.service_id,
        practitioner_id=wish.practitioner_id,
        starts_at=wish.starts_at,
        by_staff=actor.is_staff,
    )
