"""Who may read the audit, and what a patient learns about their own record."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from clinic_api.actor import STRANGER, Actor, system
from clinic_api.audit.checkpoints import KEY_FILE, write_checkpoint
from clinic_api.audit.flows import verify_audit
from clinic_api.audit.service import (
    AccessEntry,
    AuditEntry,
    ReadAccessLog,
    ReadAudit,
    VerifyAudit,
    read_access_log,
    read_audit,
)
from clinic_api.db import Database
from clinic_api.errors import Refused
from clinic_api.opening import Place
from clinic_api.paging import Page
from tests.clinic_api.conftest import Clock

ANN = Actor(kind="user", id="ann", roles=frozenset({"admin"}))
BOB = Actor(kind="user", id="bob", roles=frozenset({"doctor"}), client="192.0.2.7")
CAROL = Actor(kind="user", id="carol", roles=frozenset({"desk"}))
ALICE = Actor(
    kind="user", id="alice", roles=frozenset({"patient"}), patient_ids=frozenset({"p-alice"})
)
CHARLIE = Actor(
    kind="user", id="charlie", roles=frozenset({"patient"}), patient_ids=frozenset({"p-charlie"})
)


@pytest.fixture
async def clinic(database: Database, clock: Clock) -> AsyncIterator[Database]:
    """Bob, Carol, Alice and a job did something with Alice's record, and Bob with Charlie's."""
    for actor, action, patient_id in (
        (BOB, "patient.read", "p-alice"),
        (CAROL, "patient.change", "p-alice"),
        (ALICE, "patient.read", "p-alice"),
        (system("jobs"), "outbox.settle", "p-alice"),
        (BOB, "patient.read", "p-charlie"),
    ):
        clock.advance(60)
        await do(database, actor, action, patient_id)
    yield database


async def do(database: Database, actor: Actor, action: str, patient_id: str) -> None:
    await database.write(
        lambda tx: tx.note(actor, "patient", patient_id, patient_id=patient_id, action=action)
    )


async def audit(database: Database, command: ReadAudit, actor: Actor = ANN) -> Page[AuditEntry]:
    return await database.read(lambda tx: read_audit(tx, actor, command))


async def accesses(database: Database, actor: Actor, patient_id: str) -> Page[AccessEntry]:
    command = ReadAccessLog(patient_id=patient_id)
    return await database.read(lambda tx: read_access_log(tx, actor, command))


async def test_alice_sees_who_else_looked_at_her_record(clinic: Database) -> None:
    seen = await accesses(clinic, ALICE, "p-alice")
    assert [(entry.actor_id, entry.action) for entry in seen.items] == [
        ("carol", "patient.change"),
        ("bob", "patient.read"),
    ]
    assert seen.items[1].at == clinic.now() - timedelta(seconds=240)


async def test_charlie_sees_nothing_of_alice_and_his_attempt_is_audited(clinic: Database) -> None:
    with pytest.raises(Refused) as refused:
        await accesses(clinic, CHARLIE, "p-alice")
    assert refused.value.code == "not_found"
    newest = (await audit(clinic, ReadAudit(outcome="refused"))).items[0]
    assert (newest.actor_id, newest.action) == ("charlie", "patient.access_log")
    assert (newest.object_id, newest.detail) == ("p-alice", {"code": "not_found"})


async def test_an_attempt_is_not_shown_to_the_patient_as_an_access(clinic: Database) -> None:
    with pytest.raises(Refused):
        await accesses(clinic, CHARLIE, "p-alice")
    seen = await accesses(clinic, ALICE, "p-alice")
    assert "charlie" not in {entry.actor_id for entry in seen.items}


@pytest.mark.parametrize("actor", [BOB, CAROL, ALICE, CHARLIE, STRANGER])
async def test_only_the_administrator_reads_or_verifies_the_audit(
    sqlite_database: Database, actor: Actor
) -> None:
    code = "sign_in_needed" if actor is STRANGER else "not_allowed"
    with pytest.raises(Refused, match=Refused(code).message):
        await audit(sqlite_database, ReadAudit(), actor)
    with pytest.raises(Refused, match=Refused(code).message):
        await verify_audit(sqlite_database, actor, VerifyAudit())


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (ReadAudit(), ["bob", "jobs", "alice", "carol", "bob"]),
        (ReadAudit(patient_id="p-charlie"), ["bob"]),
        (ReadAudit(actor_id="bob"), ["bob", "bob"]),
        (ReadAudit(action="patient.change"), ["carol"]),
        (ReadAudit(outcome="refused"), []),
        (ReadAudit(patient_id="p-alice", actor_id="bob"), ["bob"]),
    ],
)
async def test_the_audit_is_narrowed_by_its_columns(
    clinic: Database, command: ReadAudit, expected: list[str]
) -> None:
    assert [entry.actor_id for entry in (await audit(clinic, command)).items] == expected


async def test_the_audit_is_narrowed_by_time(clinic: Database) -> None:
    last = clinic.now()
    assert [e.at for e in (await audit(clinic, ReadAudit(since=last))).items] == [last]
    until = last - timedelta(seconds=180)
    assert [e.actor_id for e in (await audit(clinic, ReadAudit(until=until))).items] == ["bob"]


async def test_reading_the_audit_is_in_the_audit(clinic: Database) -> None:
    await audit(clinic, ReadAudit(patient_id="p-alice"))
    newest = (await audit(clinic, ReadAudit(limit=1))).items[0]
    assert (newest.actor_id, newest.action, newest.patient_id) == ("ann", "audit.read", "p-alice")


async def test_pages_show_each_row_once_while_rows_are_added(clinic: Database) -> None:
    seen, cursor = [], ""
    while True:
        part = await audit(clinic, ReadAudit(limit=2, cursor=cursor))  # adds a row itself
        seen += [entry.seq for entry in part.items]
        if part.next is None:
            break
        cursor = part.next
    assert seen == [5, 4, 3, 2, 1]


async def test_a_cursor_of_another_list_is_refused(clinic: Database) -> None:
    cursor = (await audit(clinic, ReadAudit(limit=1))).next
    assert cursor is not None
    command = ReadAccessLog(patient_id="p-alice", cursor=cursor)
    with pytest.raises(Refused) as refused:
        await clinic.read(lambda tx: read_access_log(tx, ALICE, command))
    assert refused.value.fields == {"cursor": "This is not a place in this list."}


async def test_the_administrator_has_the_whole_audit_verified(clinic: Database) -> None:
    found = await verify_audit(clinic, ANN, VerifyAudit())
    assert (found.whole, found.first_bad_row) == (True, None)
    assert found.rows == 6  # asking is a row too


async def test_without_its_key_the_verification_is_refused_in_words(
    sqlite_database: Database, sqlite_place: Place
) -> None:
    root = sqlite_place.keys.parent
    await do(sqlite_database, BOB, "patient.read", "p-alice")
    await write_checkpoint(sqlite_database, root)
    (root / KEY_FILE).unlink()
    with pytest.raises(Refused, match="The key that signed the audit is missing"):
        await verify_audit(sqlite_database, ANN, VerifyAudit())
