"""Messages that leave: kept with what caused them, sent once, never lost, never sent too late."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import get_args
from urllib.parse import quote

import msgspec
import pytest

from clinic_api import outbox, outbox_sending, outbox_store
from clinic_api.actor import Actor, system
from clinic_api.auth import entry, users
from clinic_api.auth import store as user_store
from clinic_api.auth.entry import Register
from clinic_api.auth.new_login import NewLogin, new_user
from clinic_api.auth.users import ChangeRoles, CreateUser
from clinic_api.db import Database
from clinic_api.directory import service as directory
from clinic_api.directory.service import CreatePractitioner
from clinic_api.errors import Refused
from clinic_api.mail import service as mail
from clinic_api.mail.sender import REST_S, SENDER, Sender
from clinic_api.mail.server import parse_smtp_url
from clinic_api.mail.service import ShowMessage, ShownMessage
from clinic_api.mail.smtp import Smtp
from clinic_api.opening import Place, open_database
from clinic_api.organisation.model import Profile
from clinic_api.organisation.store import organisation, write_profile
from clinic_api.outbox import (
    LIFETIME,
    About,
    ChangeMessage,
    CountUnsent,
    ListMessages,
    MessageSummary,
    OutboxMessage,
    Unsent,
)
from clinic_api.outbox_sending import KEPT, LEASE, Outcome
from clinic_api.outbox_states import JITTER, PAUSES_S, TRANSITIONS, Event, State, after, pause_s
from clinic_api.transaction import Transaction
from clinic_api.visits import invitations
from clinic_api.visits import service as visits
from clinic_api.visits.invitations import OneSeat
from clinic_api.visits.service import CreateInstantVisit, InstantVisit, OneVisit
from tests.clinic_api.conftest import PUBLIC_URL, Clock
from tests.clinic_api.mail_server import NAME, PASSWORD, Running, running

SET_UP = system("test")
BOB_USER = "00000000-0000-7000-8000-00000000000b"
CAROL = Actor(kind="user", id="00000000-0000-7000-8000-00000000000c", roles=frozenset({"desk"}))
ADMIN = Actor(kind="user", id="00000000-0000-7000-8000-00000000000a", roles=frozenset({"admin"}))
CHARLIE = Actor(
    kind="user", id="00000000-0000-7000-8000-00000000000d", roles=frozenset({"patient"})
)
ALICE_MAIL = "alice@example.org"


@pytest.fixture
async def mail_server(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path) as server:
        yield server


def sender(database: Database, server: Running | None) -> Sender:
    """Without chance, so that every pause is known."""
    smtp = None
    if server is not None:
        url = f"smtp://{NAME}:{quote(PASSWORD, safe='')}@localhost:{server.port}"
        smtp = Smtp(parse_smtp_url(url), "call.clinic.example", server.trust)
    return Sender(database, smtp, "no-reply@clinic.example", lambda: 0.5, asyncio.Event())


async def invited(database: Database, email: str = ALICE_MAIL) -> InstantVisit:
    """Bob opens a visit for Alice, whose invitation is a message."""

    def work(tx: Transaction) -> InstantVisit:
        profile = Profile(
            name="Clinic",
            country="FR",
            currency="EUR",
            time_zone="Europe/Paris",
            phone="+33123456789",
        )
        if organisation(tx).state == "new":
            write_profile(tx, SET_UP, profile, 1, "ready")
        bob = directory.create_practitioner(tx, SET_UP, CreatePractitioner(name="Bob"))
        return visits.create_instant_visit(
            tx, SET_UP, CreateInstantVisit(name="Alice", email=email, practitioner_id=bob.id)
        )

    return await database.write(work)


async def rows(database: Database) -> list[MessageSummary]:
    """All messages, as an administrator could see them."""
    return await database.read(
        lambda tx: [
            outbox.summary(row)
            for row in tx.all(tx.select(outbox_store.outbox).order_by(outbox_store.outbox.c.id))
        ]
    )


async def only(database: Database) -> MessageSummary:
    (row,) = await rows(database)
    return row


async def refusal(database: Database, work: Callable[[Transaction], object]) -> str:
    with pytest.raises(Refused) as caught:
        await database.write(work)
    return caught.value.code


# states


@pytest.mark.parametrize("state", get_args(State))
@pytest.mark.parametrize("event", get_args(Event))
def test_an_event_that_is_not_in_the_table_changes_nothing(state: State, event: Event) -> None:
    if (state, event) in TRANSITIONS:
        assert after(state, event) == TRANSITIONS[state, event]
        return
    with pytest.raises(Refused) as caught:
        after(state, event)
    assert caught.value.code == "illegal_event"
    assert state in caught.value.message
    assert event in caught.value.message


def test_pauses_grow_then_the_message_is_given_up() -> None:
    pauses = [pause_s(attempts, 0.5) for attempts in range(1, len(PAUSES_S) + 1)]
    assert pauses == sorted(PAUSES_S)
    assert pause_s(len(PAUSES_S) + 1, 0.5) is None


def test_chance_spreads_what_failed_together() -> None:
    assert pause_s(1, 0.0) == pytest.approx(PAUSES_S[0] * (1 - JITTER))
    assert pause_s(1, 0.999) == pytest.approx(PAUSES_S[0] * (1 + JITTER), rel=1e-3)


# keeping


def message(key: str = "key") -> OutboxMessage:
    return OutboxMessage(
        kind="account.factor_changed",
        audience="staff",
        dedupe_key=key,
        recipient="bob@example.org",
        about=About(user_id=BOB_USER),
    )


async def test_a_message_is_kept_with_what_caused_it_or_not_at_all(database: Database) -> None:
    def fails(tx: Transaction) -> None:
        outbox.enqueue(tx, SET_UP, message())
        raise Refused("conflict")

    assert await refusal(database, fails) == "conflict"
    assert await rows(database) == []
    await database.write(lambda tx: outbox.enqueue(tx, SET_UP, message()))
    assert (await only(database)).state == "queued"


async def test_two_with_one_key_are_one_message(database: Database) -> None:
    first = await database.write(lambda tx: outbox.enqueue(tx, SET_UP, message()))
    again = await database.write(lambda tx: outbox.enqueue(tx, SET_UP, message()))
    other = await database.write(lambda tx: outbox.enqueue(tx, SET_UP, message("other")))
    assert first == again != other
    assert len(await rows(database)) == 2


async def test_processes_that_enqueue_one_key_at_once_keep_one(
    database: Database, place: Place, clock: Clock
) -> None:
    async with await open_database(place, public_url=PUBLIC_URL, clock=clock) as other:
        ids = await asyncio.gather(
            *(
                each.write(lambda tx: outbox.enqueue(tx, SET_UP, message()))
                for each in (database, other) * 5
            )
        )
    assert len(set(ids)) == 1
    assert len(await rows(database)) == 1


async def test_no_link_and_no_name_lies_in_the_table(database: Database) -> None:
    made = await invited(database)
    token = made.link.path.partition("#")[2]
    raw = await database.read(lambda tx: tx.all(tx.select(outbox_store.outbox)))
    assert token not in str(raw)
    assert token.partition(".")[2] not in str(raw)
    assert "Alice" not in str(raw)


# sending


async def test_an_invitation_arrives_with_the_link_of_the_visit(
    database: Database, mail_server: Running
) -> None:
    made = await invited(database)
    await sender(database, mail_server).run()
    (arrived,) = mail_server.box.messages
    body = arrived.get_body(("plain",))
    assert body is not None
    assert PUBLIC_URL + made.link.path in body.get_content().splitlines()
    assert mail_server.box.envelopes[0].rcpt_tos == [ALICE_MAIL]
    assert (await only(database)).state == "sent"


async def test_what_is_sent_is_not_sent_again(database: Database, mail_server: Running) -> None:
    await invited(database)
    one = sender(database, mail_server)
    for _ in range(3):
        await one.run()
    assert len(mail_server.box.envelopes) == 1


async def test_a_mail_tells_nothing_of_the_patient(
    sqlite_database: Database, mail_server: Running
) -> None:
    def work(tx: Transaction) -> None:
        bob = directory.create_practitioner(
            tx, SET_UP, CreatePractitioner(name="Canary Bob", speciality="Canary oncology")
        )
        command = CreateInstantVisit(
            name="Canary Alice",
            email=ALICE_MAIL,
            reason="canary cough",
            practitioner_id=bob.id,
            phone="+33612345678",
        )
        visits.create_instant_visit(tx, SET_UP, command)

    await invited(sqlite_database, "other@example.org")
    await sqlite_database.write(work)
    await sender(sqlite_database, mail_server).run()
    assert len(mail_server.box.envelopes) == 2
    for arrived in mail_server.box.messages:
        whole = arrived.as_string() + "".join(
            str(part.get_content()) for part in arrived.walk() if not part.is_multipart()
        )
        assert "canary" not in whole.lower()
        assert "612345678" not in whole


async def test_a_message_waits_until_its_time(
    sqlite_database: Database, mail_server: Running, clock: Clock
) -> None:
    later = sqlite_database.now() + timedelta(hours=2)
    made = await invited(sqlite_database, "")

    def remind(tx: Transaction) -> None:
        about = About(participant_id=made.link.participant_id)
        reminder = OutboxMessage(
            kind="visit.invitation",
            audience="patient",
            dedupe_key="r",
            recipient=ALICE_MAIL,
            about=about,
            not_before=later,
        )
        outbox.enqueue(tx, SET_UP, reminder)

    await sqlite_database.write(remind)
    one = sender(sqlite_database, mail_server)
    assert await one.run() == later
    assert not mail_server.box.envelopes
    clock.advance(2 * 3600)
    await one.run()
    assert len(mail_server.box.envelopes) == 1


@pytest.mark.parametrize("reason", ["ended", "withdrawn"])
async def test_what_does_not_stand_any_more_is_not_sent(
    sqlite_database: Database, mail_server: Running, reason: str
) -> None:
    made = await invited(sqlite_database)
    if reason == "ended":
        await sqlite_database.write(
            lambda tx: visits.end_visit(tx, SET_UP, OneVisit(visit_id=made.visit.id))
        )
    else:
        seat = OneSeat(visit_id=made.visit.id, participant_id=made.link.participant_id)
        await sqlite_database.write(lambda tx: invitations.revoke(tx, SET_UP, seat))
    await sender(sqlite_database, mail_server).run()
    assert not mail_server.box.envelopes
    kept = await only(sqlite_database)
    assert (kept.state, kept.reason) == ("withdrawn", "not_wanted_any_more")


async def test_what_is_too_late_is_not_sent(
    database: Database, mail_server: Running, clock: Clock
) -> None:
    await invited(database)
    clock.advance(LIFETIME.total_seconds())
    await sender(database, mail_server).run()
    assert not mail_server.box.envelopes
    assert (await only(database)).state == "expired"


# more than one sender


async def test_two_processes_never_send_one_message_twice(
    database: Database, place: Place, clock: Clock, mail_server: Running
) -> None:
    addresses = [f"alice{number}@example.org" for number in range(6)]
    for each in addresses:
        await invited(database, each)
    async with await open_database(place, public_url=PUBLIC_URL, clock=clock) as other:
        await asyncio.gather(
            *(sender(each, mail_server).run() for each in (database, other, database, other))
        )
    reached = [envelope.rcpt_tos[0] for envelope in mail_server.box.envelopes]
    assert sorted(reached) == addresses


async def test_a_message_whose_sender_died_goes_once_more_with_the_same_id(
    database: Database, mail_server: Running, clock: Clock
) -> None:
    await invited(database)
    one = sender(database, mail_server)
    leased = await database.write(lambda tx: outbox_sending.lease(tx, SENDER))
    assert leased is not None
    await one.run()
    assert not mail_server.box.envelopes  # it is leased
    clock.advance(LEASE.total_seconds())
    await one.run()
    (arrived,) = mail_server.box.messages
    assert arrived["Message-ID"] == f"<{leased.id}@clinic.example>"


async def test_a_sender_that_lost_its_lease_cannot_settle(database: Database, clock: Clock) -> None:
    await invited(database)
    slow = await database.write(lambda tx: outbox_sending.lease(tx, SENDER))
    clock.advance(LEASE.total_seconds())
    quick = await database.write(lambda tx: outbox_sending.lease(tx, SENDER))
    assert slow is not None
    assert quick is not None
    lost = Outcome(id=slow.id, version=slow.version, event="give_up")
    assert await refusal(database, lambda tx: outbox_sending.settle(tx, SENDER, lost)) == "stale"
    kept = Outcome(id=quick.id, version=quick.version, event="accept")
    await database.write(lambda tx: outbox_sending.settle(tx, SENDER, kept))
    assert (await only(database)).state == "sent"


# failures


async def test_a_deferred_message_is_tried_again_after_a_pause(
    database: Database, mail_server: Running, clock: Clock
) -> None:
    await invited(database)
    mail_server.box.refusals.append("451 later")
    one = sender(database, mail_server)
    await one.run()
    kept = await only(database)
    assert (kept.state, kept.reason, kept.attempts) == ("failed", "message_deferred", 1)
    assert await one.run() == database.now() + timedelta(seconds=PAUSES_S[0])
    clock.advance(PAUSES_S[0])
    await one.run()
    assert len(mail_server.box.envelopes) == 1


async def test_a_refused_message_is_dead_until_staff_send_it_again(
    database: Database, mail_server: Running
) -> None:
    await invited(database)
    mail_server.box.recipient_refusals.append("550 no such mailbox")
    one = sender(database, mail_server)
    await one.run()
    dead = await only(database)
    assert (dead.state, dead.reason) == ("dead", "recipient_refused")
    again = ChangeMessage(id=dead.id, version=dead.version)
    assert (await database.write(lambda tx: outbox.retry(tx, CAROL, again))).state == "queued"
    await one.run()
    assert (await only(database)).state == "sent"


async def test_a_message_is_given_up_after_the_last_pause(
    sqlite_database: Database, mail_server: Running, clock: Clock
) -> None:
    made = await invited(sqlite_database, "")
    about = About(participant_id=made.link.participant_id)
    patient = OutboxMessage(
        kind="visit.invitation",
        audience="patient",
        dedupe_key="k",
        recipient=ALICE_MAIL,
        about=about,
        expires_at=sqlite_database.now() + timedelta(days=30),
    )
    await sqlite_database.write(lambda tx: outbox.enqueue(tx, SET_UP, patient))
    one = sender(sqlite_database, mail_server)
    for pause in PAUSES_S:
        mail_server.box.refusals.append("451 later")
        await one.run()
        clock.advance(min(pause, 60.0))
        await _make_due(sqlite_database)
    mail_server.box.refusals.append("451 later")
    await one.run()
    assert (await only(sqlite_database)).state == "dead"


async def _make_due(database: Database) -> None:
    """Time passes for the message, not for the visit that it invites to."""
    row = await only(database)
    table = outbox_store.outbox
    await database.write(lambda tx: tx.update(table, SET_UP, row.id, due_at=tx.now))


async def test_a_server_that_is_down_costs_one_try(
    sqlite_database: Database, tmp_path: Path, clock: Clock
) -> None:
    async with running(tmp_path) as gone:
        pass
    for number in range(3):
        await invited(sqlite_database, f"alice{number}@example.org")
    one = sender(sqlite_database, gone)
    rests_until = await one.run()
    assert rests_until == sqlite_database.now() + timedelta(seconds=REST_S)
    assert sorted(row.state for row in await rows(sqlite_database)) == [
        "failed",
        "queued",
        "queued",
    ]
    await one.run()
    assert sum(row.attempts for row in await rows(sqlite_database)) == 1
    clock.advance(REST_S)
    await one.run()
    assert sorted(row.attempts for row in await rows(sqlite_database)) == [0, 1, 1]


async def test_an_address_that_is_none_is_told_to_staff(
    sqlite_database: Database, mail_server: Running
) -> None:
    made = await invited(sqlite_database, "")
    about = About(participant_id=made.link.participant_id)
    odd = OutboxMessage(
        kind="visit.invitation",
        audience="patient",
        dedupe_key="k",
        recipient="alice@example.org\r\nBcc: charlie@example.org",
        about=about,
    )
    await sqlite_database.write(lambda tx: outbox.enqueue(tx, SET_UP, odd))
    await sender(sqlite_database, mail_server).run()
    kept = await only(sqlite_database)
    assert (kept.state, kept.reason) == ("dead", "bad_address")
    assert not mail_server.box.envelopes


# without a mail server, and for staff


async def unsent(database: Database, actor: Actor) -> Unsent:
    return await database.read(lambda tx: outbox.count_unsent(tx, actor, CountUnsent()))


async def shown(database: Database, actor: Actor, message_id: str) -> ShownMessage:
    return await database.read(lambda tx: mail.show(tx, actor, ShowMessage(id=message_id)))


async def test_without_a_mail_server_staff_see_what_was_not_sent_and_hand_it_over(
    database: Database, clock: Clock
) -> None:
    made = await invited(database)
    clock.advance(1.0)
    await invited(database)
    await sender(database, None).run()
    assert await unsent(database, CAROL) == Unsent(messages=2, no_mail_server=2, failed=0, dead=0)
    found = await database.read(lambda tx: outbox.list_messages(tx, CAROL, ListMessages()))
    last = found.items[-1]
    assert (last.state, last.reason) == ("queued", "no_mail_server")
    card = await shown(database, CAROL, last.id)
    assert card.link == PUBLIC_URL + made.link.path
    assert card.link in card.text
    assert card.qr.startswith("<svg")
    given = ChangeMessage(id=card.id, version=card.version)
    await database.write(lambda tx: outbox.withdraw(tx, CAROL, given))
    assert (await unsent(database, CAROL)).messages == 1


async def test_without_a_mail_server_nothing_is_written_twice(sqlite_database: Database) -> None:
    await invited(sqlite_database)
    one = sender(sqlite_database, None)
    await one.run()
    before = await only(sqlite_database)
    assert await one.run() == before.expires_at
    assert await only(sqlite_database) == before


async def test_messages_that_waited_go_out_when_there_is_a_mail_server(
    sqlite_database: Database, mail_server: Running
) -> None:
    await invited(sqlite_database)
    await sender(sqlite_database, None).run()
    await sender(sqlite_database, mail_server).run()
    assert len(mail_server.box.envelopes) == 1
    assert (await unsent(sqlite_database, CAROL)).messages == 0


async def test_the_front_desk_sees_no_link_that_opens_a_colleague_s_account(
    database: Database,
) -> None:
    def work(tx: Transaction) -> None:
        dora = CreateUser(
            login="dora@example.org",
            email="dora@example.org",
            display_name="Dora",
            roles=frozenset({"doctor"}),
        )
        users.create_user(tx, SET_UP, dora)

    await database.write(work)
    invitation = await only(database)
    assert (invitation.kind, invitation.audience) == ("account.invitation", "staff")
    assert await unsent(database, CAROL) == Unsent(messages=0, no_mail_server=0, failed=0, dead=0)
    found = await database.read(lambda tx: outbox.list_messages(tx, CAROL, ListMessages()))
    assert found.items == ()
    with pytest.raises(Refused) as caught:
        await shown(database, CAROL, invitation.id)
    assert caught.value.code == "not_found"
    change = ChangeMessage(id=invitation.id, version=1)
    assert await refusal(database, lambda tx: outbox.withdraw(tx, CAROL, change)) == "not_found"
    assert (await shown(database, ADMIN, invitation.id)).link.startswith(f"{PUBLIC_URL}/activate#")


async def test_charlie_sees_no_messages(database: Database) -> None:
    await invited(database)
    for work in (
        lambda tx: outbox.list_messages(tx, CHARLIE, ListMessages()),
        lambda tx: outbox.count_unsent(tx, CHARLIE, CountUnsent()),
        lambda tx: mail.show(tx, CHARLIE, ShowMessage(id="x")),
        lambda tx: outbox_sending.lease(tx, CHARLIE),
    ):
        assert await refusal(database, work) == "not_allowed"


async def test_a_link_that_opens_an_account_in_use_is_shown_after_a_fresh_second_factor_only(
    sqlite_database: Database,
) -> None:
    def work(tx: Transaction) -> str:
        asked = NewLogin(login=ALICE_MAIL, display_name="Alice")
        alice = new_user(tx, SET_UP, asked, frozenset({"patient"}))
        tx.update(user_store.users, SET_UP, alice.id, state="active", email_verified_at=tx.now)
        reset = OutboxMessage(
            kind="account.reset_password",
            audience="patient",
            dedupe_key="k",
            recipient=ALICE_MAIL,
            about=About(user_id=alice.id),
        )
        return outbox.enqueue(tx, SET_UP, reset)

    message_id = await sqlite_database.write(work)
    with pytest.raises(Refused) as caught:
        await shown(sqlite_database, CAROL, message_id)
    assert caught.value.code == "step_up_needed"
    fresh = msgspec.structs.replace(CAROL, stepped_up_at=sqlite_database.now())
    assert "/reset#" in (await shown(sqlite_database, fresh, message_id)).link


async def test_a_sent_message_shows_no_link_any_more(
    sqlite_database: Database, mail_server: Running
) -> None:
    await invited(sqlite_database)
    await sender(sqlite_database, mail_server).run()
    with pytest.raises(Refused) as caught:
        await shown(sqlite_database, CAROL, (await only(sqlite_database)).id)
    assert caught.value.code == "gone"


async def test_showing_a_message_is_audited(sqlite_database: Database) -> None:
    await invited(sqlite_database)
    message_id = (await only(sqlite_database)).id

    def noted(tx: Transaction) -> list[tuple[str, str, str]]:
        mail.show(tx, CAROL, ShowMessage(id=message_id))
        return [(each.action, each.actor_id, each.object_id) for each in tx.audits]

    assert await sqlite_database.read(noted) == [("outbox.show", CAROL.id, message_id)]


async def test_old_messages_are_forgotten_and_open_ones_never(
    database: Database, mail_server: Running, clock: Clock
) -> None:
    await invited(database)
    await sender(database, mail_server).run()
    await invited(database, "second@example.org")
    clock.advance(KEPT.total_seconds() + 1)
    assert await database.write(lambda tx: outbox_sending.forget(tx, SENDER)) == 1
    assert (await only(database)).recipient == "second@example.org"


async def test_the_old_invitation_of_a_patient_who_became_staff_is_for_administrators_only(
    sqlite_database: Database,
) -> None:
    database = sqlite_database

    def work(tx: Transaction) -> str:
        eve = Register(email="eve@example.org", display_name="Eve")
        entry.register(tx, Actor(kind="stranger", client="192.0.2.1"), eve)
        user = user_store.user_by_login(tx, eve.email)
        assert user is not None
        return user.id

    user_id = await database.write(work)
    invitation = await only(database)
    assert invitation.audience == "patient"
    assert (await shown(database, CAROL, invitation.id)).link
    roles = ChangeRoles(user_id=user_id, version=1, roles=frozenset({"admin"}))
    await database.write(lambda tx: users.change_roles(tx, SET_UP, roles))
    with pytest.raises(Refused) as caught:
        await shown(database, CAROL, invitation.id)
    assert caught.value.code == "not_found"
    assert (await shown(database, ADMIN, invitation.id)).link
