"""Files at rest: sealed, in the backup, and never whole in memory on their way."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import FormData
from aiohttp.test_utils import TestClient, TestServer

from clinic_api.auth.authentication import authenticator
from clinic_api.backup import back_up, export_keys
from clinic_api.db import Database
from clinic_api.directory.relations import of_user
from clinic_api.files.disk import disk_of
from clinic_api.files.service import give
from clinic_api.http.route import Route
from clinic_api.http.server import API, add_api_routes
from clinic_api.opening import Place, open_database
from clinic_api.records.documents import add_document, may_add_document
from clinic_api.records.documents_model import AddDocument, Document
from clinic_api.records.documents_routes import ROUTES
from clinic_api.restore import restore
from clinic_api.visits.joining import participant_actor
from tests.clinic_api.filling import CANARY
from tests.clinic_api.http.cast import Client
from tests.clinic_api.http.conftest import UNLIMITED, bare_app
from tests.clinic_api.http.world import a_clinic
from tests.clinic_api.records.cast import Desk, on_disk

pytestmark = pytest.mark.filterwarnings("ignore::aiohttp.web.NotAppKeyWarning")

TEXT = f"{CANARY}: a diagnosis\n".encode() * 20_000  # several chunks
LARGE_BYTES = 200 * 1024 * 1024
MOST_GROWTH_BYTES = 24 * 1024 * 1024  # of the whole process, the client's part too


async def serving(database: Database, routes: tuple[Route, ...]) -> AsyncIterator[Client]:
    app = bare_app()
    authenticate = authenticator(database, of_user, participant_actor)
    add_api_routes(app, database, authenticate, routes, UNLIMITED)
    async with TestClient(TestServer(app)) as client:
        yield client


async def desk_of(client: Client, database: Database) -> Desk:
    return Desk(client, await a_clinic(database, f"http://{client.host}:{client.port}"))


def holding(folder: Path) -> list[str]:
    needles = [CANARY.encode(coding) for coding in ("utf-8", "utf-16-le", "utf-16-be")]
    return [
        path.name
        for path in folder.rglob("*")
        if path.is_file() and any(each in path.read_bytes() for each in needles)
    ]


@pytest.mark.slow
async def test_a_file_and_its_name_are_nowhere_to_be_read_and_come_back_from_a_backup(
    sqlite_place: Place, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    folder = sqlite_place.keys.parent
    async with await open_database(sqlite_place) as database:
        async for client in serving(database, ROUTES):
            desk = await desk_of(client, database)
            answer = await desk.add("alice", TEXT, f"{CANARY}.txt", title=CANARY)
            document = await answer.json()
            assert await (await desk.file("bob", document["id"])).read() == TEXT
            cut = await desk.add("alice", TEXT + b"\0", f"{CANARY}.txt", key="k", title=CANARY)
            assert cut.status == 422
            await asyncio.to_thread(back_up, sqlite_place, tmp_path / "a.backup", database.now())
    assert holding(tmp_path) == []
    assert CANARY not in caplog.text
    (sealed,) = on_disk(folder)
    export_keys(sqlite_place.keys, tmp_path / "keys.json")
    restore(tmp_path / "a.backup", tmp_path / "keys.json", tmp_path / "new", "")
    (there,) = on_disk(tmp_path / "new")
    assert (there.name, there.stat().st_mode & 0o777) == (sealed.name, 0o600)
    async with await open_database(restored(tmp_path / "new")) as database:
        file = await database.read(lambda tx: give(tx, sealed.name))
        assert b"".join(disk_of(database).chunks(file.id, file.size)) == TEXT


def restored(folder: Path) -> Place:
    return Place(
        path=folder / "db" / "telemed.sqlite", keys=folder / "keys", backups=folder / "backups"
    )


@pytest.mark.slow
async def test_a_file_that_goes_during_a_backup_does_not_break_it(
    sqlite_place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = sqlite_place.keys.parent / "files" / "ab" / "cd" / "gone"
    monkeypatch.setattr("clinic_api.backup._files", lambda _folder: iter([gone]))
    async with await open_database(sqlite_place) as database:
        back_up(sqlite_place, tmp_path / "a.backup", database.now())
    assert (tmp_path / "a.backup").stat().st_size > 0


@pytest.mark.prove
async def test_two_hundred_megabytes_are_never_whole_in_memory(
    sqlite_database: Database, tmp_path: Path
) -> None:
    large = tmp_path / "large.pdf"
    with large.open("wb") as file:
        file.write(b"%PDF-1.7\n")
        file.truncate(LARGE_BYTES - 6)
        file.seek(0, 2)
        file.write(b"%%EOF\n")
    path = "/patients/{patient_id}/documents"
    takes_more = Route(
        "POST",
        path,
        add_document,
        AddDocument,
        Document,
        status=201,
        before_file=may_add_document,
        max_body_bytes=LARGE_BYTES,
    )
    async for client in serving(sqlite_database, (takes_more, *ROUTES[2:])):
        desk = await desk_of(client, sqlite_database)
        before, began = peak_bytes(reset=True), time.monotonic()
        headers = desk.world.people["alice"].headers
        with large.open("rb") as source:
            form = FormData()
            form.add_field("file", source, filename="large.pdf")
            answer = await client.post(desk.path, data=form, headers=headers)
            assert answer.status == 201
        up_s, began = time.monotonic() - began, time.monotonic()
        document_id = (await answer.json())["id"]
        got = await client.get(f"{API}/documents/{document_id}/file", headers=headers)
        size = 0
        async for chunk in got.content.iter_chunked(65_536):
            size += len(chunk)
        down_s = time.monotonic() - began
        growth = peak_bytes() - before
        sys.stdout.write(
            f"200 MiB: up {up_s:.1f} s, down {down_s:.1f} s, memory + {growth / 2**20:.1f} MiB\n"
        )
        assert size == LARGE_BYTES
        assert growth < MOST_GROWTH_BYTES


def peak_bytes(*, reset: bool = False) -> int:
    """The largest resident set since the last reset (proc(5), clear_refs and VmHWM)."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = (each for each in lines if each.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024
