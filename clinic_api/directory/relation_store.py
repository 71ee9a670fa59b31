"""Tables of who else comes to a patient's record: proxies, who treats, invitations to claim it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, Integer, Row, String

from clinic_api.directory.model import Proxy
from clinic_api.paging import Page, page
from clinic_api.schema import Moment, id_column, table
from clinic_api.transaction import Transaction

proxies = table(
    "proxies",
    Column("patient_id", String(36), ForeignKey("patients.id"), nullable=False, index=True),
    id_column("user_id", index=True),
    Column("name", String(200), nullable=False),
    Column("relationship", String(100), nullable=False),
    Column("phone", String(40), nullable=False),
    Column("email", String(254), nullable=False),
    Column("scope", String(10), nullable=False),
    Column("expires_at", Moment),
    Column("ended_at", Moment),
)


care_relations = table(
    "care_relations",
    Column("patient_id", String(36), ForeignKey("patients.id"), nullable=False, index=True),
    Column(
        "practitioner_id", String(36), ForeignKey("practitioners.id"), nullable=False, index=True
    ),
)


claim_invitations = table(
    "claim_invitations",
    Column("patient_id", String(36), ForeignKey("patients.id"), nullable=False, index=True),
    Column("tries", Integer, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("claimed_at", Moment),
    Column("withdrawn_at", Moment),
)


def open_invitations(tx: Transaction, patient_id: str) -> list[Row[Any]]:
    return tx.all(
        tx.select(claim_invitations).where(
            claim_invitations.c.patient_id == patient_id,
            claim_invitations.c.claimed_at.is_(None),
            claim_invitations.c.withdrawn_at.is_(None),
        )
    )


def proxy(tx: Transaction, proxy_id: str) -> Proxy | None:
    row = tx.get(proxies, proxy_id)
    return None if row is None else _proxy(row)


def proxies_of(tx: Transaction, patient_id: str, cursor: str, limit: int) -> Page[Proxy]:
    query = tx.select(proxies).where(proxies.c.patient_id == patient_id)
    return page(tx, proxies, query, _proxy, cursor=cursor, limit=limit, newest_first=True)


def proxies_held(tx: Transaction, user_id: str) -> list[Proxy]:
    return [_proxy(row) for row in tx.all(tx.select(proxies).where(proxies.c.user_id == user_id))]


def standing(now: datetime | sa.ColumnElement[datetime]) -> sa.ColumnElement[bool]:
    """The same as `model.stands`, of rows."""
    expires_at = proxies.c.expires_at
    return sa.and_(proxies.c.ended_at.is_(None), sa.or_(expires_at.is_(None), expires_at > now))


def _proxy(row: Row[Any]) -> Proxy:
    return Proxy(
        id=row.id,
        version=row.version,
        patient_id=row.patient_id,
        user_id=row.user_id,
        name=row.name,
        relationship=row.relationship,
        phone=row.phone,
        email=row.email,
        scope=row.scope,
        expires_at=row.expires_at,
        ended_at=row.ended_at,
    )
