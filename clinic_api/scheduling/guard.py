"""The database itself excludes two blocking appointments of one practitioner at one time.

PostgreSQL by an exclusion constraint over the busy ranges, SQLite by triggers; both raise
IntegrityError in SQLAlchemy. Called by migrations only, which make one engine's schema: the one
place here that asks which. A migration that makes the table anew on SQLite has to call it again.
"""

from __future__ import annotations

from sqlalchemy import Connection

_POSTGRES = (
    "CREATE EXTENSION IF NOT EXISTS btree_gist",  # trusted: a database's owner may (since 13)
    """
    ALTER TABLE appointments ADD CONSTRAINT no_two_at_once EXCLUDE USING gist (
        practitioner_id WITH =, int8range(busy_from, busy_until) WITH &&
    ) WHERE (blocks)
    """,
)
_CLASH = """
    WHEN NEW.blocks AND EXISTS (
        SELECT 1 FROM appointments AS other
        WHERE other.practitioner_id = NEW.practitioner_id AND other.blocks
        AND other.id <> NEW.id
        AND other.busy_until > NEW.busy_from AND other.busy_from < NEW.busy_until
    )
    BEGIN SELECT RAISE(ABORT, 'no_two_at_once'); END
"""
_SQLITE = (
    "CREATE TRIGGER no_two_at_once_insert BEFORE INSERT ON appointments" + _CLASH,
    "CREATE TRIGGER no_two_at_once_update BEFORE UPDATE OF practitioner_id, busy_from, busy_until, "
    "blocks ON appointments" + _CLASH,
)


def install_overlap_guard(sql: Connection) -> None:
    """Once, when the table has been made."""
    for statement in _POSTGRES if sql.dialect.name == "postgresql" else _SQLITE:
        sql.exec_driver_sql(statement)
