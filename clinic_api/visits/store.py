"""Tables of visits, and rows as values."""

from __future__ import annotations

from datetime import UTC, datetime
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
    UniqueConstraint,
)
from sqlalchemy.exc import IntegrityError

from clinic_api.actor import Actor
from clinic_api.auth.store import users
from clinic_api.directory.store import patients
from clinic_api.paging import Page, page
from clinic_api.schema import Moment, id_column, table
from clinic_api.transaction import Transaction
from clinic_api.visits.model import Participant, Participation, Visit
from clinic_api.visits.visit import OPEN

visits = table(
    "visits",
    Column("room", String(64), nullable=False, unique=True),
    Column("kind", String(10), nullable=False),
    Column("state", String(12), nullable=False, index=True),
    Column("practitioner_id", String(36), ForeignKey("practitioners.id"), index=True),
    Column("patient_id", String(36), ForeignKey("patients.id"), index=True),
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
    Column("role", String(10), nullable=False),
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
    Column("revoked_at", Moment),
)

call_participations = table(
    "call_participations",
    Column("visit_id", String(36), ForeignKey("visits.id"), nullable=False),
    Column("participant_id", String(36), ForeignKey("participants.id"), nullable=False),
    Column("peer", String(64), nullable=False),  # call control's name for this coming
    Column("joined_at", Moment, nullable=False),
    Column("admitted_at", Moment),
    Column("left_at", Moment, index=True),
    Column("why", String(40), nullable=False),
    Column("media", String(60), nullable=False),  # kinds that came, comma between
    UniqueConstraint("visit_id", "peer"),
)

used_call_tokens = table(  # its id is the token's
    "used_call_tokens", Column("expires_at", Moment, nullable=False, index=True)
)

chat_messages = table(
    "chat_messages",
    Column("visit_id", String(36), ForeignKey("visits.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("participant", String(64), nullable=False),  # as call control names who wrote
    Column("name", String(200), nullable=False),
    Column("key", String(100), nullable=False),
    Column("text", LargeBinary, nullable=False),
    Column("at", Moment, nullable=False),
    UniqueConstraint("visit_id", "number"),
    UniqueConstraint("visit_id", "participant", "key"),
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
    return _with_login(tx.select(participants, participants, _DISABLED_AT))


_DISABLED_AT = users.c.disabled_at.label("login_disabled_at")


def _with_login(query: sa.Select[Any]) -> sa.Select[Any]:
    own = sa.and_(patients.c.id == participants.c.patient_id, participants.c.role == "patient")
    login = sa.func.coalesce(participants.c.user_id, patients.c.user_id)
    return query.outerjoin(patients, own).outerjoin(users, users.c.id == login)


def participant(tx: Transaction, participant_id: str) -> Participant | None:
    return _one(tx, participants.c.id == participant_id)


def participant_by_code(tx: Transaction, code: str) -> Participant | None:
    return _one(tx, participants.c.code == tx.index(participants.c.code, code))


def participant_by_device(tx: Transaction, participant_id: str, bearer: str) -> Participant | None:
    wanted = tx.index(participants.c.device, bearer)
    return _one(tx, participants.c.id == participant_id, participants.c.device == wanted)


def participants_of(tx: Transaction, visit_id: str) -> list[Participant]:
    query = _seats(tx).where(participants.c.visit_id == visit_id)
    return [_participant(row) for row in tx.all(query.order_by(participants.c.id))]


def open_seats(tx: Transaction, *narrow: sa.ColumnElement[bool]) -> list[Participant]:
    """Seats that are not withdrawn, of visits that are not over."""
    query = _seats(tx).join(visits, visits.c.id == participants.c.visit_id)
    query = query.where(visits.c.state.in_(OPEN), participants.c.revoked_at.is_(None), *narrow)
    return [_participant(row) for row in tx.all(query.order_by(participants.c.id))]


def open_seats_of(tx: Transaction, contact: str, patient_ids: list[str]) -> list[Participant]:
    """Open seats with this contact, or of these patients themselves."""
    own = sa.and_(participants.c.patient_id.in_(patient_ids), participants.c.role == "patient")
    with_contact = [participants.c.email == contact, participants.c.phone == contact]
    invited = participants.c.role.in_(("patient", "proxy", "guest"))
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


# who was in the call


def participation(tx: Transaction, visit_id: str, peer: str) -> Participation | None:
    query = tx.select(call_participations).where(call_participations.c.visit_id == visit_id)
    row = tx.first(query.where(call_participations.c.peer == peer))
    return None if row is None else _participation(row)


def participations_of(tx: Transaction, visit_id: str) -> list[Participation]:
    query = tx.select(call_participations).where(call_participations.c.visit_id == visit_id)
    return [_participation(row) for row in tx.all(query.order_by(call_participations.c.id))]


def insert_participation(
    tx: Transaction,
    actor: Actor,
    visit_id: str,
    participant_id: str,
    peer: str,
    joined_at: datetime,
    admitted_at: datetime | None,
) -> None:
    tx.insert(
        call_participations,
        actor,
        visit_id=visit_id,
        participant_id=participant_id,
        peer=peer,
        joined_at=joined_at,
        admitted_at=admitted_at,
        why="",
        media="",
    )


def update_participation(tx: Transaction, actor: Actor, row_id: str, **values: Any) -> None:
    tx.update(call_participations, actor, row_id, **values)


def stray_participations(tx: Transaction) -> list[Row[Any]]:
    """`room`, `subject` of those who are still in a call that is over, or that they may not be in.

    `subject` is None where the whole visit is over.
    """
    over = visits.c.state.not_in(OPEN)
    subject = sa.case((over, None), else_=participants.c.id).label("subject")
    query = (
        tx.select(call_participations, visits.c.room, subject)
        .join(visits, visits.c.id == call_participations.c.visit_id)
        .join(participants, participants.c.id == call_participations.c.participant_id)
    )
    withdrawn = sa.or_(participants.c.revoked_at.is_not(None), users.c.disabled_at.is_not(None))
    query = _with_login(query).where(call_participations.c.left_at.is_(None))
    return tx.all(query.where(sa.or_(over, withdrawn)).distinct())


def _participation(row: Row[Any]) -> Participation:
    return Participation(**{name: getattr(row, name) for name in Participation.__struct_fields__})


# call tokens


def use_token(tx: Transaction, actor: Actor, token_id: str, expires_at: float) -> bool:
    """Whether it was not used yet. On False the transaction has to be given up."""
    try:
        moment = datetime.fromtimestamp(expires_at, UTC)
        tx.insert(used_call_tokens, actor, id=token_id, expires_at=moment)
    except IntegrityError:
        return False
    return True


def forget_tokens(tx: Transaction) -> int:
    """Delete those that have expired anyway; how many."""
    gone = sa.delete(used_call_tokens).where(
        used_call_tokens.c.org_id == tx.org_id, used_call_tokens.c.expires_at < tx.now
    )
    return tx.sql.execute(gone).rowcount


# chat


class ChatMessage(msgspec.Struct, frozen=True, kw_only=True):
    """`id` sorts by time within a visit; `participant` is call control's name for who wrote."""

    id: str
    participant: str
    name: str
    text: str
    at: datetime


def chat_message(tx: Transaction, visit_id: str, participant: str, key: str) -> ChatMessage | None:
    query = tx.select(chat_messages).where(
        chat_messages.c.visit_id == visit_id,
        chat_messages.c.participant == participant,
        chat_messages.c.key == key,
    )
    row = tx.first(query)
    return None if row is None else _chat_message(tx, row)


def insert_chat(
    tx: Transaction,
    actor: Actor,
    visit_id: str,
    participant: str,
    name: str,
    key: str,
    text: str,
    at: datetime,
) -> None:
    """The visit has to be locked: messages are numbered."""
    newest = tx.select(chat_messages, sa.func.max(chat_messages.c.number)).where(
        chat_messages.c.visit_id == visit_id
    )
    number = int(tx.all(newest)[0][0] or 0) + 1
    row_id = tx.new_id()
    tx.insert(
        chat_messages,
        actor,
        id=row_id,
        visit_id=visit_id,
        number=number,
        participant=participant,
        name=name,
        key=key,
        text=tx.seal(chat_messages.c.text, row_id, text),
        at=at,
    )


def chat_after(tx: Transaction, visit_id: str, number: int, limit: int) -> list[ChatMessage]:
    """The newest `limit` messages after `number`, oldest first."""
    query = tx.select(chat_messages).where(
        chat_messages.c.visit_id == visit_id, chat_messages.c.number > number
    )
    rows = tx.all(query.order_by(chat_messages.c.number.desc()).limit(limit))
    return [_chat_message(tx, row) for row in reversed(rows)]


def chat_page(tx: Transaction, visit_id: str, cursor: str, limit: int) -> Page[ChatMessage]:
    query = tx.select(chat_messages).where(chat_messages.c.visit_id == visit_id)
    return page(
        tx,
        chat_messages,
        query,
        lambda row: _chat_message(tx, row),
        cursor=cursor,
        limit=limit,
    )


def _chat_message(tx: Transaction, row: Row[Any]) -> ChatMessage:
    return ChatMessage(
        id=f"{row.number:012d}",
        participant=row.participant,
        name=row.name,
        text=tx.unseal(chat_messages.c.text, row.id, row.text),
        at=row.at,
    )
