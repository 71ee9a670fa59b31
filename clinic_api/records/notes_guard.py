"""The database itself keeps a signed note as it is.

Its text, author, time and digest do not change, and neither it nor its addenda are deleted; both
engines raise IntegrityError in SQLAlchemy, or another DBAPIError. What may change is whose record
it is in (merging) and whether the patient reads it. Called by migrations only: the one place here
that asks which engine it is.
"""

from __future__ import annotations

from sqlalchemy import Connection

_FROZEN = ("practitioner_id", "visit_id", "sections", "signed_at", "signed_by", "digest")
_ADDED = ("note_id", "text", "signed_at", "signed_by", "digest")


def _sqlite(table: str, columns: tuple[str, ...], signed: str) -> tuple[str, ...]:
    changed = " OR ".join(f"NEW.{name} IS NOT OLD.{name}" for name in columns)
    stop = "BEGIN SELECT RAISE(ABORT, 'signed'); END"
    return (
        f"CREATE TRIGGER {table}_keep BEFORE UPDATE ON {table} "
        f"WHEN {signed} AND ({changed} OR NEW.signed_at IS NULL) {stop}",
        f"CREATE TRIGGER {table}_stay BEFORE DELETE ON {table} WHEN {signed} {stop}",
    )


def _postgres(table: str, columns: tuple[str, ...], signed: str) -> tuple[str, ...]:
    changed = " OR ".join(f"NEW.{name} IS DISTINCT FROM OLD.{name}" for name in columns)
    return (
        f"""
        CREATE FUNCTION {table}_keep() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'DELETE' OR {changed} THEN
                RAISE EXCEPTION 'signed' USING ERRCODE = 'integrity_constraint_violation';
            END IF;
            RETURN NEW;
        END $$
        """,
        f"CREATE TRIGGER {table}_keep BEFORE UPDATE OR DELETE ON {table} "
        f"FOR EACH ROW WHEN ({signed}) EXECUTE FUNCTION {table}_keep()",
    )


def install_note_guards(sql: Connection) -> None:
    """Once, when the tables have been made."""
    make = _postgres if sql.dialect.name == "postgresql" else _sqlite
    for statement in (
        *make("notes", _FROZEN, "OLD.signed_at IS NOT NULL"),
        *make("note_addenda", _ADDED, "OLD.signed_at IS NOT NULL"),
    ):
        sql.exec_driver_sql(statement)
