"""The jobs process as the supervisor runs it: real processes, database and mail server."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import msgspec
import psutil
import pytest

from clinic_api.actor import system
from clinic_api.auth.new_login import NewLogin, new_user
from clinic_api.auth.store import user_by_login
from clinic_api.db import Database
from clinic_api.files.disk import disk_of
from clinic_api.files.model import ReceivedFile
from clinic_api.files.service import keep, show
from clinic_api.ids import new_id
from clinic_api.outbox import About, OutboxMessage, enqueue
from clinic_api.outbox_store import outbox
from clinic_api.transaction import Transaction
from telemed_media.clinic import open_clinic
from telemed_media.configuration import JobsConfiguration
from telemed_media.data_folder import DataFolder, prepare
from telemed_media.heartbeat import beats
from tests.clinic_api.files.clamd_server import running as clamd_running
from tests.clinic_api.files.samples import pdf
from tests.clinic_api.mail_server import NAME, PASSWORD, Running, running

pytestmark = pytest.mark.slow

JOBS = system("test")
URL = "https://clinic.example"
READY_WITHIN_S = 3 * 3.0
STOPPED_WITHIN_S = 3.0
REFUSED_WITHIN_S = 3 * 10.0
SENT_WITHIN_S = 3 * 2.0
POLL_S = 0.05
MEMORY_LIMIT_BYTES = 150 * 1024 * 1024


@asynccontextmanager
async def jobs(
    folder: DataFolder, server: Running | None = None, clamd_url: str = ""
) -> AsyncIterator[asyncio.subprocess.Process]:
    """The process, ready; killed at the end if it still runs."""
    ours, theirs = os.pipe()
    login = f"{NAME}:{quote(PASSWORD, safe='')}"
    given = JobsConfiguration(
        ready_pipe=theirs,
        data=str(folder.root),
        public_url=URL,
        database_url="",
        smtp_url=f"smtp://{login}@localhost:{server.port}" if server else "",
        mail_from="no-reply@clinic.example" if server else "",
        clamd_url=clamd_url,
    )
    trust = {"SSL_CERT_FILE": str(server.authority)} if server else {}
    with (folder.root / "jobs.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "telemed_media.jobs"),
            stdin=asyncio.subprocess.PIPE,
            stderr=log,
            pass_fds=(theirs,),
            env={**os.environ, **trust},
        )
    os.close(theirs)
    assert process.stdin is not None
    try:
        process.stdin.write(msgspec.json.encode(given) + b"\n")
        await _line(ours)
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _line(pipe: int) -> None:
    with os.fdopen(pipe, "rb") as file:
        async with asyncio.timeout(READY_WITHIN_S):
            assert await asyncio.to_thread(file.readline)


async def test_it_starts_soon_is_small_and_stops_at_once(tmp_path: Path) -> None:
    began = time.monotonic()
    async with jobs(prepare(tmp_path)) as process:
        assert time.monotonic() - began < READY_WITHIN_S
        assert psutil.Process(process.pid).memory_info().rss < MEMORY_LIMIT_BYTES
        process.terminate()
        async with asyncio.timeout(STOPPED_WITHIN_S):
            assert await process.wait() == 0


async def test_it_shows_that_it_works(tmp_path: Path) -> None:
    folder = prepare(tmp_path)
    async with jobs(folder):
        async with asyncio.timeout(READY_WITHIN_S):
            while not beats(folder.run):
                await asyncio.sleep(POLL_S)


async def test_it_ends_with_its_supervisor(tmp_path: Path) -> None:
    async with jobs(prepare(tmp_path)) as process:
        assert process.stdin is not None
        process.stdin.close()
        async with asyncio.timeout(STOPPED_WITHIN_S):
            assert await process.wait() == 0


async def test_a_message_is_mailed_within_seconds(tmp_path: Path) -> None:
    folder = prepare(tmp_path)
    async with running(tmp_path) as server, jobs(folder, server):
        async with await open_clinic(folder, "") as database:
            await _enqueue(database)
        async with asyncio.timeout(SENT_WITHIN_S):
            while not server.box.envelopes:
                await asyncio.sleep(POLL_S)
    assert server.box.over_tls == [True]
    assert server.box.envelopes[0].rcpt_tos == ["dora@example.org"]
    log = (tmp_path / "jobs.log").read_text()
    assert "dora" not in log
    assert PASSWORD not in log


async def test_a_stop_lets_the_mail_in_hand_go_and_begins_no_other(tmp_path: Path) -> None:
    folder = prepare(tmp_path)
    async with (
        running(tmp_path) as server,
        jobs(folder, server) as process,
        await open_clinic(folder, "") as database,
    ):
        server.box.stalls = asyncio.Event()
        await _enqueue(database)
        await _enqueue(database)
        async with asyncio.timeout(SENT_WITHIN_S):
            while not server.box.envelopes:
                await asyncio.sleep(POLL_S)
        process.terminate()
        await asyncio.sleep(POLL_S)
        server.box.stalls.set()
        async with asyncio.timeout(STOPPED_WITHIN_S):
            assert await process.wait() == 0
        states = await database.read(_states)
    assert sorted(states) == ["queued", "sent"]


async def test_a_file_in_quarantine_is_scanned_within_seconds(tmp_path: Path) -> None:
    folder = prepare(tmp_path)
    async with (
        clamd_running(tmp_path) as fake,
        await open_clinic(folder, "", quarantines=True) as database,
        jobs(folder, clamd_url=f"unix:{fake.clamd.path}"),
    ):
        file_id = await _quarantined(database)
        async with asyncio.timeout(SENT_WITHIN_S):
            while await database.read(lambda tx: show(tx, [file_id])[file_id].state) != "clean":
                await asyncio.sleep(POLL_S)
    assert fake.seen == [pdf()]


async def _quarantined(database: Database) -> str:
    file_id = new_id(database.now())
    draft = disk_of(database).draft(file_id, "a.pdf", 1000)
    draft.write(pdf())
    written = draft.finish()
    file = ReceivedFile(
        id=file_id,
        name="a.pdf",
        media_type=written.media_type,
        size=written.size,
        sha256=written.sha256,
        state="quarantined",
    )
    await database.write(lambda tx: keep(tx, JOBS, "document", file))
    return file_id


async def test_the_audit_gets_a_checkpoint(tmp_path: Path) -> None:
    folder = prepare(tmp_path)
    async with await open_clinic(folder, "") as database:
        await database.write(lambda tx: tx.note(JOBS, "test", action="audit.read"))
    async with jobs(folder):
        line = await _first_checkpoint(folder)
    assert json.loads(line)["seq"] == 1


async def _first_checkpoint(folder: DataFolder) -> str:
    path = folder.root / "audit" / "checkpoints.jsonl"
    async with asyncio.timeout(READY_WITHIN_S):
        while not path.exists() or not path.read_text().endswith("\n"):
            await asyncio.sleep(POLL_S)
    return path.read_text()


async def _enqueue(database: Database) -> None:
    """Word of a change to an account, which needs an account only."""

    def work(tx: Transaction) -> None:
        dora = NewLogin(login="dora@example.org", display_name="Dora")
        user = user_by_login(tx, dora.login) or new_user(tx, JOBS, dora, frozenset({"doctor"}))
        message = OutboxMessage(
            kind="account.factor_changed",
            audience="staff",
            dedupe_key=tx.new_id(),
            recipient="dora@example.org",
            about=About(user_id=user.id),
        )
        enqueue(tx, JOBS, message)

    await database.write(work)


def _states(tx: Transaction) -> list[str]:
    return [row.state for row in tx.all(tx.select(outbox))]


async def test_a_database_without_its_keys_is_refused_in_words(tmp_path: Path) -> None:
    await (await open_clinic(prepare(tmp_path), "")).close()
    for key in (tmp_path / "keys").glob("*.kek"):
        key.unlink()
    command = Path(sys.executable).parent / "telemed-media"
    process = await asyncio.create_subprocess_exec(
        *(str(command), "serve", "--port", "0", "--host", "127.0.0.1", "--data", str(tmp_path)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(REFUSED_WITHIN_S):
            _, errors = await process.communicate()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    assert process.returncode == 2
    assert "Put the key file that belongs to this database back there." in errors.decode()
