"""What was acknowledged of a note is there, whatever becomes of the process."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from clinic_api.opening import Place, open_database
from clinic_api.records import notes_store
from clinic_api.transaction import Transaction

ROOT = Path(__file__).parents[3]
SECONDS = 60.0


def killed(folder: Path, acknowledged: int, notes: int) -> list[str]:
    """Kill a writer when it has acknowledged so much; all that it did acknowledge."""
    program = [sys.executable, "-m", "tests.clinic_api.records.notes_writer", str(folder)]
    process = subprocess.Popen([*program, str(notes)], stdout=subprocess.PIPE, cwd=ROOT, text=True)
    assert process.stdout is not None
    try:
        lines = [process.stdout.readline() for _ in range(acknowledged + 1)]
    finally:
        process.kill()
        lines += process.stdout.readlines()
        process.stdout.close()
        process.wait(SECONDS)
    assert lines[0] == "ready\n"
    return [line.removesuffix("\n") for line in lines[1:] if line.endswith("\n")]


async def lost(place: Place, acknowledged: list[str]) -> list[str]:
    """Lines that say more than the database knows, or something else."""
    newest = {line.split("\t")[0]: line for line in acknowledged}

    def look(tx: Transaction) -> list[str]:
        return [line for note_id, line in newest.items() if not _is_kept(tx, note_id, line)]

    async with await open_database(place) as database:
        return await database.read(look)


def _is_kept(tx: Transaction, note_id: str, line: str) -> bool:
    _, version, text, digest = line.split("\t")
    note = notes_store.note(tx, note_id)
    if note is None or note.version < int(version) or not note.sections.plan.startswith(text):
        return False
    return not digest or note.digest == digest


async def kill_and_look(place: Place, rounds: int, notes: int) -> None:
    chance = random.Random(rounds)
    acknowledged: list[str] = []
    for _ in range(rounds):
        enough = chance.randrange(notes, notes * 4)
        acknowledged += killed(place.path.parent, enough, notes)
        assert await lost(place, acknowledged) == []


@pytest.mark.slow
async def test_a_killed_writer_has_lost_no_draft_and_no_signature(sqlite_place: Place) -> None:
    await kill_and_look(sqlite_place, rounds=1, notes=60)


@pytest.mark.prove
async def test_killed_in_the_middle_of_500_notes_again_and_again(sqlite_place: Place) -> None:
    await kill_and_look(sqlite_place, rounds=10, notes=500)
