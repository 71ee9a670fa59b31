"""The table of one-time codes that staff were shown: one per login and purpose."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec
import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, LargeBinary, Select, String, UniqueConstraint
from sqlalchemy.exc import IntegrityError

from clinic_api.actor import Actor
from clinic_api.errors import Refused
from clinic_api.schema import ID_CHARS, Moment, table
from clinic_api.transaction import Transaction

Purpose = Literal["activate", "factor", "reset"]

one_time_codes = table(
    "one_time_codes",
    Column("user_id", String(ID_CHARS), ForeignKey("users.id"), nullable=False),
    Column("purpose", String(12), nullable=False),
    Column("code_hash", LargeBinary),  # None once used
    Column("expires_at", Moment, nullable=False),
    UniqueConstraint("user_id", "purpose"),
)


class IssuedCode(msgspec.Struct, frozen=True):
    """What is kept of a code."""

    code_hash: bytes | None
    expires_at: datetime


def issued_code(tx: Transaction, user_id: str, purpose: Purpose) -> IssuedCode | None:
    row = tx.first(_of(tx, user_id, purpose))
    if row is None:
        return None
    return IssuedCode(None if row.code_hash is None else bytes(row.code_hash), row.expires_at)


def set_code(
    tx: Transaction, actor: Actor, user_id: str, purpose: Purpose, code: str, expires_at: datetime
) -> None:
    """Replaces the one of the same purpose, and no other. Raises Refused(conflict) where somebody
    else makes one at this moment."""
    forget_code(tx, user_id, purpose)
    values = {"purpose": purpose, "code_hash": hashed(tx, code), "expires_at": expires_at}
    try:
        with tx.sql.begin_nested():
            tx.insert(one_time_codes, actor, user_id=user_id, **values)
    except IntegrityError:
        raise Refused("conflict") from None


def use_code(tx: Transaction, actor: Actor, user_id: str, purpose: Purpose) -> bool:
    """It opens nothing any more, and what it was for is still to be done; whether it did."""
    row = tx.first(_of(tx, user_id, purpose).with_for_update())
    if row is None or row.code_hash is None:
        return False
    tx.update(one_time_codes, actor, row.id, code_hash=None)
    return True


def forget_code(tx: Transaction, user_id: str, *purposes: Purpose) -> None:
    of_user = sa.and_(
        one_time_codes.c.org_id == tx.org_id,
        one_time_codes.c.user_id == user_id,
        one_time_codes.c.purpose.in_(purposes),
    )
    tx.sql.execute(sa.delete(one_time_codes).where(of_user))


def hashed(tx: Transaction, code: str) -> bytes:
    return tx.index(one_time_codes.c.code_hash, code)


def _of(tx: Transaction, user_id: str, purpose: Purpose) -> Select[Any]:
    return tx.select(one_time_codes).where(
        one_time_codes.c.user_id == user_id, one_time_codes.c.purpose == purpose
    )
