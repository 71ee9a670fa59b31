"""Tables of what happens in calls: who came, which tokens were used, what was written."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import (
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    Row,
    String,
    UniqueConstraint,
    bindparam,
)
from sqlalchemy.exc import IntegrityError

from clinic_api.actor import Actor
from clinic_api.auth.store import users
from clinic_api.paging import Page, page
from clinic_api.schema import Moment, table
from clinic_api.transaction import Transaction, prepared
from clinic_api.visits.model import Participation
from clinic_api.visits.store import participants, visits, with_login
from clinic_api.visits.visit import OPEN

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


def open_participations(tx: Transaction) -> list[Participation]:
    """Those of whom nobody said that they left."""
    query = tx.select(call_participations).where(call_participations.c.left_at.is_(None))
    return [_participation(row) for row in tx.all(query)]


_HERE = (
    prepared(call_participations)
    .where(
        call_participations.c.visit_id == bindparam("visit_id"),
        call_participations.c.left_at.is_(None),
    )
    .order_by(call_participations.c.joined_at)
)


def here_now(tx: Transaction, visit_id: str) -> list[Participation]:
    """Who waits or is in the call, who came first is first."""
    return [_participation(row) for row in tx.all_of(_HERE, visit_id=visit_id)]


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
    query = with_login(query).where(call_participations.c.left_at.is_(None))
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
