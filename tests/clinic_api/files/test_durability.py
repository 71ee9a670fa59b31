"""A document that was acknowledged is there whole, whatever becomes of the process or the disk."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from clinic_api.actor import system
from clinic_api.db import Database
from clinic_api.files.disk import disk_of
from clinic_api.files.service import NamedFiles, give, named_files
from clinic_api.files.sweeping import KEPT, sweep
from clinic_api.opening import Place, open_database
from clinic_api.records.documents_store import documents
from clinic_api.transaction import Transaction
from tests.clinic_api.records.cast import on_disk

ROOT = Path(__file__).parents[3]
JOBS = system("jobs")
SECONDS = 120.0


def killed(folder: Path, acknowledged: int, uploads: int) -> dict[str, str]:
    """Kill it when it has acknowledged so many; id → digest of all that it did acknowledge."""
    program = [sys.executable, "-m", "tests.clinic_api.files.uploader", str(folder), str(uploads)]
    process = subprocess.Popen(program, stdout=subprocess.PIPE, cwd=ROOT, text=True)
    assert process.stdout is not None
    try:
        lines = [process.stdout.readline() for _ in range(acknowledged + 1)]
    finally:
        process.kill()
        lines += process.stdout.readlines()
        process.stdout.close()
        process.wait(SECONDS)
    assert lines[0] == "ready\n"
    said = [line.split() for line in lines[1:] if line.endswith("\n")]
    return {one[0]: one[1] for one in said}


async def kept(database: Database) -> dict[str, str]:
    """Every document that is visible and has a file: its id, and the digest of what it gives."""

    def rows(tx: Transaction) -> list[tuple[str, str, int]]:
        found = [(row.id, give(tx, row.file_id)) for row in tx.all(tx.select(documents))]
        return [(document_id, file.id, file.size) for document_id, file in found if file.size]

    disk = disk_of(database)
    return {
        document_id: hashlib.sha256(b"".join(disk.chunks(file_id, size))).hexdigest()
        for document_id, file_id, size in await database.read(rows)
    }


async def kill_and_look(place: Place, rounds: int, uploads: int) -> int:
    """How many files were left that no row names."""
    folder, orphans = place.keys.parent, 0
    chance = random.Random(rounds)
    for each in range(rounds):
        half_made = folder.parent / f"world-{each}"
        shutil.copytree(folder, half_made)
        mine = place_of(half_made)
        acknowledged = killed(half_made, chance.randrange(uploads // 4, uploads // 2), uploads)
        async with await open_database(mine) as database:
            found = await kept(database)
            assert acknowledged.items() <= found.items()
            orphans += await swept_to_what_is_named(database, half_made, len(found))
            assert await kept(database) == found
    return orphans


async def swept_to_what_is_named(database: Database, folder: Path, named: int) -> int:
    long_ago = database.now().timestamp() - 2 * KEPT.total_seconds()
    for path in on_disk(folder):
        os.utime(path, (long_ago, long_ago))
    gone = await sweep(database, JOBS)
    left = on_disk(folder)
    assert len(left) == named
    asked = NamedFiles(tuple(path.name for path in left))
    assert len(await database.read(lambda tx: named_files(tx, JOBS, asked))) == named
    return gone


def place_of(folder: Path) -> Place:
    return Place(path=folder / "telemed.sqlite", keys=folder / "keys", backups=folder / "backups")


@pytest.mark.slow
async def test_a_killed_server_has_lost_no_document_that_it_acknowledged(
    sqlite_place: Place,
) -> None:
    await kill_and_look(sqlite_place, rounds=1, uploads=60)


@pytest.mark.prove
async def test_killed_in_the_middle_of_uploads_again_and_again(sqlite_place: Place) -> None:
    orphans = await kill_and_look(sqlite_place, rounds=10, uploads=500)
    sys.stdout.write(f"orphans swept after 10 kills: {orphans}\n")


@pytest.mark.slow
async def test_a_full_disk_is_told_in_words_and_loses_nothing(
    sqlite_place: Place, tmp_path: Path
) -> None:
    """In a name space of its own, on a file system of 6 MB in memory."""
    small, source = tmp_path / "small", sqlite_place.keys.parent
    small.mkdir()
    script = (
        f"mount -t tmpfs -o size=6m none {small} && cp -r {source} {small}/clinic && "
        f"{sys.executable} -m tests.clinic_api.files.uploader {small}/clinic 40 && "
        f"{sys.executable} -m tests.clinic_api.files.test_durability {small}/clinic"
    )
    process = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=SECONDS,
        check=False,
    )
    if "permission" in process.stderr.lower() or "not permitted" in process.stderr:
        pytest.skip("no file system can be mounted here")
    assert process.returncode == 0, process.stderr[-2000:]
    ready, *answers = process.stdout.splitlines()
    taken = {line for line in answers if not line.startswith(("refused", "kept"))}
    refused = [line for line in answers if line.startswith("refused")]
    there = {line.removeprefix("kept ") for line in answers if line.startswith("kept")}
    assert ready == "ready"
    assert taken
    assert set(refused) == {"refused 507"}
    assert taken == there


async def _show(folder: Path) -> None:
    async with await open_database(place_of(folder)) as database:
        for document_id, digest in (await kept(database)).items():
            sys.stdout.write(f"kept {document_id} {digest}\n")
        assert len(on_disk(folder)) == len(await kept(database))


if __name__ == "__main__":
    import asyncio

    asyncio.run(_show(Path(sys.argv[1])))
