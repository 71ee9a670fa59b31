"""The guard can be installed by an ordinary owner of a PostgreSQL database."""

from __future__ import annotations

import asyncpg
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from clinic_api.migrations import migrate
from tests.clinic_api import postgres

pytestmark = pytest.mark.slow


async def test_an_owner_who_is_no_superuser_migrates(postgres_server: postgres.Server) -> None:
    await postgres_server.run("CREATE ROLE owner LOGIN", "CREATE DATABASE owned OWNER owner")
    url = sa.make_url(postgres_server.url("owned")).set(
        drivername="postgresql+asyncpg", username="owner"
    )
    engine = create_async_engine(url)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(migrate)
    finally:
        await engine.dispose()
    connection = await asyncpg.connect(
        host=str(postgres_server.folder), user="owner", database="owned"
    )
    try:
        query = "SELECT contype FROM pg_constraint WHERE conname = 'no_two_at_once'"
        assert await connection.fetchval(query) == b"x"
    finally:
        await connection.close()
        await postgres_server.run("DROP DATABASE owned", "DROP ROLE owner")
