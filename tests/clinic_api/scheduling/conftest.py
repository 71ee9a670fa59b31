"""The practice that tests work with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clinic_api.db import Database
from tests.clinic_api.conftest import Clock
from tests.clinic_api.scheduling.cast import Practice, practice
from tests.clinic_api.scheduling.radicale_server import CalendarServer, running


@pytest.fixture
async def clinic(sqlite_database: Database, clock: Clock) -> Practice:
    return await practice(sqlite_database, clock)


@pytest.fixture
async def clinic_on_both(database: Database, clock: Clock) -> Practice:
    """On SQLite and on PostgreSQL, where the engine may make a difference."""
    return await practice(database, clock)


@pytest.fixture
async def calendar_server(tmp_path: Path) -> AsyncIterator[CalendarServer]:
    """Radicale, with a calendar of Alice's."""
    async with running(tmp_path / "radicale") as each:
        yield each
