"""Programs: limited to actions, to a time, and to what their owner may do."""

from __future__ import annotations

from datetime import timedelta

import pytest

from clinic_api.actor import Actor
from clinic_api.auth.account import read_account
from clinic_api.auth.api_keys import (
    CreateApiKey,
    CreatedApiKey,
    ListApiKeys,
    RevokeApiKey,
    create_api_key,
    list_api_keys,
    revoke_api_key,
)
from clinic_api.auth.service import Nothing
from clinic_api.auth.users import (
    ListUsers,
    OneUser,
    OneVersion,
    disable_user,
    list_users,
    read_user,
)
from clinic_api.db import Database
from clinic_api.errors import Refused
from clinic_api.http.authentication import Credentials
from tests.clinic_api.auth.people import Browser, bob_at_work, carol_at_the_desk, user_id_of
from tests.clinic_api.conftest import Clock


async def key_of(bob: Browser, *actions: str, days: int = 90) -> CreatedApiKey:
    command = CreateApiKey(label="reports", actions=actions or ("user.list",), days=days)
    return await bob.does(create_api_key, command)


async def program(bob: Browser, secret: str) -> Actor:
    return await bob.authenticate(Credentials(bearer=secret, client="192.0.2.99"))


async def test_a_program_does_what_its_key_names_and_nothing_else(
    database: Database, clock: Clock
) -> None:
    bob = await bob_at_work(database, clock)
    made = await key_of(bob, "user.list", "account.read", "user.disable")
    actor = await program(bob, made.secret)
    assert (actor.kind, actor.id) == ("api_key", made.api_key.id)
    await database.read(lambda tx: list_users(tx, actor, ListUsers()))
    bob_id = await user_id_of(bob)
    outside = {
        "not_allowed": lambda tx: read_user(tx, actor, OneUser(bob_id)),
        "not_found": lambda tx: read_account(tx, actor, Nothing()),
        "step_up_needed": lambda tx: disable_user(tx, actor, OneVersion(user_id=bob_id, version=1)),
    }
    for code, trying in outside.items():
        with pytest.raises(Refused) as refused:
            await database.write(trying)
        assert refused.value.code == code


async def test_a_key_ends_by_time_and_by_revocation(
    sqlite_database: Database, clock: Clock
) -> None:
    bob = await bob_at_work(sqlite_database, clock)
    short, long = await key_of(bob, days=1), await key_of(bob, days=2)
    assert (await program(bob, short.secret)).kind == "api_key"
    await bob.does(revoke_api_key, RevokeApiKey(long.api_key.id))
    clock.advance(timedelta(days=1).total_seconds())
    for secret in (short.secret, long.secret, "tmk_unknown", ""):
        if secret:
            with pytest.raises(Refused) as refused:
                await program(bob, secret)
            assert refused.value.code == "sign_in_needed"


async def test_the_secret_is_shown_once_and_the_use_is_seen(
    sqlite_database: Database, clock: Clock
) -> None:
    bob = await bob_at_work(sqlite_database, clock)
    made = await key_of(bob)
    await program(bob, made.secret)
    (listed,) = (await bob.does(list_api_keys, ListApiKeys())).items
    assert listed.last_used_at is not None
    assert listed.label == "reports"
    assert made.secret not in repr(listed)


async def test_a_key_of_someone_disabled_opens_nothing(
    sqlite_database: Database, clock: Clock
) -> None:
    bob = await bob_at_work(sqlite_database, clock)
    carol_id = await user_id_of(await carol_at_the_desk(bob))
    command = CreateApiKey(label="desk", actions=("patient.search",), owner_id=carol_id)
    made = await bob.does(create_api_key, command)
    assert (await program(bob, made.secret)).roles == {"desk"}
    version = (await bob.does(read_user, OneUser(carol_id))).version
    await bob.does(disable_user, OneVersion(user_id=carol_id, version=version))
    with pytest.raises(Refused):
        await program(bob, made.secret)


async def test_a_key_names_known_actions_and_an_active_owner(
    sqlite_database: Database, clock: Clock
) -> None:
    bob = await bob_at_work(sqlite_database, clock)
    wrong = CreateApiKey(label="x", actions=("user.fly",), owner_id="nobody")
    with pytest.raises(Refused) as refused:
        await bob.does(create_api_key, wrong)
    assert set(refused.value.fields) == {"actions", "owner_id"}
