"""The audit as a table: one chain on both engines, appended to, never changed."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from clinic_api.actor import Actor, system
from clinic_api.audit import chain, model, store
from clinic_api.audit.model import AuditRow
from clinic_api.db import Database
from clinic_api.opening import Place, open_database
from clinic_api.transaction import AuditRecord

BOB = Actor(kind="user", id="0199-bob", roles=frozenset({"doctor"}), client="192.0.2.7")
NOW = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
RECORD = AuditRecord(
    at=NOW, actor_kind="user", actor_id="0199-bob", action="patient.read", outcome="done"
)


async def note(database: Database, count: int, who: Actor = BOB) -> None:
    """`count` rows, each in a transaction of its own."""
    for _ in range(count):
        await database.write(lambda tx: tx.note(who, "patient", "p1", action="p.read"))


async def rows(database: Database) -> list[AuditRow]:
    return await database.read(lambda tx: store.rows_after(tx.sql, 0, 10_000))


async def test_rows_have_numbers_without_a_gap_and_each_names_the_one_before(
    database: Database,
) -> None:
    await note(database, 5)
    written = await rows(database)
    assert [row.seq for row in written] == [1, 2, 3, 4, 5]
    assert [row.previous for row in written] == [chain.START, *(row.hash for row in written[:-1])]
    assert all(chain.row_hash(row) == row.hash for row in written)


async def test_a_row_says_who_did_what_to_whose_record_when_and_from_where(
    database: Database,
) -> None:
    await database.write(
        lambda tx: tx.note(BOB, "note", "n1", patient_id="alice", action="note.read", why="visit")
    )
    (row,) = await rows(database)
    assert (row.actor_kind, row.actor_id, row.client) == ("user", "0199-bob", "192.0.2.7")
    assert (row.action, row.outcome, row.at) == ("note.read", "done", database.now())
    assert (row.object_kind, row.object_id, row.patient_id) == ("note", "n1", "alice")
    assert row.detail == '{"why":"visit"}'


async def test_many_writers_at_once_make_one_chain(place: Place) -> None:
    """Two processes' databases, as front and jobs have them, and reads that are recorded."""
    async with await open_database(place) as front, await open_database(place) as jobs:
        reads = (front.read(lambda tx: tx.note(BOB, action="audit.read")) for _ in range(10))
        await asyncio.gather(note(front, 20), note(jobs, 20), note(front, 20), *reads)
        written = await rows(jobs)
    assert [row.seq for row in written] == list(range(1, 71))
    assert [row.previous for row in written[1:]] == [row.hash for row in written[:-1]]


async def test_a_transaction_that_fails_leaves_no_row(database: Database) -> None:
    def fail(sql: Connection) -> None:
        store.append(sql, "o", [RECORD])
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await database.write(lambda tx: fail(tx.sql))
    await note(database, 1)
    assert [row.seq for row in await rows(database)] == [1]


FORBIDDEN = (
    "UPDATE audit SET action = 'x' WHERE seq = 1",
    "UPDATE audit SET action = action",
    "DELETE FROM audit WHERE seq = 2",
    "DELETE FROM audit",
)


@pytest.mark.parametrize("statement", FORBIDDEN)
async def test_the_database_refuses_to_change_or_remove_rows(
    database: Database, statement: str
) -> None:
    await note(database, 2)
    before = await rows(database)
    with pytest.raises(DBAPIError, match="the audit is only appended to"):
        await database.write(lambda tx: tx.sql.exec_driver_sql(statement))
    assert await rows(database) == before


async def test_sqlite_refuses_to_replace_a_row_by_an_insert(sqlite_database: Database) -> None:
    await note(sqlite_database, 2)
    replacing = "INSERT OR REPLACE INTO audit SELECT * FROM audit WHERE seq = 1"
    with pytest.raises(DBAPIError, match="the audit is only appended to"):
        await sqlite_database.write(lambda tx: tx.sql.exec_driver_sql(replacing))


async def test_postgres_refuses_to_truncate(postgres_place: Place) -> None:
    async with await open_database(postgres_place) as database:
        await note(database, 1)
        with pytest.raises(DBAPIError, match="the audit is only appended to"):
            await database.write(lambda tx: tx.sql.exec_driver_sql("TRUNCATE audit"))


async def test_what_somebody_typed_in_place_of_an_id_is_cut_and_made_harmless(
    database: Database,
) -> None:
    typed = "Alice Example, born 1980\x00" + "x" * 500
    record = msgspec.structs.replace(
        RECORD, object_id=typed, patient_id=typed, client=typed, detail={"code": typed}
    )
    await database.write(lambda tx: store.append(tx.sql, tx.org_id, [record]))
    (row,) = await rows(database)
    assert row.object_id.startswith("Alice?Example??born?1980?xxx")
    assert [len(row.object_id), len(row.patient_id), len(row.client)] == [80, 36, 64]
    assert chain.row_hash(row) == row.hash


@given(st.text(max_size=100), st.dictionaries(st.text(max_size=9), st.text(max_size=99)))
def test_whatever_comes_fits_the_columns(text: str, detail: dict[str, str]) -> None:
    names = dict.fromkeys(model.WIDTHS, text)
    fitted = model.fitted(AuditRecord(at=NOW, detail=detail, **names))
    assert all(len(getattr(fitted, name)) <= width for name, width in model.WIDTHS.items())
    assert model.fitted(fitted) == fitted
    assert model.detail_text(detail).isascii()


SAMPLE = chain.link(RECORD, "org", 1, chain.START)
CHANGED: dict[str, object] = {
    "seq": 2,
    "at": datetime(2027, 3, 1, 9, 0, 0, 1, tzinfo=UTC),
    "previous": bytes(31) + b"\x01",
    "detail": '{"a":"b"}',
} | dict.fromkeys(("org_id", *model.WIDTHS), "other")


@pytest.mark.parametrize("column", [name for name in AuditRow.__struct_fields__ if name != "hash"])
def test_the_hash_depends_on_every_column(column: str) -> None:
    changed = msgspec.structs.replace(SAMPLE, **{column: CHANGED[column]})
    assert chain.row_hash(changed) != SAMPLE.hash


def test_text_does_not_flow_from_one_column_into_the_next() -> None:
    one = msgspec.structs.replace(SAMPLE, action="ab", outcome="c")
    two = msgspec.structs.replace(SAMPLE, action="a", outcome="bc")
    assert chain.row_hash(one) != chain.row_hash(two)


def test_the_encoding_stays_what_it_was() -> None:
    """Rows of years ago are verified by it."""
    assert SAMPLE.hash.hex() == "dd22aac0d3c2dbc31fdb5b97c478eceea0baf357cac88686615a1f871c187ed5"


async def test_every_engine_has_the_columns_of_the_row(database: Database) -> None:
    assert tuple(store.AUDIT.columns.keys()) == AuditRow.__struct_fields__
    assert await database.read(lambda tx: store.head(tx.sql)) is None
    assert await database.read(lambda tx: tx.sql.execute(sa.select(store.AUDIT)).all()) == []


async def test_the_servers_own_doings_are_rows_too(database: Database) -> None:
    await note(database, 1, system("jobs"))
    assert [(row.actor_kind, row.actor_id) for row in await rows(database)] == [("system", "jobs")]
