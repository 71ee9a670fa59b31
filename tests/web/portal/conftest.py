"""The clinic's database for the tests of its pages."""

from __future__ import annotations

from tests.clinic_api.conftest import clock, sqlite_database, sqlite_place, sqlite_template

__all__ = ["clock", "sqlite_database", "sqlite_place", "sqlite_template"]
