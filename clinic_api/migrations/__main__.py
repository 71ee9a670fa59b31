"""Writes the next migration: what the tables need beyond the migrations that there are.

For developers: `python -m clinic_api.migrations "Add a table of …"`; then read what it wrote.
"""

from __future__ import annotations

import sys

import sqlalchemy as sa
from alembic import command
from alembic.script import ScriptDirectory

from clinic_api.migrations import FOLDER, configuration, migrate


def main(title: str) -> None:
    """Raises alembic.util.CommandError."""
    number = sum(1 for _ in ScriptDirectory(str(FOLDER)).walk_revisions()) + 1
    with sa.create_engine("sqlite://").begin() as sql:
        if number > 1:
            migrate(sql)
        config = configuration(sql)
        config.set_main_option("file_template", "v%%(rev)s")
        command.revision(config, title, autogenerate=True, rev_id=f"{number:04}")


if __name__ == "__main__":
    main(sys.argv[1])
