"""Rows have one owner, a version, and a record of who wrote them; on both engines."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from cryptography.exceptions import InvalidTag

from clinic_api.db import Database
from clinic_api.errors import Refused
from clinic_api.ids import is_id
from clinic_api.transaction import Transaction
from tests.clinic_api.conftest import Clock
from tests.clinic_api.toys import BOB, CHARLIE, add, make_toys, names, toys


@pytest.fixture
async def db(database: Database) -> AsyncIterator[Database]:
    await make_toys(database)
    yield database


def add_foreign(tx: Transaction) -> str:
    """A row of another organisation."""
    row_id = add(tx, "foreign")
    tx.sql.execute(sa.update(toys).where(toys.c.id == row_id).values(org_id=tx.new_id()))
    return row_id


async def test_a_new_row_says_who_wrote_it_and_when(db: Database, clock: Clock) -> None:
    row_id = await db.write(lambda tx: add(tx, "bear"))
    row = await db.read(lambda tx: tx.get(toys, row_id))
    assert row is not None
    assert is_id(row_id)
    assert row.created_at == row.updated_at == datetime.fromtimestamp(clock(), UTC)
    assert (row.version, row.created_by, row.updated_by) == (1, "user:bob", "user:bob")


async def test_rows_of_another_organisation_are_not_there(db: Database) -> None:
    row_id = await db.write(add_foreign)
    assert await db.read(names) == []
    assert await db.read(lambda tx: tx.get(toys, row_id)) is None
    with pytest.raises(Refused) as caught:
        await db.write(lambda tx: tx.update(toys, BOB, row_id, name="ours"))
    assert caught.value.code == "not_found"


async def test_a_change_counts_the_version_and_says_who_made_it(db: Database, clock: Clock) -> None:
    row_id = await db.write(lambda tx: add(tx, "bear"))
    clock.advance(60)
    assert await db.write(lambda tx: tx.update(toys, CHARLIE, row_id, 1, name="wolf")) == 2
    row = await db.read(lambda tx: tx.get(toys, row_id))
    assert row is not None
    assert (row.name, row.version, row.created_by, row.updated_by) == (
        "wolf",
        2,
        "user:bob",
        "user:charlie",
    )
    assert (row.updated_at - row.created_at).total_seconds() == 60


async def test_a_change_of_an_old_version_is_stale_and_changes_nothing(db: Database) -> None:
    row_id = await db.write(lambda tx: add(tx, "bear"))
    await db.write(lambda tx: tx.update(toys, BOB, row_id, 1, name="wolf"))
    with pytest.raises(Refused) as caught:
        await db.write(lambda tx: tx.update(toys, BOB, row_id, 1, name="fox"))
    assert caught.value.code == "stale"
    assert await db.read(names) == ["wolf"]


async def test_a_sealed_value_opens_in_its_own_row_only(db: Database) -> None:
    def seal(tx: Transaction, name: str) -> str:
        row_id = tx.new_id()
        secret = tx.seal(toys.c.secret, row_id, f"secret of {name}")
        return tx.insert(toys, BOB, id=row_id, name=name, secret=secret)

    def unseal(tx: Transaction, row_id: str, source: str) -> str:
        row = tx.get(toys, source)
        assert row is not None
        return tx.unseal(toys.c.secret, row_id, row.secret)

    bear = await db.write(lambda tx: seal(tx, "bear"))
    wolf = await db.write(lambda tx: seal(tx, "wolf"))
    assert await db.read(lambda tx: unseal(tx, bear, bear)) == "secret of bear"
    with pytest.raises(InvalidTag):
        await db.read(lambda tx: unseal(tx, bear, wolf))


async def test_a_moment_comes_back_to_the_microsecond(db: Database, clock: Clock) -> None:
    clock.now_s = 1_780_000_000.123457
    row_id = await db.write(lambda tx: add(tx, "bear"))
    row = await db.read(lambda tx: tx.get(toys, row_id))
    assert row is not None
    assert row.created_at == datetime.fromtimestamp(clock(), UTC)
