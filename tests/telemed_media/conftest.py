"""The clinic's database for the tests of what joins it to the rest."""

from __future__ import annotations

from tests.clinic_api.conftest import (
    clock,
    low_costs,
    sqlite_database,
    sqlite_place,
    sqlite_template,
)

__all__ = ["clock", "low_costs", "sqlite_database", "sqlite_place", "sqlite_template"]
