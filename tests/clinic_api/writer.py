"""A process that writes, to be killed: `python -m tests.clinic_api.writer FOLDER URL WRITES`.

Each line of its output acknowledges one row, by its id, after `write` has returned.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from clinic_api.actor import system
from clinic_api.idempotency import claim
from clinic_api.opening import open_database
from clinic_api.transaction import Transaction
from tests.clinic_api.conftest import place_in

WRITER = system("writer")


def add(tx: Transaction, name: str) -> None:
    claim(tx, WRITER, name, "")
    tx.note(WRITER, "toy", name, action="toy.add")


async def main(folder: Path, url: str, writes: int) -> None:
    async with await open_database(place_in(folder, url)) as database:
        os.write(1, b"ready\n")
        for number in range(writes):
            name = f"{os.getpid()}-{number}"
            await database.write(lambda tx, name=name: add(tx, name))  # type: ignore[misc]
            os.write(1, f"{name}\n".encode())


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
