"""The table of calendar feeds, one for each login that wants one, and what stands in a feed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec
import sqlalchemy as sa
from sqlalchemy import Boolean, Column, ForeignKey, Integer, Row, String

from clinic_api.actor import Actor
from clinic_api.scheduling.appointment import State
from clinic_api.scheduling.model import Appointment
from clinic_api.scheduling.store import appointments
from clinic_api.schema import ID_CHARS, table
from clinic_api.transaction import Transaction

Names = Literal["none", "initials", "name"]

SHOWN: tuple[State, ...] = (
    "pending_approval",
    "booked",
    "checked_in",
    "in_progress",
    "fulfilled",
    "no_show_patient",
    "no_show_provider",
)
PAST, FUTURE = timedelta(days=30), timedelta(days=365)
MAX_ENTRIES = 2000  # five a day over the whole range; the first of them are given

calendar_feeds = table(
    "calendar_feeds",
    Column("user_id", String(ID_CHARS), ForeignKey("users.id"), nullable=False, unique=True),
    Column("generation", Integer, nullable=False),
    Column("names", String(10), nullable=False),
    Column("open", Boolean, nullable=False),
)


class Feed(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody's feed; its address is made of id and generation."""

    id: str
    version: int
    user_id: str
    generation: int
    names: Names
    open: bool


class Dated(msgspec.Struct, frozen=True):
    """An appointment, and when it was changed last."""

    appointment: Appointment
    changed_at: datetime


def feed_of(tx: Transaction, user_id: str) -> Feed | None:
    return _feed(tx.first(tx.select(calendar_feeds).where(calendar_feeds.c.user_id == user_id)))


def feed(tx: Transaction, feed_id: str) -> Feed | None:
    return _feed(tx.get(calendar_feeds, feed_id))


def add_feed(tx: Transaction, actor: Actor, user_id: str, names: Names) -> None:
    """Raises IntegrityError where the user has one."""
    values = {"user_id": user_id, "generation": 1, "names": names, "open": True}
    tx.insert(calendar_feeds, actor, **values)


def change_feed(tx: Transaction, actor: Actor, held: Feed, **values: Any) -> None:
    """Over the version that was read. Raises Refused(stale)."""
    tx.update(calendar_feeds, actor, held.id, held.version, **values)


def appointments_of(
    tx: Transaction, patient_ids: frozenset[str], practitioner_id: str | None
) -> list[Dated]:
    """What such a person comes to, or gives, in the range of a feed; by start."""
    c = appointments.c
    mine: sa.ColumnElement[bool] = c.patient_id.in_(sorted(patient_ids))
    if practitioner_id is not None:
        mine = sa.or_(mine, c.practitioner_id == practitioner_id)
    query = tx.select(appointments).where(
        mine,
        c.state.in_(SHOWN),
        c.starts_at >= tx.now - PAST,
        c.starts_at < tx.now + FUTURE,
    )
    rows = tx.all(query.order_by(c.starts_at, c.id).limit(MAX_ENTRIES))
    names = Appointment.__struct_fields__
    return [
        Dated(Appointment(**{name: getattr(row, name) for name in names}), row.updated_at)
        for row in rows
    ]


def _feed(row: Row[Any] | None) -> Feed | None:
    if row is None:
        return None
    return Feed(**{name: getattr(row, name) for name in Feed.__struct_fields__})
