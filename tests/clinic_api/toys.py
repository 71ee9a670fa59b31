"""A small table that every test of transactions may fill, apart from the clinic's own tables."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Column, Integer, LargeBinary, MetaData, String, Table

from clinic_api.actor import Actor, system
from clinic_api.audit.store import AUDIT
from clinic_api.db import Database
from clinic_api.schema import Moment, id_column
from clinic_api.transaction import Transaction

BOB = Actor(kind="user", id="bob", roles=frozenset({"doctor"}), client="192.0.2.7")
CHARLIE = Actor(kind="user", id="charlie", roles=frozenset({"patient"}))
SERVER = system("test")

toys = Table(
    "toys",
    MetaData(),
    id_column("id", primary_key=True),
    id_column("org_id", nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("created_by", String(80), nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("updated_by", String(80), nullable=False),
    Column("name", String(100), nullable=False, unique=True),
    Column("secret", LargeBinary),
)


async def make_toys(database: Database) -> None:
    await database.write(lambda tx: toys.create(tx.sql))


def add(tx: Transaction, name: str) -> str:
    return tx.insert(toys, BOB, name=name)


def names(tx: Transaction) -> list[str]:
    return [row.name for row in tx.all(tx.select(toys).order_by(toys.c.name))]


def audited(tx: Transaction) -> list[tuple[str, str, str]]:
    """Actor, action, outcome of every row."""
    query = sa.select(AUDIT.c.actor_id, AUDIT.c.action, AUDIT.c.outcome).order_by(AUDIT.c.seq)
    return [(row.actor_id, row.action, row.outcome) for row in tx.sql.execute(query)]
