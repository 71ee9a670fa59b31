"""The table of the one organisation of an installation."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Column, Connection, Integer, Row, String
from sqlalchemy.exc import IntegrityError

from clinic_api.actor import Actor
from clinic_api.ids import new_id
from clinic_api.organisation.model import Organisation, OrganisationState, Profile
from clinic_api.schema import Moment, table
from clinic_api.transaction import Transaction

FIRST = 1

organisations = table(
    "organisations",
    Column("number", Integer, nullable=False, unique=True),  # two first starts make one row
    Column("state", String(8), nullable=False),
    Column("name", String(120), nullable=False),
    Column("country", String(2), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("time_zone", String(64), nullable=False),
    Column("phone", String(20), nullable=False),
    Column("set_up_at", Moment),
)


def ensure_organisation(sql: Connection, now: datetime) -> str:
    """The id of the organisation's row, which is made where there is none. Needs a write."""
    found = _first_id(sql)
    if found is not None:
        return found
    row_id = new_id(now)
    blank = dict.fromkeys(("name", "country", "currency", "time_zone", "phone"), "")
    written = {"created_by": "system:opening", "updated_by": "system:opening"}
    values = {"id": row_id, "org_id": row_id, "version": 1, "number": FIRST, "state": "new"}
    times = {"created_at": now, "updated_at": now}
    try:
        with sql.begin_nested():
            sql.execute(sa.insert(organisations).values(**values, **times, **written, **blank))
    except IntegrityError:
        return str(_first_id(sql))
    return row_id


def _first_id(sql: Connection) -> str | None:
    return sql.execute(
        sa.select(organisations.c.id).where(organisations.c.number == FIRST)
    ).scalar()


def organisation(tx: Transaction) -> Organisation:
    """The organisation of this transaction."""
    row = tx.get(organisations, tx.org_id)
    assert row is not None, "opening makes it"
    return _value(row)


def locked_organisation(tx: Transaction) -> Organisation:
    """The same, and until the commit nobody else changes it."""
    rows = tx.select(organisations).where(organisations.c.id == tx.org_id)
    row = tx.first(rows.with_for_update())
    assert row is not None, "opening makes it"
    return _value(row)


def write_profile(
    tx: Transaction, actor: Actor, profile: Profile, version: int, state: OrganisationState
) -> None:
    """Raises Refused(stale)."""
    values: dict[str, Any] = {name: getattr(profile, name) for name in Profile.__struct_fields__}
    if state == "ready" and organisation(tx).state == "new":
        values["set_up_at"] = tx.now
    tx.update(organisations, actor, tx.org_id, version, state=state, **values)


def _value(row: Row[Any]) -> Organisation:
    return Organisation(**{name: getattr(row, name) for name in Organisation.__struct_fields__})
