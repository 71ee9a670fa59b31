"""Tables of visits, and rows as values."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    Row,
    String,
    Text,
    bindparam,
)

from clinic_api.actor import Actor
from clinic_api.auth.store import users
from clinic_api.directory.store import patients
from clinic_api.paging import Page, page
from clinic_api.schema import Moment, id_column, table
from clinic_api.transaction import Transaction, prepared
from clinic_api.visits.model import Participant, Role, Visit
from clinic_api.visits.visit import OPEN

visits = table(
    "visits",
    Column("room", String(64), nullable=False, unique=True),
    Column("kind", String(10), nullable=False),
    Column("state", String(12), nullable=False, index=True),
    Column("practitioner_id", String(36), ForeignKey("practitioners.id"), index=True),
    Column("patient_id", String(36), ForeignKey("patients.id"), index=True),
    Column("appointment_id", String(36), ForeignKey("appointments.id"), unique=True),
    Column("starts_at", Moment),
    Column("reason", LargeBinary),
    Column("declared_modality", String(5), nullable=False),
    Column("real_modality", String(5)),
    Column("opens_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("first_joined_at", Moment),
    Column("admitted_at", Moment),
    Column("call_started_at", Moment),
    Column("call_ended_at", Moment),
    Column("ended_at", Moment),
    Column("late_minutes", Integer),
    Column("late_said_at", Moment),
)

participants = table(
    "participants",
    Column("visit_id", String(36), ForeignKey("visits.id"), nullable=False, index=True),
    Column("role", String(12), nullable=False),
    Column("name", String(200), nullable=False),
    Column("language", String(35), nullable=False),
    Column("phone", String(40), nullable=False),
    Column("email", String(254), nullable=False),
    id_column("user_id", index=True),
    Column("patient_id", String(36), ForeignKey("patients.id"), index=True),
    Column("rights", Text, nullable=False),  # JSON list
    Column("waits", Boolean, nullable=False),
    Column("binds_device", Boolean, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("takeovers", Integer, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("code", LargeBinary, nullable=False, unique=True),
    Column("device", LargeBinary),
    Column("agreed_at", Moment),
    Column("agreed_by", String(80)),  # label of the actor
    Column("revoked_at", Moment),
)

# visits


def insert_visit(
    tx: Transaction, actor: Actor, reason: str, **values: str | datetime | None
) -> str:
    row_id = tx.new_id()
    sealed = tx.seal(visits.c.reason, row_id, reason) if reason else None
    return tx.insert(visits, actor, id=row_id, state="planned", reason=sealed, **values)


def visit(tx: Transaction, visit_id: str) -> Visit | None:
    row = tx.get(visits, visit_id)
    return None if row is None else _visit(row)


def visit_in(tx: Transaction, room: str) -> Visit | None:
    row = tx.first(tx.select(visits).where(visits.c.room == room))
    return None if row is None else _visit(row)


def visit_of(tx: Transaction, appointment_id: str) -> Visit | None:
    """The visit that was booked by this appointment."""
    row = tx.first(tx.select(visits).where(visits.c.appointment_id == appointment_id))
    return None if row is None else _visit(row)


def lock_visit(tx: Transaction, room: str) -> Visit | None:
    """As `visit_in`; on PostgreSQL nobody else changes it until the commit (SQLite: one writer)."""
    row = tx.first(tx.select(visits).where(visits.c.room == room).with_for_update())
    return None if row is None else _visit(row)


def reason_of(tx: Transaction, visit_id: str) -> str:
    row = tx.get(visits, visit_id)
    if row is None or row.reason is None:
        return ""
    return tx.unseal(visits.c.reason, visit_id, row.reason)


def list_visits(
    tx: Transaction, *narrow: sa.ColumnElement[bool], after: str = "", limit: int
) -> list[Visit]:
    """Newest first; `after` is the last id of the part before."""
    query = tx.select(visits).where(*narrow)
    if after:
        query = query.where(visits.c.id < after)
    return [_visit(row) for row in tx.all(query.order_by(visits.c.id.desc()).limit(limit))]


def visit_page(
    tx: Transaction, narrow: list[sa.ColumnElement[bool]], cursor: str, limit: int
) -> Page[Visit]:
    """Newest first."""
    query = tx.select(visits).where(*narrow)
    return page(tx, visits, query, _visit, cursor=cursor, limit=limit, newest_first=True)


def overdue_visits(tx: Transaction, limit: int) -> list[Visit]:
    """Those whose time to begin is over."""
    stale = sa.and_(visits.c.state.in_(("planned", "waiting")), visits.c.expires_at <= tx.now)
    return [_visit(row) for row in tx.all(tx.select(visits).where(stale).limit(limit))]


def _visit(row: Row[Any]) -> Visit:
    return Visit(**{name: getattr(row, name) for name in Visit.__struct_fields__})


# participants


def _seats(tx: Transaction) -> sa.Select[Any]:
    """Participants, with the time when the login of the person was disabled, if it was."""
    return with_login(tx.select(participants, participants, _DISABLED_AT))


_DISABLED_AT = users.c.disabled_at.label("login_disabled_at")


def with_login(query: sa.Select[Any]) -> sa.Select[Any]:
    """Join the logins of participants: their own, and that of a patient's record."""
    own = sa.and_(patients.c.id == participants.c.patient_id, participants.c.role == "patient")
    login = sa.func.coalesce(participants.c.user_id, patients.c.user_id)
    return query.outerjoin(patients, own).outerjoin(users, users.c.id == login)


_SEATS_OF = (
    with_login(prepared(participants, participants, _DISABLED_AT))
    .where(participants.c.visit_id == bindparam("visit_id"))
    .order_by(participants.c.id)
)


def participant(tx: Transaction, participant_id: str) -> Participant | None:
    return _one(tx, participants.c.id == participant_id)


def participant_by_code(tx: Transaction, code: str) -> Participant | None:
    return _one(tx, participants.c.code == tx.index(participants.c.code, code))


def participant_by_device(tx: Transaction, participant_id: str, bearer: str) -> Participant | None:
    wanted = tx.index(participants.c.device, bearer)
    return _one(tx, participants.c.id == participant_id, participants.c.device == wanted)


def participants_of(tx: Transaction, visit_id: str) -> list[Participant]:
    return [_participant(row) for row in tx.all_of(_SEATS_OF, visit_id=visit_id)]


def roles_of(tx: Transaction, visit_id: str) -> dict[str, Role]:
    """By participant."""
    query = tx.select(participants, participants.c.id, participants.c.role)
    rows = tx.all(query.where(participants.c.visit_id == visit_id))
    return {row.id: row.role for row in rows}


def open_seats(tx: Transaction, *narrow: sa.ColumnElement[bool]) -> list[Participant]:
    """Seats that are not withdrawn, of visits that are not over."""
    query = _seats(tx).join(visits, visits.c.id == participants.c.visit_id)
    query = query.where(visits.c.state.in_(OPEN), participants.c.revoked_at.is_(None), *narrow)
    return [_participant(row) for row in tx.all(query.order_by(participants.c.id))]


def open_seats_of(tx: Transaction, contact: str, patient_ids: list[str]) -> list[Participant]:
    """Open seats with this contact, or of these patients themselves."""
    own = sa.and_(participants.c.patient_id.in_(patient_ids), participants.c.role == "patient")
    with_contact = [participants.c.email == contact, participants.c.phone == contact]
    invited = participants.c.role.not_in(("provider", "device"))
    return open_seats(tx, sa.or_(own, *with_contact), invited)


def _one(tx: Transaction, *narrow: sa.ColumnElement[bool]) -> Participant | None:
    row = tx.first(_seats(tx).where(*narrow))
    return None if row is None else _participant(row)


def is_code_taken(tx: Transaction, code: bytes) -> bool:
    return tx.first(tx.select(participants).where(participants.c.code == code)) is not None


def _participant(row: Row[Any]) -> Participant:
    plain = {
        name: getattr(row, name)
        for name in Participant.__struct_fields__
        if name not in ("rights", "bound", "revoked_at")
    }
    return Participant(
        rights=tuple(msgspec.json.decode(row.rights)),
        bound=row.device is not None,
        revoked_at=row.revoked_at or row.login_disabled_at,
        **plain,
    )
