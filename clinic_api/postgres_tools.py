"""PostgreSQL's own programs for dump and restore, by its consistent snapshot.

The password goes through the environment: everybody can read a command line.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from sqlalchemy import make_url

LONGEST_S = 6 * 3600.0


class PostgresToolError(Exception):
    """A program is missing or failed; the message is for whoever runs the command."""


def dump(url: str, target: Path) -> None:
    """Write the database into `target`. Raises PostgresToolError."""
    _run("pg_dump", url, "--format=custom", "--no-owner", "--no-privileges", f"--file={target}")


def restore(url: str, source: Path) -> None:
    """Fill the empty database from `source`, all or nothing. Raises PostgresToolError."""
    database = make_url(url).database or ""
    _run(
        "pg_restore",
        url,
        "--no-owner",
        "--no-privileges",
        "--single-transaction",
        "--exit-on-error",
        f"--dbname={database}",
        str(source),
    )


def _run(name: str, url: str, *options: str) -> None:
    program = shutil.which(name)
    if program is None:
        raise PostgresToolError(
            f"{name} is needed for a database in PostgreSQL: install the package postgresql-client."
        )
    done = subprocess.run(  # noqa: S603
        [program, *options],
        env={**os.environ, **_environment(url)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST_S,
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no reason was given"]
        raise PostgresToolError(f"{name} failed: {lines[0]}")


def _environment(url: str) -> dict[str, str]:
    """How libpq's programs find the database of this address."""
    parts = make_url(url)
    host = parts.query.get("host", parts.host)
    found = {
        "PGHOST": host if isinstance(host, str) else None,
        "PGPORT": str(parts.port) if parts.port else None,
        "PGUSER": parts.username,
        "PGPASSWORD": parts.password,
        "PGDATABASE": parts.database,
    }
    return {name: value for name, value in found.items() if value}
