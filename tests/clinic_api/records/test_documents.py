"""Who sees which document, and what becomes of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import sqlalchemy as sa

from clinic_api.actor import system
from clinic_api.audit.store import AUDIT
from clinic_api.db import Database
from clinic_api.directory.store import patients
from clinic_api.files import disk
from clinic_api.files.clamd import Clamd, NoScanner
from clinic_api.files.scanning import scan_waiting
from clinic_api.files.service import PUT_OFF
from clinic_api.files.sweeping import KEPT, sweep
from clinic_api.mail.kinds import find
from clinic_api.outbox import about_of
from clinic_api.outbox_store import outbox
from clinic_api.transaction import Transaction
from tests.clinic_api.conftest import Clock
from tests.clinic_api.files.clamd_server import VIRUS, FakeClamd, running
from tests.clinic_api.files.samples import pdf
from tests.clinic_api.records.cast import Desk, code_of, on_disk

pytestmark = pytest.mark.filterwarnings("ignore::aiohttp.web.NotAppKeyWarning")
JOBS = system("jobs")


async def test_what_staff_bring_is_hidden_from_alice_until_bob_releases_it(desk: Desk) -> None:
    document = await desk.added("carol", title="Result", kind="lab_result")
    assert (document["side"], document["released_at"]) == ("staff", None)
    assert await desk.listed("alice") == []
    assert await code_of(await desk.file("alice", document["id"])) == "not_found"
    assert await code_of(await desk.change("carol", document, "release")) == "not_allowed"
    released = await desk.change("bob", document, "release")
    assert released.status == 200
    assert await desk.listed("alice") == [document["id"]]
    assert await (await desk.file("alice", document["id"])).read() == pdf()
    again = await desk.change("bob", await released.json(), "release")
    assert await code_of(again) == "illegal_event"


async def test_the_desk_may_add_and_not_read(desk: Desk) -> None:
    document = await desk.added("carol")
    assert await code_of(await desk.file("carol", document["id"])) == "not_allowed"
    for who in ("charlie", "dora"):
        assert await code_of(await desk.file(who, document["id"])) == "not_found"
        assert await code_of(await desk.add(who)) == "not_found"


async def test_alice_withdraws_her_own_and_not_the_clinics(desk: Desk, clock: Clock) -> None:
    hers = await desk.added("alice")
    clock.advance(1)
    theirs = await desk.added("bob")
    released = await (await desk.change("bob", theirs, "release")).json()
    assert await code_of(await desk.change("alice", released, "withdraw")) == "not_allowed"
    assert (await desk.change("alice", hers, "withdraw")).status == 200
    assert await desk.listed("alice") == [theirs["id"]]
    assert await code_of(await desk.file("alice", hers["id"])) == "not_found"
    assert await desk.listed("bob") == [theirs["id"], hers["id"]]
    assert (await desk.file("bob", hers["id"])).status == 200
    stale = await desk.change("bob", theirs, "withdraw")
    assert await code_of(stale) == "stale"


async def test_a_document_belongs_to_a_visit_of_the_same_patient(desk: Desk) -> None:
    document = await desk.added("bob", visit_id=desk.world.ids["visit_id"])
    assert document["visit_id"] == desk.world.ids["visit_id"]
    other = await desk.add("bob", visit_id=desk.world.ids["user_id"])
    assert await code_of(other) == "invalid"


async def test_every_look_is_in_the_audit(desk: Desk, database: Database) -> None:
    document = await desk.added("alice")
    await desk.file("bob", document["id"])
    await desk.file("charlie", document["id"])

    def rows(tx: Transaction) -> list[tuple[str, str, str]]:
        query = sa.select(AUDIT).where(AUDIT.c.action.like("document.%")).order_by(AUDIT.c.seq)
        return [(row.action, row.outcome, row.patient_id) for row in tx.sql.execute(query)]

    assert await database.read(rows) == [
        ("document.add", "done", desk.patient_id),  # of the world
        ("document.add", "done", desk.patient_id),
        ("document.read", "done", desk.patient_id),
        ("document.read", "refused", ""),
    ]


async def test_a_reader_who_has_the_file_already_is_told_so(desk: Desk) -> None:
    document = await desk.added("alice")
    first = await desk.file("bob", document["id"])
    again = await desk.file("bob", document["id"], If_None_Match=first.headers["ETag"])
    assert (again.status, await again.read()) == (304, b"")


async def test_the_head_of_a_file_is_told_without_it(desk: Desk) -> None:
    document = await desk.added("alice")
    path = f"/api/v1/documents/{document['id']}/file"
    got = await desk.client.head(path, headers=desk.world.people["bob"].headers)
    assert (got.status, got.content_length, await got.read()) == (200, len(pdf()), b"")


async def test_a_release_is_told_by_mail_while_it_stands(desk: Desk, database: Database) -> None:
    def address(tx: Transaction) -> None:
        tx.update(patients, JOBS, desk.patient_id, emails='["alice@example.org"]')

    def told(tx: Transaction) -> list[tuple[str, str]]:
        rows = tx.all(tx.select(outbox).where(outbox.c.kind == "document.released"))
        wanted = [find(tx, row.kind, about_of(row), row.created_at) for row in rows]
        found = zip(rows, wanted, strict=True)
        return [(row.recipient, each.path) for row, each in found if each is not None]

    await database.write(address)
    document = await desk.added("bob")
    assert await database.read(told) == []
    released = await (await desk.change("bob", document, "release")).json()
    assert await database.read(told) == [("alice@example.org", "/sign-in")]
    await desk.change("bob", released, "withdraw")
    assert await database.read(told) == []


# damage


async def test_a_file_that_was_changed_on_disk_is_not_given_out(desk: Desk, folder: Path) -> None:
    document = await desk.added("alice")
    (path,) = on_disk(folder)
    sealed = bytearray(path.read_bytes())
    sealed[-1] ^= 1
    path.write_bytes(sealed)
    assert await code_of(await desk.file("bob", document["id"])) == "file_damaged"
    path.write_bytes(sealed[:-20])
    assert await code_of(await desk.file("bob", document["id"])) == "file_damaged"
    path.unlink()
    assert await code_of(await desk.file("bob", document["id"])) == "file_damaged"


async def test_a_file_that_is_broken_in_the_middle_ends_the_connection(
    desk: Desk, folder: Path
) -> None:
    answer = await desk.add("alice", pdf(2_000_000))
    (path,) = on_disk(folder)
    sealed = bytearray(path.read_bytes())
    sealed[-100] ^= 1
    path.write_bytes(sealed)
    got = await desk.file("bob", (await answer.json())["id"])
    assert got.status == 200
    with pytest.raises(Exception, match=r"(?i)payload|connection"):
        await got.read()


async def test_one_file_in_the_place_of_another_does_not_open(desk: Desk, folder: Path) -> None:
    document = await desk.added("alice")
    (mine,) = on_disk(folder)
    await desk.added("bob")
    (theirs,) = set(on_disk(folder)) - {mine}
    mine.write_bytes(theirs.read_bytes())
    assert await code_of(await desk.file("bob", document["id"])) == "file_damaged"


# quarantine


@pytest.fixture
async def quarantined(desk: Desk, database: Database) -> dict[str, dict[str, object]]:
    """A clean file and one with a virus, waiting."""
    database.quarantines = True
    clean = await desk.added("alice")
    infected = await desk.add("alice", pdf() + b"% " + VIRUS + b"\n%%EOF\n")
    return {"clean": clean, "infected": await infected.json()}


async def test_a_file_stays_in_quarantine_until_the_scanner_has_seen_it(
    desk: Desk,
    database: Database,
    folder: Path,
    tmp_path: Path,
    quarantined: dict[str, dict[str, object]],
) -> None:
    clean, infected = (quarantined[each]["id"] for each in ("clean", "infected"))
    with pytest.raises(NoScanner):
        await scan_waiting(database, JOBS, Clamd(path=str(tmp_path / "nobody")))
    for each in (clean, infected):
        assert await code_of(await desk.file("bob", each)) == "file_quarantined"
    async with running(tmp_path) as fake:
        await broken(database, fake)
        assert await scan_waiting(database, JOBS, fake.clamd) == 2
        assert await scan_waiting(database, JOBS, fake.clamd) == 0
    assert (await desk.file("bob", clean)).status == 200
    gone = await desk.file("bob", infected)
    assert (gone.status, await code_of(gone)) == (410, "file_infected")
    assert len(on_disk(folder)) == 1
    headers = desk.world.people["bob"].headers
    shown = await desk.client.get(f"/api/v1/documents/{infected}", headers=headers)
    said = (await shown.json())["file"]
    assert (said["state"], said["finding"]) == ("refused", "Eicar-Test-Signature")


async def broken(database: Database, fake: FakeClamd) -> None:
    """A scanner that hangs up says nothing about any file."""
    fake.mood = "dies"
    with pytest.raises(NoScanner):
        await scan_waiting(database, JOBS, fake.clamd)
    fake.mood = "works"


async def test_a_file_that_the_scanner_cannot_judge_is_put_off(
    desk: Desk,
    database: Database,
    clock: Clock,
    tmp_path: Path,
    quarantined: dict[str, dict[str, object]],
) -> None:
    async with running(tmp_path) as fake:
        fake.mood = "full"
        assert await scan_waiting(database, JOBS, fake.clamd) == 0
        fake.mood = "works"
        assert await scan_waiting(database, JOBS, fake.clamd) == 0
        clock.advance(PUT_OFF.total_seconds() + 1)
        assert await scan_waiting(database, JOBS, fake.clamd) == 2
    assert (await desk.file("bob", quarantined["clean"]["id"])).status == 200


async def test_what_is_in_quarantine_is_not_released(desk: Desk, database: Database) -> None:
    database.quarantines = True
    document = await desk.added("bob")
    assert await code_of(await desk.change("bob", document, "release")) == "illegal_event"


# sweeping


def aged(path: Path, before_s: float) -> None:
    """As if it had been written then."""
    os.utime(path, (before_s, before_s))


async def test_what_no_row_names_goes_after_an_hour(
    desk: Desk, database: Database, folder: Path
) -> None:
    document = await desk.added("alice")
    (named,) = on_disk(folder)
    files = disk.disk_of(database)
    orphan, draft, young = (desk.world.ids[each] for each in ("user_id", "visit_id", "proxy_id"))
    for each in (orphan, young, draft):
        made = files.draft(each, "a.pdf", 1000)
        made.write(pdf())
        made.finish()
    (begun,) = (path for path in on_disk(folder) if path.name == draft)
    begun.rename(begun.with_name(f".{draft}"))
    long_ago = database.now().timestamp() - KEPT.total_seconds() - 1
    for path in on_disk(folder):
        aged(path, long_ago if path.name != young else long_ago + 3)
    assert await sweep(database, JOBS) == 2
    assert {path.name for path in on_disk(folder)} == {named.name, young}
    assert (await desk.file("bob", document["id"])).status == 200


async def test_the_bytes_of_a_refused_file_that_a_crash_left_go_too(
    desk: Desk,
    database: Database,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    quarantined: dict[str, dict[str, object]],
) -> None:
    async with running(tmp_path) as fake:
        with monkeypatch.context() as patch:
            patch.setattr(disk.Disk, "remove", lambda *_: None)
            await scan_waiting(database, JOBS, fake.clamd)
    assert len(on_disk(folder)) == 2
    for path in on_disk(folder):
        aged(path, database.now().timestamp() - 2 * KEPT.total_seconds())
    assert await sweep(database, JOBS) == 1
    assert (await desk.file("bob", quarantined["clean"]["id"])).status == 200
