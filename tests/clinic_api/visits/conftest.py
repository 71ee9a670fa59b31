"""The clinic that tests work with."""

from __future__ import annotations

import pytest

from clinic_api.db import Database
from tests.clinic_api.conftest import Clock
from tests.clinic_api.visits.cast import Clinic, opened


@pytest.fixture
async def clinic(sqlite_database: Database, clock: Clock) -> Clinic:
    return await opened(sqlite_database, clock)


@pytest.fixture
async def clinic_on_both(database: Database, clock: Clock) -> Clinic:
    """On SQLite and on PostgreSQL, where the engine may make a difference."""
    return await opened(database, clock)
