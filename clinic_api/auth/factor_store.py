"""Tables of second factors: authenticator apps and recovery codes."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, ForeignKey, LargeBinary, Row, String

from clinic_api.actor import Actor
from clinic_api.auth.recovery_codes import normal
from clinic_api.schema import ID_CHARS, Moment, table
from clinic_api.transaction import Transaction

FactorState = Literal["pending", "active", "ended"]

totp_factors = table(
    "totp_factors",
    Column("user_id", String(ID_CHARS), ForeignKey("users.id"), nullable=False, index=True),
    Column("state", String(8), nullable=False),
    Column("secret", LargeBinary),  # None once ended
    Column("last_step", BigInteger, nullable=False),
    Column("confirmed_at", Moment),
    Column("ended_at", Moment),
)

recovery_codes = table(
    "recovery_codes",
    Column("user_id", String(ID_CHARS), ForeignKey("users.id"), nullable=False, index=True),
    Column("code_hash", LargeBinary, nullable=False),
    Column("used_at", Moment),
)


class Factor(msgspec.Struct, frozen=True):
    """An authenticator app, opened."""

    id: str
    secret: str  # base32
    last_step: int  # whose code was used; codes of earlier steps do not count


def factor(tx: Transaction, user_id: str, state: FactorState) -> Factor | None:
    """The newest one of that state."""
    row = tx.first(_factors(tx, user_id, state).with_for_update())
    if row is None:
        return None
    secret = tx.unseal(totp_factors.c.secret, row.id, row.secret)
    return Factor(row.id, secret, row.last_step)


def has_factor(tx: Transaction, user_id: str) -> bool:
    return tx.first(_factors(tx, user_id, "active")) is not None


def add_pending(tx: Transaction, actor: Actor, user_id: str, secret: str) -> None:
    """Replaces one that was never confirmed."""
    end_factors(tx, actor, user_id, "pending")
    row_id = tx.new_id()
    sealed = tx.seal(totp_factors.c.secret, row_id, secret)
    values = {"user_id": user_id, "state": "pending", "secret": sealed, "last_step": 0}
    tx.insert(totp_factors, actor, id=row_id, **values)


def activate(tx: Transaction, actor: Actor, pending: Factor, step: int) -> None:
    tx.update(totp_factors, actor, pending.id, state="active", last_step=step, confirmed_at=tx.now)


def use_step(tx: Transaction, actor: Actor, used: Factor, step: int) -> None:
    tx.update(totp_factors, actor, used.id, last_step=step)


def end_factors(tx: Transaction, actor: Actor, user_id: str, state: FactorState) -> None:
    """The secrets are gone afterwards."""
    for row in tx.all(_factors(tx, user_id, state)):
        tx.update(totp_factors, actor, row.id, state="ended", secret=None, ended_at=tx.now)


def _factors(tx: Transaction, user_id: str, state: FactorState) -> sa.Select[Any]:
    of_user = sa.and_(totp_factors.c.user_id == user_id, totp_factors.c.state == state)
    return tx.select(totp_factors).where(of_user).order_by(totp_factors.c.id.desc())


def replace_codes(tx: Transaction, actor: Actor, user_id: str, codes: tuple[str, ...]) -> None:
    """The old ones are gone; no codes: none are left."""
    tx.sql.execute(sa.delete(recovery_codes).where(recovery_codes.c.user_id == user_id))
    for code in codes:
        tx.insert(recovery_codes, actor, user_id=user_id, code_hash=_hash(tx, code))


def use_code(tx: Transaction, actor: Actor, user_id: str, code: str) -> bool:
    """Whether it was one of those left, and is spent now."""
    row = _unused(tx, user_id, _hash(tx, code))
    if row is None:
        return False
    tx.update(recovery_codes, actor, row.id, used_at=tx.now)
    return True


def codes_left(tx: Transaction, user_id: str) -> int:
    left = sa.and_(recovery_codes.c.user_id == user_id, recovery_codes.c.used_at.is_(None))
    return len(tx.all(tx.select(recovery_codes, recovery_codes.c.id).where(left)))


def _unused(tx: Transaction, user_id: str, code_hash: bytes) -> Row[Any] | None:
    query = tx.select(recovery_codes).where(
        recovery_codes.c.user_id == user_id,
        recovery_codes.c.code_hash == code_hash,
        recovery_codes.c.used_at.is_(None),
    )
    return tx.first(query.with_for_update())


def _hash(tx: Transaction, code: str) -> bytes:
    return tx.index(recovery_codes.c.code_hash, normal(code))
