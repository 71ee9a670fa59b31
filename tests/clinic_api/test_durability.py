"""What was acknowledged is there, whatever becomes of the process."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic_api import idempotency
from clinic_api.audit.checking import check_engines
from clinic_api.audit.store import AUDIT
from clinic_api.engines import open_engines
from clinic_api.opening import Place, open_database
from clinic_api.transaction import Transaction

ROOT = Path(__file__).parents[2]
SECONDS = 60.0


def writer(place: Place, writes: int, *before: str) -> list[str]:
    """The command that writes to the place."""
    program = [sys.executable, "-m", "tests.clinic_api.writer"]
    return [*before, *program, str(place.path.parent), place.url, str(writes)]


def killed_after(place: Place, acknowledged: int, writes: int) -> list[str]:
    """Kill a writer when it has acknowledged so many; all that it did acknowledge."""
    process = subprocess.Popen(writer(place, writes), stdout=subprocess.PIPE, cwd=ROOT, text=True)
    assert process.stdout is not None
    try:
        lines = [process.stdout.readline() for _ in range(acknowledged + 1)]
    finally:
        process.kill()
        lines += process.stdout.readlines()
        process.stdout.close()
        process.wait(SECONDS)
    assert lines[0] == "ready\n"
    return [line.strip() for line in lines[1:] if line.endswith("\n")]


async def lost(place: Place, acknowledged: list[str]) -> list[str]:
    """Those whose row or whose audit is not there."""

    def look(tx: Transaction) -> list[str]:
        rows = {bytes(row.key) for row in tx.all(tx.select(idempotency.keys))}
        audited = set(tx.sql.execute(sa.select(AUDIT.c.object_id)).scalars())
        column = idempotency.keys.c.key
        there = {name for name in audited if tx.index(column, name) in rows}
        return [name for name in acknowledged if name not in there]

    async with await open_database(place) as database:
        return await database.read(look)


async def kill_and_look(place: Place, rounds: int, writes: int) -> None:
    chance = random.Random(rounds)
    acknowledged: list[str] = []
    for _ in range(rounds):
        acknowledged += killed_after(
            place, chance.randrange(writes // 10, writes * 9 // 10), writes
        )
        assert await lost(place, acknowledged) == []
    assert len(acknowledged) <= await verified(place) <= len(acknowledged) + rounds


async def verified(place: Place) -> int:
    """How many rows the audit has, all of them in order."""
    engines = await open_engines(place.url, place.path)
    try:
        verdict = await check_engines(engines, place.path.parent)
    finally:
        await engines.close()
    assert verdict.fault is None
    return verdict.rows


@pytest.mark.slow
async def test_two_processes_write_side_by_side(place: Place) -> None:
    both = [
        subprocess.Popen(writer(place, 50), stdout=subprocess.PIPE, cwd=ROOT, text=True)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=SECONDS)[0].split() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert [len(lines) for lines in said] == [51, 51]
    assert await lost(place, [name for lines in said for name in lines[1:]]) == []
    assert await verified(place) == 100


@pytest.mark.slow
async def test_a_killed_writer_has_lost_nothing_that_it_acknowledged(place: Place) -> None:
    await kill_and_look(place, rounds=2, writes=100)


@pytest.mark.prove
async def test_twenty_killed_writers_have_lost_nothing(sqlite_place: Place) -> None:
    await kill_and_look(sqlite_place, rounds=20, writes=1000)


@pytest.mark.slow
def test_the_disk_is_told_before_a_write_is_acknowledged(
    sqlite_place: Place, tmp_path: Path
) -> None:
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("Debian's package strace is missing")
    traced = tmp_path / "calls"
    calls = "trace=fdatasync,fsync,write,pwrite64"
    subprocess.run(
        writer(sqlite_place, 20, strace, "-f", "-y", "-e", calls, "-o", str(traced)),
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=ROOT,
        timeout=SECONDS,
    )
    seen = [_kind(line) for line in traced.read_text().splitlines()]
    story = re.sub(r"(.)\1+", r"\1", "".join(seen).partition("R")[2])
    assert story.count("A") == 20
    assert re.fullmatch(r"(W[WS]*SA)+[WS]*", story), story


def _kind(line: str) -> str:
    """R ready, A acknowledged, W written to the log, S log forced to disk; else nothing."""
    if re.search(r'\bwrite\(1.*"ready', line):
        return "R"
    if re.search(r"\bwrite\(1<", line):
        return "A"
    if re.search(r"\bpwrite64\(\d+<[^>]*-wal>", line):
        return "W"
    if re.search(r"\b(fdatasync|fsync)\(\d+<[^>]*-wal>", line):
        return "S"
    return ""
