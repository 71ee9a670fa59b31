"""Whoever tampers with the audit is named: by the chain, and by the signed checkpoints."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from clinic_api import key_files
from clinic_api.actor import system
from clinic_api.audit import chain, checkpoints, store
from clinic_api.audit.checking import check_engines
from clinic_api.audit.checkpoints import ChainBroken, write_checkpoint
from clinic_api.audit.model import AuditRow
from clinic_api.audit.store import AUDIT
from clinic_api.audit.verify import Mark, Verdict, Verifier
from clinic_api.db import Database
from clinic_api.engines import open_engines
from clinic_api.key_files import KeyringError
from clinic_api.opening import Place
from clinic_api.transaction import AuditRecord

JOBS = system("jobs")
NOW = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)


def root(place: Place) -> Path:
    return place.keys.parent


async def fill(database: Database, place: Place) -> None:
    """Ten rows, a checkpoint at the fifth and the eighth."""
    for number in range(1, 11):
        await database.write(lambda tx: tx.note(JOBS, "thing", "t", action="x.y"))
        if number in {5, 8}:
            assert await write_checkpoint(database, root(place))


async def verdict(place: Place) -> Verdict:
    """As the command finds it, on its own connection."""
    engines = await open_engines(place.url, place.path)
    try:
        return await check_engines(engines, root(place))
    finally:
        await engines.close()


def without_triggers(sql: Connection) -> None:
    if sql.dialect.name == "postgresql":
        sql.exec_driver_sql("ALTER TABLE audit DISABLE TRIGGER USER")
    else:
        for name in ("audit_keeps", "audit_holds", "audit_appends"):
            sql.exec_driver_sql(f"DROP TRIGGER {name}")


def edit(sql: Connection) -> None:
    sql.execute(sa.update(AUDIT).where(AUDIT.c.seq == 4).values(object_id="other"))


def edit_and_hash_anew(sql: Connection) -> None:
    """The row fits itself, but not the one after it."""
    row = msgspec.structs.replace(store.rows_after(sql, 3, 1)[0], object_id="other")
    change = sa.update(AUDIT).where(AUDIT.c.seq == 4)
    sql.execute(change.values(object_id="other", hash=chain.row_hash(row)))


def delete(sql: Connection) -> None:
    sql.execute(sa.delete(AUDIT).where(AUDIT.c.seq == 4))


def delete_first(sql: Connection) -> None:
    sql.execute(sa.delete(AUDIT).where(AUDIT.c.seq == 1))


def delete_and_close_the_gap(sql: Connection) -> None:
    sql.execute(sa.delete(AUDIT).where(AUDIT.c.seq == 4))
    for seq in range(5, 11):
        sql.execute(sa.update(AUDIT).where(AUDIT.c.seq == seq).values(seq=seq - 1))


def swap(sql: Connection) -> None:
    for old, new in ((4, 99), (7, 4), (99, 7)):
        sql.execute(sa.update(AUDIT).where(AUDIT.c.seq == old).values(seq=new))


def cut(sql: Connection) -> None:
    sql.execute(sa.delete(AUDIT).where(AUDIT.c.seq > 7))


def cut_all(sql: Connection) -> None:
    sql.execute(sa.delete(AUDIT))


def rewrite_from(first: int) -> Callable[[Connection], None]:
    """Row `first` and all later hashes are made anew: the chain alone shows nothing."""

    def rewrite(sql: Connection) -> None:
        rows = store.rows_after(sql, first - 1, 100)
        sql.execute(sa.delete(AUDIT).where(AUDIT.c.seq >= first))
        records = [_record(row) for row in rows]
        store.append(sql, rows[0].org_id, records)

    return rewrite


def _record(row: AuditRow) -> AuditRecord:
    return AuditRecord(
        at=row.at,
        actor_kind=row.actor_kind,
        actor_id="charlie",
        action=row.action,
        outcome=row.outcome,
    )


TAMPERED: list[tuple[Callable[[Connection], None], int, str]] = [
    (edit, 4, "it was changed"),
    (edit_and_hash_anew, 4, "it was replaced; row 5 was written after another one"),
    (delete, 4, "it is missing; the next row is 5"),
    (delete_first, 1, "it is missing"),
    (delete_and_close_the_gap, 4, "it was changed, or moved here from another place"),
    (swap, 4, "moved here from another place"),
    (cut, 8, "rows 8 to 8 were cut off"),
    (cut_all, 1, "rows 1 to 8 were cut off"),
    (rewrite_from(1), 1, "rows 1 to 5 were written anew; checkpoint 1"),
    (rewrite_from(7), 6, "rows 6 to 8 were written anew; checkpoint 2"),
]


@pytest.mark.parametrize(("tamper", "seq", "sentence"), TAMPERED)
async def test_the_first_bad_row_is_named(
    database: Database,
    place: Place,
    tamper: Callable[[Connection], None],
    seq: int,
    sentence: str,
) -> None:
    await fill(database, place)

    def change(sql: Connection) -> None:
        without_triggers(sql)
        tamper(sql)

    await database.write(lambda tx: change(tx.sql))
    found = await verdict(place)
    assert found.fault is not None
    assert found.fault.seq == seq
    assert sentence in found.sentence


async def test_an_audit_that_nobody_touched_is_whole(database: Database, place: Place) -> None:
    await fill(database, place)
    found = await verdict(place)
    assert found == Verdict(rows=10, signed_rows=8, fault=None)
    assert found.sentence == "The audit is whole: 10 rows, signed up to row 8."


async def test_before_the_first_checkpoint_the_verdict_says_so(
    database: Database, place: Place
) -> None:
    assert (await verdict(place)).rows == 0
    await database.write(lambda tx: tx.note(JOBS, action="x.y"))
    expected = "The audit is whole: 1 row. No checkpoint has been signed yet."
    assert (await verdict(place)).sentence == expected


def forge(path: Path) -> None:
    """A line that names other rows, as somebody without the key would write it."""
    lines = path.read_bytes().splitlines(keepends=True)
    forged = msgspec.json.decode(lines[1], type=checkpoints.Checkpoint)
    changed = msgspec.json.encode(msgspec.structs.replace(forged, hash="00" * 32))
    path.write_bytes(lines[0] + changed + b"\n")


def garble(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b"nothing\n")


def turn_round(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[1] + lines[0])


@pytest.mark.parametrize(
    ("tamper", "sentence"),
    [
        (forge, "row 6: line 2 of the checkpoints is not signed by this clinic's key"),
        (garble, "row 6: line 2 of the checkpoints is not signed by this clinic's key"),
        (turn_round, "row 9: line 2 of the checkpoints is out of order"),
    ],
)
async def test_a_forged_checkpoint_is_named(
    sqlite_database: Database,
    sqlite_place: Place,
    tamper: Callable[[Path], None],
    sentence: str,
) -> None:
    await fill(sqlite_database, sqlite_place)
    tamper(root(sqlite_place) / checkpoints.FILE)
    assert sentence in (await verdict(sqlite_place)).sentence


async def test_another_clinics_key_makes_no_checkpoint(
    sqlite_database: Database, sqlite_place: Place
) -> None:
    await fill(sqlite_database, sqlite_place)
    (root(sqlite_place) / checkpoints.KEY_FILE).unlink()
    key_files.create(root(sqlite_place) / checkpoints.KEY_FILE, bytes(32))
    assert (
        "row 1: line 1 of the checkpoints is not signed" in (await verdict(sqlite_place)).sentence
    )


async def test_a_lost_key_is_missed_in_words_and_not_made_anew(
    sqlite_database: Database, sqlite_place: Place
) -> None:
    await fill(sqlite_database, sqlite_place)
    (root(sqlite_place) / checkpoints.KEY_FILE).unlink()
    for attempt in (verdict(sqlite_place), write_checkpoint(sqlite_database, root(sqlite_place))):
        with pytest.raises(KeyringError, match=r"audit\.key is missing"):
            await attempt


async def test_a_checkpoint_is_written_only_when_there_are_new_rows(
    sqlite_database: Database, sqlite_place: Place
) -> None:
    folder = root(sqlite_place)
    assert not await write_checkpoint(sqlite_database, folder)
    await fill(sqlite_database, sqlite_place)
    assert await write_checkpoint(sqlite_database, folder)
    assert not await write_checkpoint(sqlite_database, folder)
    assert [mark.seq for mark in checkpoints.marks(folder)] == [5, 8, 10]
    assert (folder / checkpoints.FILE).stat().st_mode & 0o777 == 0o600


async def test_a_checkpoint_that_comes_while_it_is_verified_is_not_taken_for_a_cut(
    sqlite_database: Database, sqlite_place: Place
) -> None:
    await fill(sqlite_database, sqlite_place)
    known = checkpoints.marks(root(sqlite_place))
    seen = [next(known).seq]
    assert await write_checkpoint(sqlite_database, root(sqlite_place))
    assert [*seen, *(mark.seq for mark in known)] == [5, 8]


async def test_a_line_that_a_power_cut_tore_is_left_out_and_written_over(
    sqlite_database: Database, sqlite_place: Place
) -> None:
    await fill(sqlite_database, sqlite_place)
    path = root(sqlite_place) / checkpoints.FILE
    path.write_bytes(path.read_bytes() + path.read_bytes()[:40])
    assert (await verdict(sqlite_place)).signed_rows == 8
    assert await write_checkpoint(sqlite_database, root(sqlite_place))
    assert (await verdict(sqlite_place)).sentence.endswith("signed up to row 10.")


async def test_a_cut_table_is_not_signed_again(
    sqlite_database: Database, sqlite_place: Place
) -> None:
    await fill(sqlite_database, sqlite_place)
    await sqlite_database.write(lambda tx: without_triggers(tx.sql))
    await sqlite_database.write(lambda tx: cut(tx.sql))
    with pytest.raises(ChainBroken, match="ends at row 7, a checkpoint names row 8"):
        await write_checkpoint(sqlite_database, root(sqlite_place))


def long_chain(count: int) -> Iterator[AuditRow]:
    previous = chain.START
    for seq in range(1, count + 1):
        record = AuditRecord(
            at=NOW + timedelta(seconds=seq),
            actor_kind="user",
            actor_id="bob",
            action="patient.read",
            outcome="done",
        )
        row = chain.link(record, "org", seq, previous)
        previous = row.hash
        yield row


def test_memory_does_not_grow_with_the_rows() -> None:
    tracemalloc.start()
    verifier = Verifier(())
    verifier.feed(long_chain(8_000))
    assert verifier.finish() == Verdict(rows=8_000, signed_rows=0, fault=None)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 100_000


LONG = list(long_chain(12))
COLUMNS = [name for name in AuditRow.__struct_fields__ if name not in {"seq", "at"}]


def verified(rows: list[AuditRow], marked: set[int]) -> Verdict:
    marks = (
        Mark(line=line, seq=seq, hash=LONG[seq - 1].hash, genuine=True)
        for line, seq in enumerate(sorted(marked), 1)
    )
    verifier = Verifier(marks)
    for row in rows:
        verifier.feed([row])
    return verifier.finish()


MARKED = st.sets(st.integers(1, 12), max_size=4)


@given(MARKED)
def test_every_chain_that_nobody_touched_is_whole(marked: set[int]) -> None:
    assert verified(LONG, marked) == Verdict(
        rows=12, signed_rows=max(marked, default=0), fault=None
    )


@given(MARKED, st.integers(0, 11), st.sampled_from(COLUMNS))
def test_any_edit_of_any_column_is_named(marked: set[int], place: int, column: str) -> None:
    rows = LONG.copy()
    old = getattr(rows[place], column)
    other = old + (b"x" if isinstance(old, bytes) else "x")
    rows[place] = msgspec.structs.replace(rows[place], **{column: other})
    fault = verified(rows, marked).fault
    assert fault is not None
    assert fault.seq == place + 1


@given(MARKED, st.permutations(range(12)))
def test_any_other_order_is_named(marked: set[int], order: list[int]) -> None:
    """Rows get the numbers of their new places, as somebody who moves them has to give them."""
    rows = [msgspec.structs.replace(LONG[old], seq=new) for new, old in enumerate(order, 1)]
    moved = [new for new, old in enumerate(order, 1) if old + 1 != new]
    fault = verified(rows, marked).fault
    assert (fault.seq if fault else None) == (moved[0] if moved else None)


@given(MARKED, st.sets(st.integers(1, 12), min_size=1))
def test_any_rows_left_out_are_named_up_to_the_last_checkpoint(
    marked: set[int], gone: set[int]
) -> None:
    rows = [row for row in LONG if row.seq not in gone]
    end = max((row.seq for row in rows), default=0)
    known = {seq for seq in gone if seq < end or seq <= max(marked, default=0)}
    fault = verified(rows, marked).fault
    assert (fault.seq if fault else None) == min(known, default=None)


def test_several_checkpoints_may_name_the_same_row() -> None:
    rows = list(long_chain(3))
    marks = [Mark(line=n, seq=2, hash=rows[1].hash, genuine=True) for n in (1, 2)]
    verifier = Verifier(marks)
    verifier.feed(rows)
    assert verifier.finish() == Verdict(rows=3, signed_rows=2, fault=None)
