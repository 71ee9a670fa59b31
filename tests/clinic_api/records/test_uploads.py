"""Uploads that go wrong or are meant ill: refused in words, and nothing is left on disk."""

from __future__ import annotations

import asyncio
import errno
from pathlib import Path

import pytest
import sqlalchemy as sa
from aiohttp import ClientResponse, FormData

from clinic_api import idempotency
from clinic_api.db import Database
from clinic_api.files import disk
from clinic_api.files.model import MAX_FILE_BYTES
from clinic_api.files.store import files
from clinic_api.http.uploads import MOST_PER_ACTOR
from clinic_api.records import documents
from tests.clinic_api.files.samples import docx, pdf, png, zipped
from tests.clinic_api.records.cast import Desk, code_of, form, on_disk

pytestmark = pytest.mark.filterwarnings("ignore::aiohttp.web.NotAppKeyWarning")

BOUNDARY = "telemed"
HEAD = (
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n'
).encode()
END = f"\r\n--{BOUNDARY}--\r\n".encode()


@pytest.fixture
def database(sqlite_database: Database) -> Database:
    """The engine makes no difference here."""
    return sqlite_database


@pytest.fixture
def folder(sqlite_database: Database) -> Path:
    assert sqlite_database.files is not None
    return sqlite_database.files.parent


async def rows(database: Database) -> int:
    query = sa.select(sa.func.count()).where(files.c.size > 0)  # the world began with one of 0
    return int(await database.read(lambda tx: tx.sql.execute(query).scalar_one()))


async def nothing_left(database: Database, folder: Path) -> bool:
    return on_disk(folder) == [] and await rows(database) == 0


async def post(desk: Desk, body: bytes | FormData, **headers: str) -> ClientResponse:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if isinstance(body, bytes):
        sent.setdefault("Content-Type", f"multipart/form-data; boundary={BOUNDARY}")
    everything = desk.world.people["alice"].headers | sent
    return await desk.client.post(desk.path, data=body, headers=everything)


NOT_TAKEN = {
    "not taken": (b"MZ\x90\x00" + bytes(60), "file_refused"),
    "two files": (png() + zipped({"a": b"b"}), "file_refused"),
    "bomb": (docx(**{"word/media/a": bytes(20_000_000)}), "file_refused"),
    "empty": (b"", "file_refused"),
    "over the limit": (pdf(MAX_FILE_BYTES + 1), "too_large"),
    "far over the limit": (pdf(MAX_FILE_BYTES + 1_000_000), "too_large"),
}
KIND = HEAD.replace(b'"file"', b'"kind"')
NO_FORMS = [
    (b"", "not_form"),
    (b"no form at all", "not_form"),
    (HEAD + pdf(), "not_form"),  # cut: there is no end
    (HEAD + pdf() + END[:-4], "invalid"),  # another part should follow
    (END, "invalid"),  # no file
    (HEAD + pdf() + b"\r\n" + HEAD + pdf() + END, "invalid"),  # two files
    (KIND + b"x" * 9000 + END, "too_large"),
    (KIND + b"\xff" + END, "not_form"),
    (KIND + b"novel\r\n" + HEAD + pdf() + END, "invalid"),
    (KIND.replace(b"kind", b"color") + b"red\r\n" + HEAD + pdf() + END, "invalid"),
    ((KIND + b"other\r\n") * 2 + HEAD + END, "invalid"),
    (HEAD.replace(b"\r\n\r\n", b"\r\nX: " + b"y" * 70_000 + b"\r\n\r\n") + END, "not_form"),
]


async def test_what_is_not_taken_leaves_nothing(
    desk: Desk, database: Database, folder: Path
) -> None:
    for why, (data, code) in NOT_TAKEN.items():
        assert await code_of(await desk.add("alice", data, key="once")) == code, why
        assert await nothing_left(database, folder)
    keys = await database.read(lambda tx: tx.all(tx.select(idempotency.keys)))
    assert keys == []


async def test_a_form_that_is_none_leaves_nothing(
    desk: Desk, database: Database, folder: Path
) -> None:
    answers = [await code_of(await post(desk, body)) for body, _ in NO_FORMS]
    assert answers == [code for _, code in NO_FORMS]
    assert await nothing_left(database, folder)


async def test_other_bodies_are_refused(desk: Desk, database: Database, folder: Path) -> None:
    json = await post(desk, b"{}", Content_Type="application/json")
    packed = await post(desk, HEAD + pdf() + END, Content_Encoding="gzip")
    assert [await code_of(json), await code_of(packed)] == ["not_form", "not_form"]
    assert await nothing_left(database, folder)


async def parts_of_a_body() -> object:
    yield HEAD + pdf()
    yield END


async def test_a_body_has_to_say_how_long_it_is(desk: Desk) -> None:
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    answer = await desk.client.post(
        desk.path, data=parts_of_a_body(), headers=desk.world.people["alice"].headers | headers
    )
    assert (answer.status, await code_of(answer)) == (411, "length_needed")


async def half_sent(
    desk: Desk, length: int, body: bytes
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A request whose body is not all there, or more than was said."""
    host, port = desk.client.host, desk.client.port
    reader, writer = await asyncio.open_connection(host, port)
    headers = {
        **desk.world.people["alice"].headers,
        "Host": f"{host}:{port}",
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
        "Content-Length": str(length),
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"POST {desk.path} HTTP/1.1\r\n{lines}\r\n".encode() + body)
    await writer.drain()
    return reader, writer


async def drafted(folder: Path, many: int = 1) -> None:
    """Until so many drafts are there."""
    while len(on_disk(folder)) < many:
        await asyncio.sleep(0.005)


async def swept(database: Database, folder: Path) -> None:
    """Until nothing is left."""
    while not await nothing_left(database, folder):
        await asyncio.sleep(0.005)


async def test_a_body_that_ends_before_its_length_leaves_nothing(
    desk: Desk, database: Database, folder: Path
) -> None:
    data = pdf(400_000)
    _, writer = await half_sent(desk, len(data) + 5000, HEAD + data)
    async with asyncio.timeout(10):
        await drafted(folder)
        writer.close()
        await swept(database, folder)


async def test_a_body_that_is_longer_than_its_length_is_cut_there(
    desk: Desk, database: Database, folder: Path
) -> None:
    reader, writer = await half_sent(desk, len(HEAD) + 20, HEAD + pdf(400_000) + END)
    async with asyncio.timeout(10):
        assert (await reader.readline()).split()[1] in {b"400", b"415"}
    writer.close()
    assert await nothing_left(database, folder)


@pytest.mark.usefixtures("hurried")
async def test_a_body_that_drips_is_given_up(desk: Desk, database: Database, folder: Path) -> None:
    reader, writer = await half_sent(desk, 100_000, HEAD + pdf(50_000))
    async with asyncio.timeout(10):
        assert (await reader.readline()).startswith(b"HTTP/1.1 408")
    writer.close()
    assert await nothing_left(database, folder)


async def test_one_person_sends_a_few_at_once(desk: Desk, database: Database, folder: Path) -> None:
    body = HEAD + pdf(400_000)
    held = [await half_sent(desk, len(body) + 5000, body) for _ in range(MOST_PER_ACTOR)]
    async with asyncio.timeout(20):
        await drafted(folder, MOST_PER_ACTOR)
        more = await asyncio.gather(*(desk.add("alice") for _ in range(10)))
        assert {each.status for each in more} == {429}
        assert (await desk.add("bob")).status == 201
        for _, writer in held:
            writer.close()
        while len(on_disk(folder)) > 1:
            await asyncio.sleep(0.005)
        assert (await desk.add("alice")).status == 201
    assert await rows(database) == 2


async def test_strangers_and_foreign_pages_get_nothing_to_disk(
    desk: Desk, database: Database, folder: Path
) -> None:
    stranger = await desk.client.post(desk.path, data=form(pdf(), "a.pdf"))
    foreign = await post(desk, HEAD + pdf() + END, Origin="https://evil.example")
    assert [await code_of(stranger), await code_of(foreign)] == ["sign_in_needed", "foreign_origin"]
    assert await code_of(await desk.add("charlie")) == "not_found"
    assert await nothing_left(database, folder)


async def test_the_same_key_takes_the_same_file_once(
    desk: Desk, database: Database, folder: Path
) -> None:
    first = await desk.add("alice", key="a", title="one")
    again = await desk.add("alice", key="a", title="one")
    assert (first.status, await first.read()) == (again.status, await again.read())
    other = [
        await desk.add("alice", pdf(70), key="a", title="one"),
        await desk.add("alice", key="a", title="two"),
        await desk.add("alice", name="b.pdf", key="a", title="one"),
    ]
    assert [await code_of(each) for each in other] == ["key_reused"] * 3
    assert (len(on_disk(folder)), await rows(database)) == (1, 1)


async def test_files_leave_the_database_room_to_write(
    desk: Desk, database: Database, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "RESERVE_BYTES", 2**60)
    answer = await desk.add("alice")
    assert (answer.status, await code_of(answer)) == (507, "storage_full")
    assert await nothing_left(database, folder)


async def test_a_patient_brings_a_bounded_number_a_day(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "MOST_BY_PATIENT", 1)
    assert (await desk.add("alice")).status == 201
    assert (await desk.add("alice")).status == 429
    assert (await desk.add("bob")).status == 201


@pytest.mark.parametrize(
    ("number", "code"), [(errno.ENOSPC, "storage_full"), (errno.EIO, "unavailable")]
)
async def test_a_disk_that_fails_at_the_end_is_told_in_words(
    desk: Desk,
    database: Database,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    code: str,
) -> None:
    def fails(descriptor: int) -> None:
        raise OSError(number, "the disk")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", fails)
        answer = await desk.add("alice")
    assert await code_of(answer) == code
    assert await nothing_left(database, folder)
