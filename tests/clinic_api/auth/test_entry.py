"""Into an account without its password; nobody learns from it which accounts there are."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from clinic_api.auth import flows, links, store
from clinic_api.auth.email import ChangeEmail, VerifyEmail, verify_email
from clinic_api.auth.entry import AskReset, Register, ask_reset, register
from clinic_api.auth.factors import BeginFactor, ConfirmFactor
from clinic_api.auth.links import LinkPurpose
from clinic_api.auth.service import Nothing
from clinic_api.auth.users import CreateUser, OneUser, create_user, issue_activation_code
from clinic_api.db import Database
from clinic_api.errors import Refused
from clinic_api.outbox_store import outbox
from clinic_api.transaction import Transaction
from tests.clinic_api.auth.people import (
    ALICES_PASSWORD,
    BOBS_PASSWORD,
    CAROLS_PASSWORD,
    Browser,
    bob_at_work,
    carol_at_the_desk,
    user_id_of,
)
from tests.clinic_api.conftest import Clock

ALICE = "alice@home.example"


async def mails(database: Database) -> list[tuple[str, str]]:
    """(kind, recipient) of what waits to be sent, oldest first."""

    def rows(tx: Transaction) -> list[tuple[str, str]]:
        found = tx.all(tx.select(outbox).order_by(outbox.c.id))
        return [(row.kind, row.recipient) for row in found]

    return await database.read(rows)


async def link(database: Database, purpose: LinkPurpose, login: str) -> str:
    """The token that the mail has when it is sent now."""

    def find(tx: Transaction) -> str:
        user = store.user_by_login(tx, login)
        assert user is not None
        made = links.link_of(tx, purpose, user.id)
        assert made is not None
        return made.token

    return await database.read(find)


async def alice_at_home(database: Database, clock: Clock) -> Browser:
    """Alice has registered and opened the link of her mail."""
    alice = Browser(database, clock, "198.51.100.1")
    await alice.does(register, Register(email=ALICE, display_name="Alice"))
    token = await link(database, "activate", ALICE)
    command = flows.ActivateByLink(token=token, password=ALICES_PASSWORD)
    await alice.runs(flows.activate_by_link, command)
    return alice


async def refused_by(browser: Browser, flow: object, command: object) -> Refused:
    with pytest.raises(Refused) as refused:
        await browser.runs(flow, command)  # type: ignore[arg-type]
    return refused.value


async def test_alice_registers_by_the_link_of_her_mail(database: Database, clock: Clock) -> None:
    await bob_at_work(database, clock)
    alice = await alice_at_home(database, clock)
    actor = await alice.actor()
    assert actor.roles == {"patient"}
    assert not actor.patient_ids
    assert ("account.invitation", ALICE) in await mails(database)
    await alice.runs(flows.sign_out, Nothing())
    assert (await alice.signs_in(ALICE, ALICES_PASSWORD)).next == "nothing"


async def test_registering_a_known_address_looks_the_same_and_helps_its_owner(
    sqlite_database: Database, clock: Clock
) -> None:
    await bob_at_work(sqlite_database, clock)
    alice = await alice_at_home(sqlite_database, clock)
    charlie = Browser(sqlite_database, clock, "203.0.113.5")
    new = await charlie.does(register, Register(email="x@y.example", display_name="Charlie"))
    known = await charlie.does(register, Register(email=ALICE, display_name="Charlie"))
    assert new == known
    assert (await mails(sqlite_database))[-1] == ("account.reset_password", ALICE)
    assert (await alice.actor()).kind == "user"


async def test_a_patients_password_stands_alone_so_it_is_long(
    sqlite_database: Database, clock: Clock
) -> None:
    alice = Browser(sqlite_database, clock)
    await alice.does(register, Register(email=ALICE, display_name="Alice"))
    token = await link(sqlite_database, "activate", ALICE)
    for password, word in ((CAROLS_PASSWORD[:14], "15"), ("alice@home.example", "close")):
        command = flows.ActivateByLink(token=token, password=password)
        refused = await refused_by(alice, flows.activate_by_link, command)
        assert word in refused.fields["password"]


async def test_a_link_to_activate_works_once(sqlite_database: Database, clock: Clock) -> None:
    alice = Browser(sqlite_database, clock)
    await alice.does(register, Register(email=ALICE, display_name="Alice"))
    command = flows.ActivateByLink(
        token=await link(sqlite_database, "activate", ALICE), password=ALICES_PASSWORD
    )
    await alice.runs(flows.activate_by_link, command)
    charlie = Browser(sqlite_database, clock)
    assert (await refused_by(charlie, flows.activate_by_link, command)).code == "gone"


async def test_two_who_use_a_link_at_once_are_one(database: Database, clock: Clock) -> None:
    alice = Browser(database, clock)
    await alice.does(register, Register(email=ALICE, display_name="Alice"))
    command = flows.ActivateByLink(
        token=await link(database, "activate", ALICE), password=ALICES_PASSWORD
    )
    charlie = Browser(database, clock)
    done = await asyncio.gather(
        alice.runs(flows.activate_by_link, command),
        charlie.runs(flows.activate_by_link, command),
        return_exceptions=True,
    )
    assert len([each for each in done if isinstance(each, Refused)]) == 1
    tokens = (alice.token, charlie.token)
    assert tokens.count(None) == 1


@pytest.mark.parametrize("wrong", ["", "x", "a.b.c", "..", "0" * 32 + ".9999999999.x", "é.1.x"])
async def test_what_is_no_link_is_gone(sqlite_database: Database, clock: Clock, wrong: str) -> None:
    command = flows.ResetPassword(token=wrong, password=ALICES_PASSWORD)
    refused = await refused_by(Browser(sqlite_database, clock), flows.reset_password, command)
    assert refused.code == "gone"


async def test_asking_for_a_reset_has_one_answer(sqlite_database: Database, clock: Clock) -> None:
    await alice_at_home(sqlite_database, clock)
    before = await mails(sqlite_database)
    charlie = Browser(sqlite_database, clock, "203.0.113.5")
    nobody = await charlie.does(ask_reset, AskReset("nobody@home.example"))
    assert await mails(sqlite_database) == before
    alice = await charlie.does(ask_reset, AskReset(ALICE))
    assert alice == nobody
    assert (await mails(sqlite_database))[-1] == ("account.reset_password", ALICE)


async def test_nobody_is_flooded_with_mails(sqlite_database: Database, clock: Clock) -> None:
    await alice_at_home(sqlite_database, clock)
    charlie = Browser(sqlite_database, clock, "203.0.113.5")
    for _ in range(2):  # the registration was the first
        await charlie.does(ask_reset, AskReset(ALICE))
    with pytest.raises(Refused) as refused:
        await charlie.does(ask_reset, AskReset(ALICE))
    assert refused.value.code == "too_many_requests"


async def test_a_reset_ends_sessions_and_opens_the_locked_path(
    database: Database, clock: Clock
) -> None:
    alice = await alice_at_home(database, clock)
    charlie = Browser(database, clock, "203.0.113.5")
    for _ in range(5):
        with pytest.raises(Refused):
            await charlie.signs_in(ALICE, "guess")
    token = await link(database, "reset", ALICE)
    other = flows.ResetPassword(token=token, password="nine brown bears in a boat")
    await alice.runs(flows.reset_password, other)
    assert (await alice.actor()).kind == "stranger"
    assert (await refused_by(alice, flows.reset_password, other)).code == "gone"
    assert (await alice.signs_in(ALICE, "nine brown bears in a boat")).next == "nothing"


async def test_a_reset_link_is_good_for_an_hour(sqlite_database: Database, clock: Clock) -> None:
    alice = await alice_at_home(sqlite_database, clock)
    token = await link(sqlite_database, "reset", ALICE)
    clock.advance(timedelta(hours=1).total_seconds())
    command = flows.ResetPassword(token=token, password="nine brown bears in a boat")
    assert (await refused_by(alice, flows.reset_password, command)).code == "gone"


async def test_a_reset_never_skips_the_second_factor(
    sqlite_database: Database, clock: Clock
) -> None:
    bob = await bob_at_work(sqlite_database, clock)
    await bob.runs(flows.change_email, ChangeEmail(email="bob@clinic.example"))
    await bob.does(
        verify_email, VerifyEmail(await link(sqlite_database, "verify", "bob@clinic.example"))
    )
    token = await link(sqlite_database, "reset", "bob@clinic.example")
    thief = Browser(sqlite_database, clock)
    await thief.runs(
        flows.reset_password, flows.ResetPassword(token=token, password="what a thief chose")
    )
    assert (await thief.signs_in("bob@clinic.example", "what a thief chose")).next == (
        "second_factor"
    )
    assert (await thief.actor()).roles == {"unfinished"}


async def test_who_found_a_patients_open_session_does_not_get_the_account_by_mail(
    sqlite_database: Database, clock: Clock
) -> None:
    await bob_at_work(sqlite_database, clock)
    alice = await alice_at_home(sqlite_database, clock)
    for present in ("", "a guess of a thief"):
        command = ChangeEmail(email="thief@elsewhere.example", present=present)
        refused = await refused_by(alice, flows.change_email, command)
        assert refused.code == "bad_credentials"
    command = ChangeEmail(email="alice@new.example", present=ALICES_PASSWORD)
    assert (await alice.runs(flows.change_email, command)).email == "alice@new.example"


async def test_an_address_counts_for_resets_once_it_is_verified(
    database: Database, clock: Clock
) -> None:
    bob = await bob_at_work(database, clock)
    await bob.does(ask_reset, AskReset("bob@clinic.example"))
    assert "account.reset_password" not in [kind for kind, _ in await mails(database)]
    await bob.runs(flows.change_email, ChangeEmail(email="Bob@Elsewhere.example"))
    assert (await mails(database))[-1] == ("account.verify_email", "bob@elsewhere.example")
    token = await link(database, "verify", "bob@clinic.example")
    await bob.does(verify_email, VerifyEmail(token))
    with pytest.raises(Refused) as refused:
        await bob.does(verify_email, VerifyEmail(token))
    assert refused.value.code == "gone"
    await bob.does(ask_reset, AskReset("bob@clinic.example"))
    assert (await mails(database))[-1] == ("account.reset_password", "bob@elsewhere.example")
    clock.advance(120)
    await bob.runs(flows.change_email, ChangeEmail(email="bob@third.example"))
    assert ("account.factor_changed", "bob@elsewhere.example") in await mails(database)


async def test_staff_are_invited_by_mail_and_then_need_an_app(
    sqlite_database: Database, clock: Clock
) -> None:
    bob = await bob_at_work(sqlite_database, clock)
    new = CreateUser(login="dana@clinic.example", display_name="Dana", roles=frozenset({"nurse"}))
    await bob.does(create_user, new)
    assert (await mails(sqlite_database))[-1] == ("account.invitation", "dana@clinic.example")
    token = await link(sqlite_database, "activate", "dana@clinic.example")
    dana = Browser(sqlite_database, clock)
    command = flows.ActivateByLink(token=token, password="kestrels")
    assert (await dana.runs(flows.activate_by_link, command)).result.next == "enrol_factor"


async def test_a_code_from_the_desk_is_guessed_slowly_and_works_once(
    sqlite_database: Database, clock: Clock
) -> None:
    bob = await bob_at_work(sqlite_database, clock)
    new = CreateUser(login="dana", display_name="Dana", roles=frozenset({"nurse"}))
    made = await bob.does(create_user, new)
    code = (await bob.does(issue_activation_code, OneUser(made.id))).code
    dana = Browser(sqlite_database, clock, "198.51.100.2")

    def said(login: str, text: str) -> flows.ActivateByCode:
        return flows.ActivateByCode(login=login, code=text, password="kestrels")

    for login in ("dana", "nobody"):
        answers = [
            (await refused_by(dana, flows.activate_by_code, said(login, "WRONG"))).code
            for _ in range(6)
        ]
        assert answers == ["bad_code"] * 5 + ["too_many_requests"]
    clock.advance(60)
    await dana.runs(flows.activate_by_code, said("dana", code))
    clock.advance(60)
    again = await refused_by(
        Browser(sqlite_database, clock), flows.activate_by_code, said("dana", code)
    )
    assert again.code == "bad_code"


async def test_who_changes_a_password_shows_the_present_one(
    sqlite_database: Database, clock: Clock
) -> None:
    bob = await bob_at_work(sqlite_database, clock)
    elsewhere = Browser(sqlite_database, clock)
    elsewhere.secret = bob.secret
    await elsewhere.signs_in("bob@clinic.example", BOBS_PASSWORD)
    await elsewhere.shows(elsewhere.code())
    wrong = flows.ChangePassword(present="guess", password="new and long enough")
    assert (await refused_by(bob, flows.change_password, wrong)).code == "bad_credentials"
    right = flows.ChangePassword(present=BOBS_PASSWORD, password="new and long enough")
    await bob.runs(flows.change_password, right)
    assert (await bob.actor()).kind == "user"
    assert (await elsewhere.actor()).kind == "stranger"
    assert (await bob.signs_in("bob@clinic.example", "new and long enough")).next == (
        "second_factor"
    )


async def test_every_change_of_an_authenticator_is_told_by_mail(
    sqlite_database: Database, clock: Clock
) -> None:
    await bob_at_work(sqlite_database, clock)
    alice = await alice_at_home(sqlite_database, clock)
    await alice.enrols(ALICES_PASSWORD)
    change = flows.ChangePassword(present=ALICES_PASSWORD, password="nine brown bears in a boat")
    await alice.runs(flows.change_password, change)
    told = [kind for kind, to in await mails(sqlite_database) if to == ALICE]
    assert told == ["account.invitation", "account.factor_changed", "account.factor_changed"]


async def test_charlie_learns_nothing_of_carol(sqlite_database: Database, clock: Clock) -> None:
    bob = await bob_at_work(sqlite_database, clock)
    carol = await carol_at_the_desk(bob)
    charlie = await alice_at_home(sqlite_database, clock)
    with pytest.raises(Refused) as refused:
        await charlie.does(issue_activation_code, OneUser(await user_id_of(carol)))
    assert refused.value.code == "not_allowed"


async def test_whoever_finds_alices_open_session_sets_up_no_app_of_their_own(
    sqlite_database: Database, clock: Clock
) -> None:
    alice = await alice_at_home(sqlite_database, clock)
    for wrong in ("", "not her password at all"):
        refused = await refused_by(alice, flows.begin_enrolment, BeginFactor(wrong))
        assert refused.code == "bad_credentials"
    refused = await refused_by(alice, flows.confirm_enrolment, ConfirmFactor("000000"))
    assert refused.code == "illegal_event", "no secret was made"
    await alice.enrols(ALICES_PASSWORD)
    assert (await alice.signs_in(ALICE, ALICES_PASSWORD)).next == "second_factor"


async def test_guesses_of_alices_password_at_the_app_are_counted(
    sqlite_database: Database, clock: Clock
) -> None:
    alice = await alice_at_home(sqlite_database, clock)
    seen = {
        (await refused_by(alice, flows.begin_enrolment, BeginFactor("guess"))).code
        for _ in range(30)
    }
    assert seen == {"bad_credentials", "too_many_requests"}


@pytest.mark.parametrize(("sends_mail", "word"), [(True, "on its way"), (False, "please call")])
async def test_no_mail_is_promised_where_none_is_sent(
    sqlite_database: Database, clock: Clock, sends_mail: bool, word: str
) -> None:
    sqlite_database.sends_mail = sends_mail
    charlie = Browser(sqlite_database, clock)
    told = {
        (await charlie.does(register, Register(email=ALICE, display_name="Alice"))).answer,
        (await charlie.does(ask_reset, AskReset(ALICE))).answer,
        (await charlie.does(ask_reset, AskReset("nobody@home.example"))).answer,
    }
    assert len(told) == 1
    assert word in told.pop()
