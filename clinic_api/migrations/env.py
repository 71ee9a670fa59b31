"""Alembic's environment: run the migrations on the connection that the caller has."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context

from clinic_api.schema import Moment
from clinic_api.tables import metadata


def _as_stored(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Migrations name types of the database, not of today's code."""
    return "sa.BigInteger()" if kind == "type" and isinstance(item, Moment) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_item=_as_stored,
    render_as_batch=True,  # SQLite cannot change most of a table in place
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
