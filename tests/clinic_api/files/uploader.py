"""A process that takes uploads, to be killed: `python -m tests.clinic_api.files.uploader FOLDER N`.

It serves the real operations over a real socket, and sends itself documents of different sizes.
Each line of its output acknowledges one, by its id and digest, after the answer has come.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
from pathlib import Path

from aiohttp.test_utils import TestClient, TestServer

from clinic_api.auth.authentication import authenticator
from clinic_api.directory.relations import of_user
from clinic_api.files import disk
from clinic_api.files.model import MAX_FILE_BYTES
from clinic_api.http.server import add_api_routes
from clinic_api.opening import open_database
from clinic_api.records.documents_routes import ROUTES
from clinic_api.visits.joining import participant_actor
from telemed_media import logs
from tests.clinic_api.conftest import place_in
from tests.clinic_api.files.samples import pdf
from tests.clinic_api.http.conftest import UNLIMITED, bare_app
from tests.clinic_api.http.world import a_clinic
from tests.clinic_api.records.cast import Desk

AT_ONCE = 3
SIZES = (100, 70_000, 500_000)  # bytes


async def main(folder: Path, uploads: int) -> None:
    logs.configure("uploader", sys.stderr)
    disk.RESERVE_BYTES = -MAX_FILE_BYTES  # to the very end of the disk
    async with await open_database(place_in(folder)) as database:
        app = bare_app()
        authenticate = authenticator(database, of_user, participant_actor)
        add_api_routes(app, database, authenticate, ROUTES, UNLIMITED)
        async with TestClient(TestServer(app)) as client:
            world = await a_clinic(database, f"http://{client.host}:{client.port}")
            desk = Desk(client, world)
            numbers = iter(range(uploads))
            os.write(1, b"ready\n")
            await asyncio.gather(*(_send(desk, numbers) for _ in range(AT_ONCE)))


async def _send(desk: Desk, numbers: object) -> None:
    for number in numbers:  # type: ignore[attr-defined]
        data = pdf(SIZES[number % len(SIZES)]) + f"% {os.getpid()} {number}\n%%EOF\n".encode()
        answer = await desk.add("alice", data)
        if answer.status == 201:
            document = await answer.json()
            digest = hashlib.sha256(data).hexdigest()
            os.write(1, f"{document['id']} {digest}\n".encode())
        else:
            os.write(1, f"refused {answer.status}\n".encode())


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
