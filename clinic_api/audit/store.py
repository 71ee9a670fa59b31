"""The table `audit`: rows are appended, one chain over the whole database, and never changed.

Writers come one at a time: SQLite has one writer anyway, PostgreSQL takes an advisory lock until
the transaction ends. Triggers refuse to change or remove rows on both engines; who can drop
triggers is found out by the chain.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Connection, Index, LargeBinary, Row, String, Table, Text

from clinic_api.audit.chain import START, link
from clinic_api.audit.model import WIDTHS, AuditRow
from clinic_api.schema import Moment, id_column, metadata
from clinic_api.transaction import AuditRecord, Transaction

APPENDING_LOCK = 0x74656C6175646974  # any number, the same in every process

AUDIT = Table(
    "audit",
    metadata,
    # SQLite's own row number is INTEGER only.
    Column(
        "seq",
        BigInteger().with_variant(sa.Integer, "sqlite"),
        primary_key=True,
        autoincrement=False,
    ),
    id_column("org_id", nullable=False),
    Column("at", Moment, nullable=False),
    *(Column(name, String(width), nullable=False) for name, width in WIDTHS.items()),
    Column("detail", Text, nullable=False),
    Column("previous", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Index("ix_audit_patient_id", "patient_id", "seq"),
    Index("ix_audit_actor_id", "actor_id", "seq"),
    Index("ix_audit_action", "action", "seq"),
)

_SQLITE_TRIGGERS = (
    """CREATE TRIGGER IF NOT EXISTS audit_keeps BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit is only appended to'); END""",
    """CREATE TRIGGER IF NOT EXISTS audit_holds BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit is only appended to'); END""",
    # INSERT OR REPLACE removes the old row without a DELETE trigger.
    """CREATE TRIGGER IF NOT EXISTS audit_appends BEFORE INSERT ON audit
    WHEN NEW.seq <= (SELECT coalesce(max(seq), 0) FROM audit)
    BEGIN SELECT RAISE(ABORT, 'the audit is only appended to'); END""",
)
_POSTGRES_TRIGGERS = (
    """CREATE OR REPLACE FUNCTION audit_keeps() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'the audit is only appended to'; END $$""",
    """CREATE OR REPLACE TRIGGER audit_keeps BEFORE UPDATE OR DELETE ON audit
    FOR EACH ROW EXECUTE FUNCTION audit_keeps()""",
    """CREATE OR REPLACE TRIGGER audit_holds BEFORE TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_keeps()""",
)


def install_triggers(sql: Connection) -> None:
    """Refuse UPDATE, DELETE and TRUNCATE on the table from now on; may be called again."""
    triggers = _POSTGRES_TRIGGERS if sql.dialect.name == "postgresql" else _SQLITE_TRIGGERS
    for each in triggers:
        sql.exec_driver_sql(each)


@sa.event.listens_for(AUDIT, "after_create")
def _guard_new_table(_table: Table, sql: Connection, **_options: Any) -> None:
    install_triggers(sql)


_HEAD = sa.select(AUDIT.c.seq, AUDIT.c.hash).order_by(AUDIT.c.seq.desc()).limit(1)
_APPEND = sa.insert(AUDIT)


def append(sql: Connection, org_id: str, records: list[AuditRecord]) -> None:
    """Add the records to the chain, as the last statements of a writing transaction."""
    if sql.dialect.name == "postgresql":
        sql.execute(sa.select(sa.func.pg_advisory_xact_lock(APPENDING_LOCK)))
    seq, previous = head(sql) or (0, START)
    rows = []
    for record in records:
        row = link(record, org_id, seq + 1, previous)
        rows.append(msgspec.structs.asdict(row))
        seq, previous = row.seq, row.hash
    sql.execute(_APPEND, rows)


def head(sql: Connection) -> tuple[int, bytes] | None:
    """Number and hash of the last row."""
    row = sql.execute(_HEAD).first()
    return (row.seq, bytes(row.hash)) if row else None


def rows_after(sql: Connection, seq: int, limit: int) -> list[AuditRow]:
    """Up to `limit` rows of the chain after row `seq`, in order."""
    query = sa.select(AUDIT).where(AUDIT.c.seq > seq).order_by(AUDIT.c.seq).limit(limit)
    return [_read(row) for row in sql.execute(query)]


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows; an empty field does not narrow. `since` is included, `until` is not."""

    patient_id: str = ""
    actor_id: str = ""
    action: str = ""
    outcome: str = ""
    since: datetime | None = None
    until: datetime | None = None
    people_only: bool = False  # users and their API keys; no participant, no part of the server
    except_actor_id: str = ""


def newest_first(tx: Transaction, wanted: Filter, before: int | None, limit: int) -> list[AuditRow]:
    """Up to `limit` rows of this organisation, below number `before` where it is given."""
    query = tx.select(AUDIT).order_by(AUDIT.c.seq.desc()).limit(limit)
    for name in ("patient_id", "actor_id", "action", "outcome"):
        if getattr(wanted, name):
            query = query.where(AUDIT.c[name] == getattr(wanted, name))
    if wanted.since is not None:
        query = query.where(AUDIT.c.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(AUDIT.c.at < wanted.until)
    if wanted.except_actor_id:
        query = query.where(AUDIT.c.actor_id != wanted.except_actor_id)
    if wanted.people_only:
        query = query.where(AUDIT.c.actor_kind.in_(("user", "api_key")))
    if before is not None:
        query = query.where(AUDIT.c.seq < before)
    return [_read(row) for row in tx.all(query)]


def _read(row: Row[Any]) -> AuditRow:
    values = {**row._mapping, "previous": bytes(row.previous), "hash": bytes(row.hash)}
    return AuditRow(**values)
