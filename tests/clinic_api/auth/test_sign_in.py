"""Signing in: one answer to whatever is wrong, growing waits, a second step, a new session."""

from __future__ import annotations

import asyncio
import statistics
import time

import pytest
from argon2 import PasswordHasher

from clinic_api.auth import flows, session_store, store
from clinic_api.auth.account import EndSession, end_session, list_sessions, read_account
from clinic_api.auth.factors import BeginFactor
from clinic_api.auth.service import (
    FinishSignIn,
    Nothing,
    ShowCode,
    begin_sign_in,
    finish_sign_in,
)
from clinic_api.auth.users import ListUsers, list_users
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


async def refusal(browser: Browser, login: str, password: str) -> Refused:
    with pytest.raises(Refused) as refused:
        await browser.signs_in(login, password)
    return refused.value


async def test_bob_signs_in_by_password_and_app(database: Database, clock: Clock) -> None:
    bob = await bob_at_work(database, clock)
    await bob.runs(flows.sign_out, Nothing())
    assert (await bob.actor()).kind == "stranger"

    first = await bob.signs_in(" Bob@Clinic.Example", BOBS_PASSWORD)
    assert first.next == "second_factor"
    half = await bob.actor()
    assert half.roles == {"unfinished"}
    by_password = bob.token

    assert (await bob.shows(bob.code())).next == "nothing"
    whole = await bob.actor()
    assert whole.roles == {"admin", "doctor"}
    assert whole.practitioner_id is not None
    assert bob.token != by_password
    bob.token = by_password
    assert (await bob.actor()).kind == "stranger"


async def test_the_password_alone_opens_nothing(sqlite_database: Database, clock: Clock) -> None:
    bob = await bob_at_work(sqlite_database, clock)
    await bob.signs_in("bob@clinic.example", BOBS_PASSWORD)
    for trying in (
        bob.does(list_sessions, Nothing()),
        bob.does(list_users, ListUsers()),
        bob.runs(flows.begin_enrolment, BeginFactor()),
        bob.runs(flows.step_up, ShowCode(bob.code())),
    ):
        with pytest.raises(Refused) as refused:
            await trying
        assert refused.value.code == "second_factor_needed"


async def test_whatever_is_wrong_has_one_answer(sqlite_database: Database, clock: Clock) -> None:
    bob = await bob_at_work(sqlite_database, clock)
    await carol_at_the_desk(bob)
    thief = Browser(sqlite_database, clock, "203.0.113.5")
    wrong = [
        await refusal(thief, "bob@clinic.example", "not his password"),
        await refusal(thief, "nobody@clinic.example", BOBS_PASSWORD),
        await refusal(thief, "", ""),
        await refusal(thief, "carol\x00", CAROLS_PASSWORD),
    ]
    assert {(each.code, each.message, each.status) for each in wrong} == {
        ("bad_credentials", "The name or the password is not right.", 401)
    }


async def test_a_failed_sign_in_is_audited_with_the_account(
    sqlite_database: Database, clock: Clock
) -> None:
    bob = await bob_at_work(sqlite_database, clock)
    bob_id = await user_id_of(bob)
    await refusal(Browser(sqlite_database, clock), "bob@clinic.example", "not his password")
    assert (await audited(sqlite_database))[-1] == ("account.sign_in", "refused", bob_id)


@pytest.mark.slow
@pytest.mark.usefixtures("true_costs")
async def test_a_name_nobody_has_takes_as_long_as_a_wrong_password(
    sqlite_database: Database, clock: Clock
) -> None:
    await bob_at_work(sqlite_database, clock)
    thief = Browser(sqlite_database, clock, "")

    async def median_s(login: str) -> float:
        took = []
        for _ in range(5):
            started = time.perf_counter()
            await refusal(thief, login, "not his password")
            took.append(time.perf_counter() - started)
            clock.advance(3600)
        return statistics.median(took)

    known, unknown = await median_s("bob@clinic.example"), await median_s("nobody@clinic.example")
    assert 0.5 < known / unknown < 2.0


async def test_guesses_at_once_gain_nothing(database: Database, clock: Clock) -> None:
    await bob_at_work(database, clock)
    thieves = [Browser(database, clock, f"203.0.113.{n}") for n in range(8)]
    guesses = (each.signs_in("bob@clinic.example", "guess") for each in thieves)
    codes = [
        each.code if isinstance(each, Refused) else repr(each)
        for each in await asyncio.gather(*guesses, return_exceptions=True)
    ]
    assert sorted(codes) == ["bad_credentials"] * 5 + ["too_many_requests"] * 3


async def test_one_code_shown_twice_at_once_counts_once(database: Database, clock: Clock) -> None:
    bob = await bob_at_work(database, clock)
    other = Browser(database, clock, "203.0.113.5")
    await bob.signs_in("bob@clinic.example", BOBS_PASSWORD)
    await other.signs_in("bob@clinic.example", BOBS_PASSWORD)
    code = bob.code()
    shown = await asyncio.gather(bob.shows(code), other.shows(code), return_exceptions=True)
    assert [each.code for each in shown if isinstance(each, Refused)] == ["bad_code"]


@pytest.mark.parametrize("login", ["bob@clinic.example", "nobody@clinic.example"])
async def test_guessing_gets_slower_for_any_name(
    sqlite_database: Database, clock: Clock, login: str
) -> None:
    await bob_at_work(sqlite_database, clock)
    thief = Browser(sqlite_database, clock, "203.0.113.5")
    for _ in range(5):
        assert (await refusal(thief, login, "guess")).code == "bad_credentials"
    waiting = await refusal(thief, login, BOBS_PASSWORD)
    assert (waiting.code, waiting.retry_after_s) == ("too_many_requests", 2)
    clock.advance(2)
    assert (await refusal(thief, login, "guess")).code == "bad_credentials"
    assert (await refusal(thief, login, "guess")).retry_after_s == 4


async def test_the_right_password_forgets_the_wrong_ones(
    sqlite_database: Database, clock: Clock
) -> None:
    bob = await bob_at_work(sqlite_database, clock)
    for _ in range(2):
        for _ in range(4):
            await bob.does(begin_sign_in, "bob@clinic.example")
        await bob.signs_in("bob@clinic.example", BOBS_PASSWORD)


async def test_one_address_that_tries_many_names_has_to_wait(
    sqlite_database: Database, clock: Clock
) -> None:
    await bob_at_work(sqlite_database, clock)
    thief = Browser(sqlite_database, clock, "203.0.113.5")
    for n in range(30):
        await thief.does(begin_sign_in, f"name{n}")
    with pytest.raises(Refused) as refused:
        await thief.does(begin_sign_in, "name30")
    assert refused.value.code == "too_many_requests"
    await Browser(sqlite_database, clock, "203.0.113.6").does(begin_sign_in, "name1")


@pytest.mark.usefixtures("true_costs")
async def test_a_hash_of_older_costs_is_renewed_at_sign_in(
    sqlite_database: Database, clock: Clock
) -> None:
    bob = await bob_at_work(sqlite_database, clock)
    actor = await bob.actor()
    pepper = sqlite_database.keys.index("credentials.password", BOBS_PASSWORD)
    cheap = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(pepper)
    await sqlite_database.write(lambda tx: store.set_password(tx, actor, actor.id, cheap))
    for _ in range(2):
        await bob.signs_in("bob@clinic.example", BOBS_PASSWORD)
    kept = await sqlite_database.read(lambda tx: store.credential(tx, actor.id))
    assert "m=47104,t=1,p=1" in (kept.password_hash or "")


async def test_a_whole_clinic_signs_in_from_one_address(
    sqlite_database: Database, clock: Clock
) -> None:
    await bob_at_work(sqlite_database, clock)
    bob = Browser(sqlite_database, clock)
    for _ in range(35):
        asked = await bob.does(begin_sign_in, "bob@clinic.example")
        right = FinishSignIn(login="bob@clinic.example", asked=asked, right=True, device="unknown")
        await bob.does(finish_sign_in, right)


async def test_codes_are_guessed_slowly_and_each_counts_once(
    sqlite_database: Database, clock: Clock
) -> None:
    bob = await bob_at_work(sqlite_database, clock)
    code = bob.code()
    await bob.runs(flows.step_up, ShowCode(code))
    await bob.signs_in("bob@clinic.example", BOBS_PASSWORD)
    for guess in (code, "000000", "", "code", "0" * 40):
        with pytest.raises(Refused) as refused:
            await bob.shows(guess)
        assert refused.value.code == "bad_code"
    with pytest.raises(Refused) as refused:
        await bob.shows("000001")
    assert refused.value.code == "too_many_requests"


async def test_a_step_up_is_fresh_for_five_minutes(sqlite_database: Database, clock: Clock) -> None:
    bob = await bob_at_work(sqlite_database, clock)
    clock.advance(301)
    with pytest.raises(Refused) as refused:
        await bob.runs(flows.begin_enrolment, BeginFactor())
    assert refused.value.code == "step_up_needed"
    await bob.steps_up()
    await bob.runs(flows.begin_enrolment, BeginFactor())


async def test_only_what_a_person_does_keeps_a_session(
    sqlite_database: Database, clock: Clock
) -> None:
    bob = await bob_at_work(sqlite_database, clock)
    for _ in range(3):
        clock.advance(14 * 60)
        assert (await bob.actor()).kind == "user"
    clock.advance(14 * 60)
    assert (await bob.actor(user_input=False)).kind == "user"
    clock.advance(60)
    assert (await bob.actor()).kind == "stranger"


async def test_activity_is_written_twice_a_minute_at_most(
    sqlite_database: Database, clock: Clock
) -> None:
    bob = await bob_at_work(sqlite_database, clock)

    async def version() -> int:
        session_id = (await bob.actor(user_input=False)).session_id or ""
        row = await sqlite_database.read(lambda tx: tx.get(session_store.sessions, session_id))
        assert row is not None
        return int(row.version)

    before = await version()
    for _ in range(12):
        clock.advance(5)
        await bob.actor()
    assert await version() == before + 2


async def test_a_session_ends_after_twelve_hours_of_work(
    sqlite_database: Database, clock: Clock
) -> None:
    bob = await bob_at_work(sqlite_database, clock)
    for _ in range(71):
        clock.advance(600)
        assert (await bob.actor()).kind == "user"
    clock.advance(600)
    assert (await bob.actor()).kind == "stranger"


async def test_bob_sees_and_ends_his_sessions_and_nobody_elses(
    sqlite_database: Database, clock: Clock
) -> None:
    bob = await bob_at_work(sqlite_database, clock)
    carol = await carol_at_the_desk(bob)
    phone = Browser(sqlite_database, clock, "198.51.100.9")
    phone.secret = bob.secret
    await phone.signs_in("bob@clinic.example", BOBS_PASSWORD)
    await phone.shows(phone.code())

    listed = (await bob.does(list_sessions, Nothing())).items
    assert sorted(each.client for each in listed) == ["192.0.2.7", "198.51.100.9"]
    assert [each.client for each in listed if each.is_this] == ["192.0.2.7"]
    elsewhere = next(each for each in listed if not each.is_this)
    with pytest.raises(Refused) as refused:
        await carol.does(end_session, EndSession(elsewhere.id))
    assert refused.value.code == "not_found"
    await bob.does(end_session, EndSession(elsewhere.id))
    assert (await phone.actor()).kind == "stranger"
    assert (await bob.does(read_account, Nothing())).next == "nothing"


async def test_a_stranger_who_guesses_elsewhere_locks_nobody_out(
    sqlite_database: Database, clock: Clock
) -> None:
    bob = await bob_at_work(sqlite_database, clock)
    stranger = Browser(sqlite_database, clock, "203.0.113.66")
    for _ in range(100):
        await stranger.does(begin_sign_in, "bob@clinic.example")
        clock.advance(15 * 60)
    closed = await refusal(stranger, "bob@clinic.example", BOBS_PASSWORD)
    assert (closed.code, closed.retry_after_s) == ("too_many_requests", None)
    assert (await bob.signs_in("bob@clinic.example", BOBS_PASSWORD)).next == "second_factor"
    assert (await bob.shows(bob.code())).next == "nothing"


async def test_a_stranger_in_the_waiting_room_locks_no_staff_out(
    sqlite_database: Database, clock: Clock
) -> None:
    bob = await bob_at_work(sqlite_database, clock)
    stranger = Browser(sqlite_database, clock, bob.client)
    for n in range(30):
        await stranger.does(begin_sign_in, f"name{n}")
    assert (await refusal(stranger, "name", "a long password")).code == "too_many_requests"
    assert (await bob.signs_in("bob@clinic.example", BOBS_PASSWORD)).next == "second_factor"


async def test_tries_where_somebody_has_signed_in_are_slow_and_end_too(
    sqlite_database: Database, clock: Clock
) -> None:
    bob = await bob_at_work(sqlite_database, clock)
    thief = Browser(sqlite_database, clock, bob.client)
    for _ in range(5):
        await thief.does(begin_sign_in, "bob@clinic.example")
    waiting = await refusal(thief, "bob@clinic.example", BOBS_PASSWORD)
    assert (waiting.code, waiting.retry_after_s) == ("too_many_requests", 2)
    for _ in range(195):  # to a hundred there, and a hundred more as everybody has
        clock.advance(15 * 60)
        await thief.does(begin_sign_in, "bob@clinic.example")
    clock.advance(15 * 60)
    closed = await refusal(thief, "bob@clinic.example", BOBS_PASSWORD)
    assert (closed.code, closed.retry_after_s) == ("too_many_requests", None)


async def test_a_password_alone_makes_no_place_known(
    sqlite_database: Database, clock: Clock
) -> None:
    await bob_at_work(sqlite_database, clock)
    thief = Browser(sqlite_database, clock, "203.0.113.66")
    assert (await thief.signs_in("bob@clinic.example", BOBS_PASSWORD)).next == "second_factor"
    assert await sqlite_database.read(
        lambda tx: store.counted_tries(tx, "known", "203.0.113.66 bob@clinic.example") is None
    )
