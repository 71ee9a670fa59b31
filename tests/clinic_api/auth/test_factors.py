"""Second factors: staff must have one; set up, replaced, recovered from, lost."""

from __future__ import annotations

import pytest

from clinic_api.actor import system
from clinic_api.auth import flows, store
from clinic_api.auth.account import read_account
from clinic_api.auth.factors import BeginFactor, ConfirmFactor, renew_recovery_codes
from clinic_api.auth.links import link_of
from clinic_api.auth.service import Nothing
from clinic_api.auth.users import (
    ListUsers,
    OneUser,
    issue_reset_code,
    list_users,
    reset_factor,
)
from clinic_api.db import Database
from clinic_api.errors import Refused
from clinic_api.journeys.set_up import set_up
from tests.clinic_api.auth.people import (
    BOBS_PASSWORD,
    CAROLS_PASSWORD,
    Browser,
    asked,
    bob_at_work,
    carol_at_the_desk,
    org_id_of,
    user_id_of,
)
from tests.clinic_api.conftest import Clock


async def refused_code(browser: Browser, code: str) -> str:
    with pytest.raises(Refused) as refused:
        await browser.shows(code)
    return refused.value.code


async def test_staff_can_do_nothing_before_they_have_an_app(
    sqlite_database: Database, clock: Clock
) -> None:
    bob = Browser(sqlite_database, clock)
    first = await bob.runs(set_up, asked(sqlite_database, await org_id_of(sqlite_database)))
    assert first.result.next == "enrol_factor"
    with pytest.raises(Refused) as refused:
        await bob.does(list_users, ListUsers())
    assert refused.value.code == "enrolment_needed"
    assert (await bob.does(read_account, Nothing())).next == "enrol_factor"
    await bob.enrols()
    assert len((await bob.does(list_users, ListUsers())).items) == 1


async def test_the_app_is_set_up_by_qr_code_or_by_typing(
    sqlite_database: Database, clock: Clock
) -> None:
    bob = Browser(sqlite_database, clock)
    await bob.runs(set_up, asked(sqlite_database, await org_id_of(sqlite_database)))
    made = await bob.runs(flows.begin_enrolment, BeginFactor())
    assert made.qr_svg.startswith("<svg ")
    assert "<script" not in made.qr_svg
    assert f"secret={made.secret}&issuer=Harbour%20Clinic" in made.uri
    with pytest.raises(Refused) as refused:
        await bob.runs(flows.confirm_enrolment, ConfirmFactor("000000"))
    assert refused.value.code == "bad_code"
    assert (await bob.actor()).roles == {"enrolling"}


async def test_a_recovery_code_works_once(database: Database, clock: Clock) -> None:
    bob = await bob_at_work(database, clock)
    assert len(set(bob.recovery_codes)) == 10
    await bob.signs_in("bob@clinic.example", BOBS_PASSWORD)
    typed = bob.recovery_codes[3].lower().replace("-", " ")
    assert (await bob.shows(typed)).next == "nothing"
    assert (await bob.does(read_account, Nothing())).recovery_codes_left == 9
    await bob.signs_in("bob@clinic.example", BOBS_PASSWORD)
    assert await refused_code(bob, bob.recovery_codes[3]) == "bad_code"


async def test_new_recovery_codes_void_the_old_ones(
    sqlite_database: Database, clock: Clock
) -> None:
    bob = await bob_at_work(sqlite_database, clock)
    renewed = await bob.does(renew_recovery_codes, Nothing())
    assert not set(renewed.recovery_codes) & set(bob.recovery_codes)
    await bob.signs_in("bob@clinic.example", BOBS_PASSWORD)
    assert await refused_code(bob, bob.recovery_codes[0]) == "bad_code"
    assert (await bob.shows(renewed.recovery_codes[0])).next == "nothing"


async def test_a_new_app_replaces_the_old_one_and_every_session(
    sqlite_database: Database, clock: Clock
) -> None:
    bob = await bob_at_work(sqlite_database, clock)
    elsewhere = Browser(sqlite_database, clock)
    elsewhere.secret = old = bob.secret
    await elsewhere.signs_in("bob@clinic.example", BOBS_PASSWORD)
    await elsewhere.shows(elsewhere.code())
    await bob.enrols()
    assert (await elsewhere.actor()).kind == "stranger"
    await bob.signs_in("bob@clinic.example", BOBS_PASSWORD)
    new, bob.secret = bob.secret, old
    assert await refused_code(bob, bob.code()) == "bad_code"
    bob.secret = new
    assert (await bob.shows(bob.code())).next == "nothing"


async def test_a_lost_phone_is_replaced_by_password_and_a_code_from_an_administrator(
    database: Database, clock: Clock
) -> None:
    bob = await bob_at_work(database, clock)
    carol = await carol_at_the_desk(bob)
    await bob.steps_up()
    issued = await bob.does(reset_factor, OneUser(await user_id_of(carol)))
    assert (await carol.actor()).kind == "stranger"

    assert (await carol.signs_in("carol", CAROLS_PASSWORD)).next == "second_factor"
    assert await refused_code(carol, carol.code()) == "bad_code"
    assert await refused_code(carol, carol.recovery_codes[0]) == "bad_code"
    assert (await carol.shows(issued.code)).next == "enrol_factor"
    assert (await carol.actor()).roles == {"enrolling"}
    await carol.enrols()
    assert (await carol.actor()).roles == {"desk"}


async def test_the_code_from_the_desk_is_void_after_a_day(
    sqlite_database: Database, clock: Clock
) -> None:
    bob = await bob_at_work(sqlite_database, clock)
    carol = await carol_at_the_desk(bob)
    await bob.steps_up()
    issued = await bob.does(reset_factor, OneUser(await user_id_of(carol)))
    clock.advance(24 * 3600)
    await carol.signs_in("carol", CAROLS_PASSWORD)
    assert await refused_code(carol, issued.code) == "bad_code"


async def test_a_code_for_a_new_password_leaves_that_for_a_new_app(
    database: Database, clock: Clock
) -> None:
    bob = await bob_at_work(database, clock)
    carol = await carol_at_the_desk(bob)
    await bob.steps_up()
    carol_id = await user_id_of(carol)
    for_app = await bob.does(reset_factor, OneUser(carol_id))
    for_password = await bob.does(issue_reset_code, OneUser(carol_id))
    command = flows.ResetByCode(
        login="carol", code=for_password.code, password="lighthouse keeper 8"
    )
    await carol.runs(flows.reset_by_code, command)
    assert (await carol.signs_in("carol", command.password)).next == "second_factor"
    assert (await carol.shows(for_app.code)).next == "enrol_factor"


async def test_a_new_password_by_mail_does_not_stand_in_for_the_code_from_the_desk(
    sqlite_database: Database, clock: Clock
) -> None:
    bob = await bob_at_work(sqlite_database, clock)
    carol = await carol_at_the_desk(bob)
    await bob.steps_up()
    await bob.does(reset_factor, OneUser(await user_id_of(carol)))
    carol_id = (await bob.does(list_users, ListUsers())).items[-1].id
    await sqlite_database.write(
        lambda tx: store.change_user(
            tx, system("test"), carol_id, email="c@clinic.example", email_verified_at=tx.now
        )
    )
    link = await sqlite_database.read(lambda tx: link_of(tx, "reset", carol_id))
    assert link is not None
    command = flows.ResetPassword(token=link.token, password="lighthouse keeper 8")
    thief = Browser(sqlite_database, clock)
    await thief.runs(flows.reset_password, command)
    assert (await thief.signs_in("carol", command.password)).next == "second_factor"


async def test_a_code_that_was_shown_and_led_to_no_app_leaves_no_way_past_it(
    sqlite_database: Database, clock: Clock
) -> None:
    bob = await bob_at_work(sqlite_database, clock)
    carol = await carol_at_the_desk(bob)
    await bob.steps_up()
    carol_id = await user_id_of(carol)
    issued = await bob.does(reset_factor, OneUser(carol_id))
    await carol.signs_in("carol", CAROLS_PASSWORD)
    await carol.shows(issued.code)
    thief = Browser(sqlite_database, clock)
    assert (await thief.signs_in("carol", CAROLS_PASSWORD)).next == "second_factor"
    assert await refused_code(thief, issued.code) == "bad_code"
    again = await bob.does(reset_factor, OneUser(carol_id))
    await carol.signs_in("carol", CAROLS_PASSWORD)
    assert (await carol.shows(again.code)).next == "enrol_factor"
    await carol.enrols()
    await carol.signs_in("carol", CAROLS_PASSWORD)
    assert (await carol.shows(carol.code())).next == "nothing"


async def test_nobody_resets_their_own_factor_and_the_desk_not_that_of_staff(
    sqlite_database: Database, clock: Clock
) -> None:
    bob = await bob_at_work(sqlite_database, clock)
    carol = await carol_at_the_desk(bob)
    await bob.steps_up()
    await carol.steps_up()
    for browser, code in ((bob, "illegal_event"), (carol, "not_found")):
        with pytest.raises(Refused) as refused:
            await browser.does(reset_factor, OneUser(await user_id_of(bob)))
        assert refused.value.code == code
