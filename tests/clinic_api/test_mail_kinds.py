"""Each kind of mail: what it links to, and when it is not wanted any more."""

from __future__ import annotations

from datetime import date, datetime
from typing import get_args

import pytest

from clinic_api.actor import Actor, system
from clinic_api.auth import entry, links, new_login, store
from clinic_api.auth.entry import AskReset, Register
from clinic_api.auth.model import User
from clinic_api.auth.new_login import NewLogin
from clinic_api.db import Database
from clinic_api.directory import service as directory
from clinic_api.directory.claiming import InvitePatient, invite_patient
from clinic_api.directory.service import CreatePatient
from clinic_api.mail.kinds import KINDS, find
from clinic_api.mail.rendering import Wanted
from clinic_api.mail.texts import LANGUAGES
from clinic_api.outbox import About, Kind, about_of
from clinic_api.outbox_store import outbox
from clinic_api.transaction import Transaction
from tests.clinic_api.conftest import Clock

DESK = system("test")
STRANGER = Actor(kind="stranger", client="192.0.2.1")
DORA = NewLogin(login="dora@example.org", display_name="Dora")

Found = list[tuple[str, Wanted | None]]


def found(tx: Transaction) -> Found:
    """What every message that was enqueued has to say now, in their order."""
    rows = tx.all(tx.select(outbox).order_by(outbox.c.created_at, outbox.c.id))
    return [(row.kind, find(tx, row.kind, about_of(row), row.created_at)) for row in rows]


def test_every_kind_has_its_facts_and_its_text_in_every_language() -> None:
    kinds = set(get_args(Kind))
    assert set(KINDS) == kinds
    assert {tag: set(each.texts) for tag, each in LANGUAGES.items()} == dict.fromkeys(
        LANGUAGES, kinds
    )


@pytest.mark.parametrize("kind", list(KINDS))
async def test_what_a_message_is_about_may_be_gone(sqlite_database: Database, kind: Kind) -> None:
    def work(tx: Transaction) -> Wanted | None:
        gone = tx.new_id()
        about = About(user_id=gone, visit_id=gone, participant_id=gone, invitation_id=gone)
        return find(tx, kind, about, tx.now)

    assert await sqlite_database.read(work) is None


async def test_an_activation_link_opens_the_login_until_it_is_active(
    sqlite_database: Database,
) -> None:
    def register(tx: Transaction) -> None:
        entry.register(tx, STRANGER, Register(email=DORA.login, display_name="Dora"))

    await sqlite_database.write(register)
    ((kind, wanted),) = await sqlite_database.read(found)
    assert kind == "account.invitation"
    assert wanted is not None
    page, _, token = wanted.path.partition("#")
    assert page == "/activate"
    user = await sqlite_database.read(lambda tx: links.opened(tx, "activate", token))
    assert user.login == DORA.login
    await sqlite_database.write(lambda tx: _activate(tx))
    assert await sqlite_database.read(found) == [("account.invitation", None)]


async def test_a_reset_link_opens_the_login_until_it_is_disabled(
    sqlite_database: Database,
) -> None:
    await sqlite_database.write(_active_dora)
    await sqlite_database.write(lambda tx: entry.ask_reset(tx, STRANGER, AskReset(DORA.login)))
    wanted = await sqlite_database.read(_reset)
    assert wanted is not None
    page, _, token = wanted.path.partition("#")
    assert page == "/reset"
    user = await sqlite_database.read(lambda tx: links.opened(tx, "reset", token))
    assert user.login == DORA.login
    await sqlite_database.write(lambda tx: tx.update(store.users, DESK, user.id, state="disabled"))
    assert await sqlite_database.read(_reset) is None


async def test_word_of_a_change_says_when_it_was_and_has_no_link(
    sqlite_database: Database, clock: Clock
) -> None:
    user = await sqlite_database.write(_active_dora)
    happened_at = sqlite_database.now()
    clock.advance(3600.0)

    def work(tx: Transaction, made_at: datetime = happened_at) -> Wanted | None:
        return find(tx, "account.factor_changed", About(user_id=user.id), made_at)

    assert await sqlite_database.read(work) == Wanted(at=happened_at)


async def test_a_newer_invitation_to_claim_a_record_stops_the_older(
    sqlite_database: Database, clock: Clock
) -> None:
    def alice(tx: Transaction) -> str:
        command = CreatePatient(
            name="Alice", birth_date=date(1990, 1, 2), emails=("alice@example.org",)
        )
        return directory.create_patient(tx, DESK, command).id

    patient_id = await sqlite_database.write(alice)
    paths = []
    for _ in range(2):
        made = await sqlite_database.write(
            lambda tx: invite_patient(tx, DESK, InvitePatient(patient_id))
        )
        paths.append(made.path)
        clock.advance(1.0)
    older, newer = await sqlite_database.read(found)
    assert older == ("patient.claim", None)
    assert newer[1] is not None
    assert newer[1].path == paths[1]


def _active_dora(tx: Transaction) -> User:
    new_login.new_user(tx, DESK, DORA, frozenset({"patient"}))
    return _activate(tx)


def _activate(tx: Transaction) -> User:
    user = store.user_by_login(tx, DORA.login)
    assert user is not None
    tx.update(store.users, DESK, user.id, state="active", email_verified_at=tx.now)
    return user


def _reset(tx: Transaction) -> Wanted | None:
    (wanted,) = (wanted for kind, wanted in found(tx) if kind == "account.reset_password")
    return wanted
