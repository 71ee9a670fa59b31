"""A row in every table of the clinic, found by walking the schema, so that no column is forgotten.

Sealed columns hold a canary text that names the column; indexed ones its keyed hash; clear ones
whatever fits them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Column, Table

from clinic_api.data_classes import CLASSES
from clinic_api.schema import Moment
from clinic_api.tables import metadata
from clinic_api.transaction import Transaction

# Made by opening, and by every transaction.
NOT_FILLED = ("audit", "data_keys", "organisations")
CANARY = "kanarienvogel"


class Sealed(msgspec.Struct, frozen=True):
    """One sealed value of the database and where it stands."""

    table: str
    column: str
    row_id: str


def canary(table: str, column: str) -> str:
    """The text that this column was given."""
    return f"{CANARY} {table}.{column} is nowhere to be read"


def fill(tx: Transaction) -> list[Sealed]:
    """Insert the rows; returns every sealed value."""
    found: list[Sealed] = []
    ids: dict[str, str] = {"organisations": tx.org_id}
    for table in metadata.sorted_tables:
        if table.name in NOT_FILLED:
            continue
        row_id = ids[table.name] = tx.new_id()
        values = {
            column.name: _value(tx, table, column, row_id, ids)
            for column in table.columns
            if not column.nullable or _class(column) != "clear"
        }
        tx.sql.execute(sa.insert(table).values(values))
        found += [
            Sealed(table.name, column.name, row_id)
            for column in table.columns
            if _class(column) == "sealed"
        ]
    return found


def unsealed(tx: Transaction, where: Sealed) -> str:
    """The text back."""
    table = metadata.tables[where.table]
    row = tx.get(table, where.row_id)
    assert row is not None
    return tx.unseal(table.c[where.column], where.row_id, row._mapping[where.column])


def _class(column: Column[Any]) -> str:
    return CLASSES.get(column.table.name, {}).get(column.name, "clear")


def _value(
    tx: Transaction, table: Table, column: Column[Any], row_id: str, ids: dict[str, str]
) -> object:
    text = canary(table.name, column.name)
    if column.name in {"id", "org_id"}:
        return row_id if column.name == "id" else tx.org_id
    if _class(column) == "sealed":
        return tx.seal(column, row_id, text)
    if _class(column) == "indexed":
        return tx.index(column, text)
    for key in column.foreign_keys:
        return ids[key.column.table.name]
    return _clear(tx.now, column, row_id)


def _clear(now: datetime, column: Column[Any], row_id: str) -> object:
    kind = column.type
    if isinstance(kind, Moment):
        return now
    if isinstance(kind, sa.Boolean):
        return True
    if isinstance(kind, sa.Integer):
        return 1
    if isinstance(kind, sa.Date):
        return now.date()
    if isinstance(kind, sa.LargeBinary):
        return b"\0" * 32
    assert isinstance(kind, sa.String), f"{column}: {kind!r} is new here"
    return row_id[-(kind.length or 36) :]
