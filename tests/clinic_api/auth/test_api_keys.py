"""Programs: limited to actions, to a time, and to what their owner may do."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from clinic_api.actions import ACTIONS
from clinic_api.actor import STAFF, Actor, Role, system
from clinic_api.auth import api_keys, store
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
from clinic_api.auth.model import User, UserState
from clinic_api.auth.service import Nothing
from clinic_api.auth.session_store import ApiKey
from clinic_api.auth.users import (
    ChangeRoles,
    ListUsers,
    OneUser,
    OneVersion,
    change_roles,
    disable_user,
    list_users,
    read_user,
)
from clinic_api.db import Database
from clinic_api.errors import Refused
from clinic_api.http.authentication import Credentials
from tests.clinic_api.auth.people import Browser, bob_at_work, carol_at_the_desk, user_id_of
from tests.clinic_api.conftest import Clock

DOCTOR: frozenset[Role] = frozenset({"doctor"})
AT = datetime(2026, 5, 28, tzinfo=UTC)


def a_user(name: str, roles: set[str]) -> User:
    return User(
        id=name,
        version=1,
        login=name,
        display_name=name,
        email=None,
        email_verified=False,
        roles=frozenset(roles),
        state="active",
        language="en",
        generation=1,
        created_at=AT,
        disabled_at=None,
    )


def a_key(actions: Iterable[str]) -> ApiKey:
    return ApiKey(
        id="key",
        version=1,
        owner_id="owner",
        maker_id="maker",
        label="reports",
        actions=frozenset(actions),
        created_at=AT,
        expires_at=AT,
        last_used_at=None,
        revoked_at=None,
    )


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


async def test_an_administrator_makes_no_key_for_what_only_its_owner_may(
    sqlite_database: Database, clock: Clock
) -> None:
    bob = await bob_at_work(sqlite_database, clock)
    carol_id = await user_id_of(await carol_at_the_desk(bob))
    await bob.steps_up()
    await bob.does(change_roles, ChangeRoles(user_id=carol_id, version=2, roles=DOCTOR))
    for action, sentence in {
        "visit.read_chat": "You may not do visit.read_chat for everybody.",
        "audit.read": "The owner may not do audit.read.",
    }.items():
        command = CreateApiKey(label="x", actions=("patient.search", action), owner_id=carol_id)
        with pytest.raises(Refused) as refused:
            await bob.does(create_api_key, command)
        assert refused.value.fields == {"actions": sentence}
    own = CreateApiKey(label="x", actions=("visit.read_chat",))  # Bob is a doctor too
    actor = await program(bob, (await bob.does(create_api_key, own)).secret)
    assert actor.scopes == frozenset({"visit.read_chat"})


@pytest.mark.parametrize("maker", [{"admin"}, {"admin", "doctor"}])
@pytest.mark.parametrize("owner", sorted(STAFF))
def test_a_key_for_another_holds_what_its_maker_may_do_with_every_object_and_no_more(
    maker: set[str], owner: str
) -> None:
    """The walk over the table, read here once more."""
    held = api_keys.held(a_key(ACTIONS), a_user("owner", {owner}), a_user("maker", maker))
    for action, rule in ACTIONS.items():
        with_any = any(rule.grants.get(role) == "any" for role in maker)
        assert (action in held) == (owner in rule.grants and with_any), action


async def test_a_key_for_another_owner_ends_with_its_makers_rights(
    sqlite_database: Database, clock: Clock
) -> None:
    bob = await bob_at_work(sqlite_database, clock)
    carol_id = await user_id_of(await carol_at_the_desk(bob))
    command = CreateApiKey(label="x", actions=("patient.search",), owner_id=carol_id)
    secret = (await bob.does(create_api_key, command)).secret
    bob_id = await user_id_of(bob)

    async def left_to_the_key(roles: set[Role], state: UserState) -> frozenset[str] | None:
        await sqlite_database.write(
            lambda tx: store.change_user(
                tx, system("test"), bob_id, roles=frozenset(roles), state=state
            )
        )
        return (await program(bob, secret)).scopes

    assert await left_to_the_key({"billing"}, "active") == frozenset({"patient.search"})
    assert await left_to_the_key({"patient"}, "active") == frozenset()
    assert await left_to_the_key({"admin"}, "disabled") == frozenset()


async def test_a_key_names_known_actions_and_an_active_owner(
    sqlite_database: Database, clock: Clock
) -> None:
    bob = await bob_at_work(sqlite_database, clock)
    wrong = CreateApiKey(label="x", actions=("user.fly",), owner_id="nobody")
    with pytest.raises(Refused) as refused:
        await bob.does(create_api_key, wrong)
    assert set(refused.value.fields) == {"actions", "owner_id"}
