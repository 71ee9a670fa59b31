"""What was shown once or typed is in no file of the database, and in no log."""

from __future__ import annotations

import logging

import pytest

from clinic_api.auth import flows
from clinic_api.auth.api_keys import CreateApiKey, create_api_key
from clinic_api.auth.service import ShowCode
from clinic_api.auth.store import forget_tries, sign_in_tries, tries, write_tries
from clinic_api.auth.throttle import Tries
from clinic_api.auth.users import OneUser, issue_reset_code
from clinic_api.db import Database
from clinic_api.opening import Place
from clinic_api.transaction import Transaction
from tests.clinic_api.auth.people import (
    BOBS_PASSWORD,
    CAROLS_PASSWORD,
    bob_at_work,
    carol_at_the_desk,
    user_id_of,
)
from tests.clinic_api.conftest import Clock


async def test_no_secret_of_an_account_is_in_a_file_or_a_log(
    sqlite_database: Database,
    sqlite_place: Place,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    bob = await bob_at_work(sqlite_database, clock)
    carol = await carol_at_the_desk(bob)
    code = bob.code()
    await bob.runs(flows.step_up, ShowCode(code))
    key = await bob.does(create_api_key, CreateApiKey(label="label", actions=("user.list",)))
    issued = await bob.does(issue_reset_code, OneUser(await user_id_of(carol)))
    secrets = {
        BOBS_PASSWORD,
        CAROLS_PASSWORD,
        bob.token or "",
        bob.secret,
        key.secret,
        issued.code,
        *bob.recovery_codes,
        *(each.replace("-", "") for each in bob.recovery_codes),
    }
    files = [each for each in sqlite_place.path.parent.rglob("*") if each.is_file()]
    assert sqlite_place.path in files
    written = b"".join(each.read_bytes() for each in files) + caplog.text.encode()
    assert len(written) > 10_000
    assert [secret for secret in secrets if secret.encode() in written] == []


async def test_an_old_count_is_forgotten_but_not_one_that_only_a_reset_opens(
    sqlite_database: Database, clock: Clock
) -> None:
    bob = await (await bob_at_work(sqlite_database, clock)).actor()

    def write(tx: Transaction) -> None:
        for name, number in (("few", 99), ("closed", 100)):
            tries(tx, bob, "login", name)
            write_tries(tx, bob, "login", name, Tries(number, tx.now))

    await sqlite_database.write(write)
    clock.advance(31 * 24 * 3600)
    before = sqlite_database.now()
    assert await sqlite_database.write(lambda tx: forget_tries(tx, "login", before)) == 1
    left = await sqlite_database.read(lambda tx: tx.all(tx.select(sign_in_tries)))
    assert 100 in [row.tries for row in left]
