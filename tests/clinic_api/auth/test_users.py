"""Logins by administrators: roles, disabling, enabling, the last administrator, the console."""

from __future__ import annotations

import pytest

from clinic_api.actor import system
from clinic_api.auth import flows
from clinic_api.auth.api_keys import CreateApiKey, create_api_key
from clinic_api.auth.users import (
    ChangeRoles,
    CreateUser,
    ListUsers,
    OneUser,
    OneVersion,
    change_roles,
    create_user,
    disable_user,
    enable_user,
    issue_activation_code,
    issue_reset_code,
    list_users,
    read_user,
    recover_admin,
)
from clinic_api.db import Database
from clinic_api.errors import Refused
from tests.clinic_api.auth.people import (
    BOBS_PASSWORD,
    CAROLS_PASSWORD,
    Browser,
    audited,
    bob_at_work,
    carol_at_the_desk,
    user_id_of,
)
from tests.clinic_api.conftest import Clock


async def version_of(bob: Browser, user_id: str) -> int:
    return (await bob.does(read_user, OneUser(user_id))).version


async def refused(browser: Browser, service: object, command: object) -> str:
    with pytest.raises(Refused) as refusal:
        await browser.does(service, command)  # type: ignore[arg-type]
    return refusal.value.code


async def test_a_disabled_user_is_out_at_once(database: Database, clock: Clock) -> None:
    bob = await bob_at_work(database, clock)
    carol = await carol_at_the_desk(bob)
    carol_id = await user_id_of(carol)
    await bob.steps_up()
    key = await bob.does(
        create_api_key, CreateApiKey(label="desk", actions=("patient.read",), owner_id=carol_id)
    )
    version = await version_of(bob, carol_id)
    ended = await bob.does(disable_user, OneVersion(user_id=carol_id, version=version))
    assert (ended.sessions_ended, ended.api_keys_revoked) == (1, 1)
    assert (await carol.actor()).kind == "stranger"
    with pytest.raises(Refused) as refusal:
        await carol.signs_in("carol", CAROLS_PASSWORD)
    assert refusal.value.code == "bad_credentials"
    assert ("user.disable", "done", carol_id) in await audited(database)
    assert key.secret.startswith("tmk_")


async def test_who_is_enabled_again_begins_anew(sqlite_database: Database, clock: Clock) -> None:
    bob = await bob_at_work(sqlite_database, clock)
    carol = await carol_at_the_desk(bob)
    carol_id = await user_id_of(carol)
    await bob.steps_up()
    for service in (disable_user, enable_user):
        version = await version_of(bob, carol_id)
        await bob.does(service, OneVersion(user_id=carol_id, version=version))
    with pytest.raises(Refused):
        await carol.signs_in("carol", CAROLS_PASSWORD)
    code = (await bob.does(issue_activation_code, OneUser(carol_id))).code
    opened = await carol.runs(
        flows.activate_by_code,
        flows.ActivateByCode(login="carol", code=code, password=CAROLS_PASSWORD),
    )
    assert opened.result.next == "enrol_factor"


async def test_the_last_administrator_stays(sqlite_database: Database, clock: Clock) -> None:
    bob = await bob_at_work(sqlite_database, clock)
    bob_id = await user_id_of(bob)
    version = await version_of(bob, bob_id)
    fewer = ChangeRoles(user_id=bob_id, version=version, roles=frozenset({"doctor"}))
    assert await refused(bob, change_roles, fewer) == "illegal_event"
    gone = OneVersion(user_id=bob_id, version=version)
    assert await refused(bob, disable_user, gone) == "illegal_event"
    carol = await carol_at_the_desk(bob)
    carol_id = await user_id_of(carol)
    more = ChangeRoles(
        user_id=carol_id,
        version=await version_of(bob, carol_id),
        roles=frozenset({"desk", "admin"}),
    )
    await bob.does(change_roles, more)
    assert (await carol.actor()).roles == {"desk", "admin"}
    await bob.does(change_roles, fewer)
    assert (await bob.actor()).roles == {"doctor"}


async def test_a_change_of_roles_needs_a_fresh_second_factor_and_the_version(
    sqlite_database: Database, clock: Clock
) -> None:
    bob = await bob_at_work(sqlite_database, clock)
    carol_id = await user_id_of(await carol_at_the_desk(bob))
    version = await version_of(bob, carol_id)
    change = ChangeRoles(user_id=carol_id, version=version, roles=frozenset({"nurse"}))
    stale = ChangeRoles(user_id=carol_id, version=version - 1, roles=frozenset({"nurse"}))
    none = ChangeRoles(user_id=carol_id, version=version, roles=frozenset())
    assert await refused(bob, change_roles, stale) == "stale"
    assert await refused(bob, change_roles, none) == "invalid"
    clock.advance(301)
    assert await refused(bob, change_roles, change) == "step_up_needed"


async def test_a_patient_who_becomes_staff_needs_an_app(
    sqlite_database: Database, clock: Clock
) -> None:
    bob = await bob_at_work(sqlite_database, clock)
    new = CreateUser(login="alice", display_name="Alice", roles=frozenset({"patient"}))
    made = await bob.does(create_user, new)
    code = (await bob.does(issue_activation_code, OneUser(made.id))).code
    alice = Browser(sqlite_database, clock)
    await alice.runs(
        flows.activate_by_code,
        flows.ActivateByCode(login="alice", code=code, password="seven green apples on it"),
    )
    assert (await alice.actor()).roles == {"patient"}
    version = await version_of(bob, made.id)
    both = ChangeRoles(user_id=made.id, version=version, roles=frozenset({"patient", "billing"}))
    await bob.does(change_roles, both)
    assert (await alice.actor()).roles == {"enrolling"}


async def test_who_forgot_the_password_and_has_no_mail_gets_a_code(
    database: Database, clock: Clock
) -> None:
    bob = await bob_at_work(database, clock)
    carol = await carol_at_the_desk(bob)
    carol_id = await user_id_of(carol)
    issued = await bob.does(issue_reset_code, OneUser(carol_id))
    new = flows.ResetByCode(login="carol", code=issued.code, password="another lighthouse")
    wrong = flows.ResetByCode(login="carol", code="WRONG", password="another lighthouse")
    thief = Browser(database, clock, "203.0.113.5")
    with pytest.raises(Refused) as refusal:
        await thief.runs(flows.reset_by_code, wrong)
    assert refusal.value.code == "bad_code"
    await carol.runs(flows.reset_by_code, new)
    with pytest.raises(Refused):
        await thief.runs(flows.reset_by_code, new)
    assert (await carol.actor()).kind == "stranger"
    assert (await carol.signs_in("carol", "another lighthouse")).next == "second_factor"
    assert (await carol.shows(carol.code())).next == "nothing"


async def test_a_name_is_one_login(database: Database, clock: Clock) -> None:
    bob = await bob_at_work(database, clock)
    again = CreateUser(login="BOB@clinic.example", display_name="Other", roles=frozenset({"desk"}))
    assert await refused(bob, create_user, again) == "conflict"
    assert len((await bob.does(list_users, ListUsers())).items) == 1


async def test_every_wrong_field_of_a_new_login_is_told(
    sqlite_database: Database, clock: Clock
) -> None:
    bob = await bob_at_work(sqlite_database, clock)
    wrong = CreateUser(login="?", display_name=" ", email="@", roles=frozenset({"desk"}))
    with pytest.raises(Refused) as refusal:
        await bob.does(create_user, wrong)
    assert set(refusal.value.fields) == {"login", "display_name", "email"}


async def test_an_unknown_login_is_not_found_and_audited(
    sqlite_database: Database, clock: Clock
) -> None:
    bob = await bob_at_work(sqlite_database, clock)
    nobody = "01890000-0000-7000-8000-000000000000"
    assert await refused(bob, read_user, OneUser(nobody)) == "not_found"
    assert (await audited(sqlite_database))[-1] == ("user.read", "refused", nobody)


async def test_the_console_brings_back_the_last_administrator(
    database: Database, clock: Clock
) -> None:
    bob = await bob_at_work(database, clock)
    console = system("console")
    issued = await database.write(lambda tx: recover_admin(tx, console, "bob@clinic.example"))
    assert (await bob.actor()).kind == "stranger"
    with pytest.raises(Refused):
        await bob.signs_in("bob@clinic.example", BOBS_PASSWORD)
    opened = await bob.runs(
        flows.activate_by_code,
        flows.ActivateByCode(
            login="bob@clinic.example", code=issued.code, password="another tall ship"
        ),
    )
    assert opened.result.next == "enrol_factor"
    await bob.enrols()
    assert "admin" in (await bob.actor()).roles
    assert "user.recover" in [action for action, _, _ in await audited(database)]


async def test_nobody_but_the_console_recovers(sqlite_database: Database, clock: Clock) -> None:
    bob = await bob_at_work(sqlite_database, clock)
    assert await refused(bob, recover_admin, "bob@clinic.example") == "not_allowed"
