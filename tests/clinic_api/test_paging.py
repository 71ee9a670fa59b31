"""Lists in pages."""

from __future__ import annotations

import pytest
from sqlalchemy import Row

from clinic_api.actor import system
from clinic_api.db import Database
from clinic_api.errors import Refused
from clinic_api.idempotency import claim, keys
from clinic_api.paging import CURSOR_CHARS, Page, cursor_of, page, position_of
from clinic_api.transaction import Transaction
from tests.clinic_api.conftest import Clock

BOB = system("bob")


def names(tx: Transaction, cursor: str = "", *, newest_first: bool = False) -> Page[str]:
    def item(row: Row[tuple[str]]) -> str:
        return str(row.id)

    query = tx.select(keys)
    return page(tx, keys, query, item, cursor=cursor, limit=3, newest_first=newest_first)


async def add(database: Database, key: str) -> None:
    await database.write(lambda tx: claim(tx, BOB, key, ""))


async def ask(database: Database, cursor: str, *, newest_first: bool = False) -> Page[str]:
    return await database.read(lambda tx: names(tx, cursor, newest_first=newest_first))


async def fill(database: Database, clock: Clock, rows: int) -> list[str]:
    """Rows of which every two have one time of creation; their ids in order."""
    for number in range(rows):
        await add(database, f"key {number}")
        clock.advance(number % 2)
    return await database.read(
        lambda tx: [row.id for row in tx.all(tx.select(keys).order_by("created_at", "id"))]
    )


async def walk(database: Database, *, newest_first: bool = False) -> list[str]:
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        part = await ask(database, cursor, newest_first=newest_first)
        seen += part.items
        cursor = part.next
        assert cursor is None or len(cursor) <= CURSOR_CHARS
    return seen


@pytest.mark.parametrize("rows", [0, 1, 3, 4, 7])
async def test_the_pages_together_are_the_list(database: Database, clock: Clock, rows: int) -> None:
    ids = await fill(database, clock, rows)
    assert await walk(database) == ids
    assert await walk(database, newest_first=True) == ids[::-1]


async def test_a_row_that_comes_between_moves_nothing(database: Database, clock: Clock) -> None:
    ids = await fill(database, clock, 6)
    first = await ask(database, "", newest_first=True)
    clock.advance(60)
    await add(database, "one more")
    second = await ask(database, first.next or "", newest_first=True)
    assert (*first.items, *second.items) == tuple(ids[::-1])


async def test_a_cursor_that_was_changed_or_is_of_another_list_is_refused(
    sqlite_database: Database, clock: Clock
) -> None:
    await fill(sqlite_database, clock, 5)
    part = await sqlite_database.read(names)
    assert part.next
    other = await sqlite_database.read(lambda tx: cursor_of(tx, "patients oldest", "1", "x"))
    for bad in (part.next[:-1], part.next[:-1] + "!", "AAAA", "ü", "x" * 399, other):
        with pytest.raises(Refused) as caught:
            await ask(sqlite_database, bad)
        assert (caught.value.code, list(caught.value.fields)) == ("invalid", ["cursor"])
    with pytest.raises(Refused):
        await ask(sqlite_database, part.next, newest_first=True)


async def test_a_position_comes_back_as_it_was(sqlite_database: Database) -> None:
    def there_and_back(tx: Transaction) -> tuple[str, ...]:
        return position_of(tx, "audit", cursor_of(tx, "audit", "17", "ä b"))

    assert await sqlite_database.read(there_and_back) == ("17", "ä b")
