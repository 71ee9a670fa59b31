"""The table of appointments, and rows as values."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Row,
    String,
    bindparam,
)
from sqlalchemy.exc import IntegrityError

from clinic_api.actor import Actor
from clinic_api.directory.store import patients, practitioners
from clinic_api.errors import Refused
from clinic_api.scheduling.appointment import LIVE, PENDING
from clinic_api.scheduling.availability import Span
from clinic_api.scheduling.model import Appointment
from clinic_api.schema import Moment, table
from clinic_api.transaction import Transaction, prepared

appointments = table(
    "appointments",
    Column("state", String(20), nullable=False),
    Column("patient_id", String(36), ForeignKey("patients.id"), nullable=False, index=True),
    Column("practitioner_id", String(36), ForeignKey("practitioners.id"), nullable=False),
    Column("service_id", String(36), ForeignKey("services.id"), nullable=False),
    Column("location_id", String(36), ForeignKey("locations.id")),
    Column("modality", String(5), nullable=False),
    Column("local", String(16), nullable=False),
    Column("fold", Integer, nullable=False),
    Column("zone", String(64), nullable=False),
    Column("zone_release", String(10), nullable=False),
    Column("shown_zone", String(64), nullable=False),
    Column("starts_at", Moment, nullable=False, index=True),
    Column("ends_at", Moment, nullable=False),
    Column("busy_from", Moment, nullable=False),
    Column("busy_until", Moment, nullable=False),
    Column("blocks", Boolean, nullable=False),
    Column("overbooked", Boolean, nullable=False),
    Column("conflicted", Boolean, nullable=False),
    Column("expires_at", Moment, index=True),
    Column("uid", String(36), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("moved_from", String(36), ForeignKey("appointments.id")),
    Column("moved_to", String(36), ForeignKey("appointments.id")),
    Column("follow_up_of", String(36), ForeignKey("appointments.id")),
    Column("moves", Integer, nullable=False),
    Column("max_moves", Integer, nullable=False),
    Column("notice_min", Integer, nullable=False),
    Column("decided_by_hand", Boolean, nullable=False),
    Column("cancelled_by", String(10)),
    Column("cancel_code", String(20)),
    Column("late", Boolean, nullable=False),
    Column("price_minor", Integer, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("reason", LargeBinary),
    Column("staff_reason", LargeBinary),
    # What ends after some time, of one practitioner: the past is never read for it.
    Index("ix_appointments_busy", "practitioner_id", "busy_until"),
)

Narrow = sa.ColumnElement[bool]


def insert(
    tx: Transaction,
    actor: Actor,
    made: Appointment,
    *,
    reason: str = "",
    staff_reason: str = "",
) -> None:
    """Raises Refused(slot_taken) where the database finds an overlap."""
    values = {name: getattr(made, name) for name in Appointment.__struct_fields__}
    del values["version"]
    values["reason"] = _sealed(tx, appointments.c.reason, made.id, reason)
    values["staff_reason"] = _sealed(tx, appointments.c.staff_reason, made.id, staff_reason)
    try:
        with tx.sql.begin_nested():
            tx.insert(appointments, actor, **values)
    except IntegrityError:
        raise Refused("slot_taken") from None


def update(
    tx: Transaction,
    actor: Actor,
    appointment: Appointment,
    *,
    staff_reason: str = "",
    **values: Any,
) -> Appointment:
    """Over the version that was read. Raises Refused: stale, slot_taken."""
    if staff_reason:
        values["staff_reason"] = _sealed(
            tx, appointments.c.staff_reason, appointment.id, staff_reason
        )
    try:
        with tx.sql.begin_nested():
            tx.update(appointments, actor, appointment.id, appointment.version, **values)
    except IntegrityError:
        raise Refused("slot_taken") from None
    changed = find(tx, appointment.id)
    assert changed is not None
    return changed


def find(tx: Transaction, appointment_id: str) -> Appointment | None:
    row = tx.get(appointments, appointment_id)
    return None if row is None else _appointment(row)


def reasons(tx: Transaction, appointment_id: str) -> tuple[str, str]:
    """The patient's words, and why staff did what they did."""
    row = tx.get(appointments, appointment_id)
    if row is None:
        return "", ""
    return _opened(tx, row, "reason"), _opened(tx, row, "staff_reason")


def lock(
    tx: Transaction, *, patient_ids: Collection[str] = (), practitioner_ids: Collection[str]
) -> None:
    """Whoever books for one of them next waits for this commit (SQLite: there is one writer).

    Always in the same order, so that two who swap never wait for each other.
    """
    for whose, ids in ((patients, patient_ids), (practitioners, practitioner_ids)):
        if ids:
            theirs = tx.select(whose, whose.c.id).where(whose.c.id.in_(sorted(ids)))
            tx.all(theirs.order_by(whose.c.id).with_for_update(key_share=True))


_LAPSED = sa.and_(
    appointments.c.state.in_(sorted(PENDING)), appointments.c.expires_at <= bindparam("now")
)
_BUSY = prepared(appointments, appointments.c.busy_from, appointments.c.busy_until).where(
    appointments.c.practitioner_id == bindparam("practitioner_id"),
    appointments.c.busy_until > bindparam("start"),
    appointments.c.busy_from < bindparam("end"),
    appointments.c.state.in_(sorted(LIVE)),
    sa.or_(appointments.c.expires_at.is_(None), sa.not_(_LAPSED)),
    appointments.c.id.not_in(bindparam("but", expanding=True)),
)


def busy(
    tx: Transaction, practitioner_id: str, within: Span, *, but: Collection[str] = ()
) -> list[Span]:
    """What takes up the practitioner's time, buffers included, wherever and for whatever."""
    rows = tx.all_of(
        _BUSY,
        practitioner_id=practitioner_id,
        start=within.start,
        end=within.end,
        now=tx.now,
        but=sorted(but),
    )
    return [Span(row.busy_from, row.busy_until) for row in rows]


def is_blocked(tx: Transaction, practitioner_id: str, within: Span) -> bool:
    """Whether the database would refuse one more that blocks."""
    c = appointments.c
    here = (c.practitioner_id == practitioner_id, c.blocks, c.busy_until > within.start)
    query = tx.select(appointments, c.id).where(*here, c.busy_from < within.end)
    return tx.first(query) is not None


def lapsed(tx: Transaction, limit: int, *narrow: Narrow) -> list[Appointment]:
    """Holds, and what waits, whose time is over."""
    over = (appointments.c.state.in_(sorted(PENDING)), appointments.c.expires_at <= tx.now)
    return _all(tx, tx.select(appointments).where(*over, *narrow).limit(limit))


def lapsed_in(tx: Transaction, practitioner_id: str, within: Span) -> list[Appointment]:
    """The same where it stands in the way of one practitioner's range."""
    c = appointments.c
    here = (c.practitioner_id == practitioner_id, c.busy_until > within.start)
    return lapsed(tx, 100, *here, c.busy_from < within.end)


def holds_of(tx: Transaction, patient_id: str) -> int:
    """How many times a patient keeps now."""
    mine = (appointments.c.patient_id == patient_id, appointments.c.state == "held")
    count = tx.select(appointments, sa.func.count()).where(
        *mine, appointments.c.expires_at > tx.now
    )
    return int(tx.sql.execute(count).scalar_one())


def listed(
    tx: Transaction, narrow: Iterable[Narrow], after: tuple[datetime, str] | None, limit: int
) -> list[Appointment]:
    """By start."""
    place = sa.tuple_(appointments.c.starts_at, appointments.c.id)
    query = tx.select(appointments).where(*narrow)
    if after is not None:
        here = (sa.literal(after[0], Moment()), sa.literal(after[1]))
        query = query.where(place > sa.tuple_(*here))
    order = (appointments.c.starts_at, appointments.c.id)
    return _all(tx, query.order_by(*order).limit(limit))


def stale_practitioner(tx: Transaction, release: str) -> str | None:
    """Somebody with future appointments that other rules than `release` derived."""
    query = tx.select(appointments, appointments.c.practitioner_id)
    row = tx.first(query.where(*_future(tx), appointments.c.zone_release != release))
    return None if row is None else str(row.practitioner_id)


def stale_of(tx: Transaction, practitioner_id: str, release: str) -> list[Appointment]:
    """All of them of one practitioner, by start."""
    mine = (appointments.c.practitioner_id == practitioner_id, *_future(tx))
    query = tx.select(appointments).where(*mine, appointments.c.zone_release != release)
    return _all(tx, query.order_by(appointments.c.starts_at))


def to_come(tx: Transaction, practitioner_id: str) -> tuple[Narrow, ...]:
    """For `listed`: what somebody expects of a practitioner; a hold is only a wish."""
    mine = appointments.c.practitioner_id == practitioner_id
    return (mine, appointments.c.state != "held", *_future(tx))


def _future(tx: Transaction) -> Sequence[Narrow]:
    return (appointments.c.state.in_(sorted(LIVE)), appointments.c.starts_at > tx.now)


def _all(tx: Transaction, query: sa.Select[Any]) -> list[Appointment]:
    return [_appointment(row) for row in tx.all(query)]


def _appointment(row: Row[Any]) -> Appointment:
    return Appointment(**{name: getattr(row, name) for name in Appointment.__struct_fields__})


def _sealed(tx: Transaction, column: Column[Any], row_id: str, text: str) -> bytes | None:
    return tx.seal(column, row_id, text) if text else None


def _opened(tx: Transaction, row: Row[Any], name: str) -> str:
    sealed = row._mapping[name]
    return "" if sealed is None else tx.unseal(appointments.c[name], row.id, sealed)
