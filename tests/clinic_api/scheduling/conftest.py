"""The practice that tests work with."""

from __future__ import annotations

import pytest

from clinic_api.db import Database
from tests.clinic_api.conftest import Clock
from tests.clinic_api.scheduling.cast import Practice, practice


@pytest.fixture
async def clinic(sqlite_database: Database, clock: Clock) -> Practice:
    return await practice(sqlite_database, clock)


@pytest.fixture
async def clinic_on_both(database: Database, clock: Clock) -> Practice:
    """On SQLite and on PostgreSQL, where the engine may make a difference."""
    return await practice(database, clock)
