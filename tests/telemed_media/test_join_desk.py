"""A join link on the call page: opened by anything, taken by one browser, withdrawn, over."""

from __future__ import annotations

from datetime import date

import pytest

from clinic_api.actor import system
from clinic_api.db import Database
from clinic_api.directory.service import (
    CreatePatient,
    CreatePractitioner,
    create_patient,
    create_practitioner,
)
from clinic_api.organisation.model import Profile
from clinic_api.organisation.service import make_ready
from clinic_api.transaction import Transaction
from clinic_api.visits import joining
from clinic_api.visits.invitations import OneSeat, revoke
from clinic_api.visits.service import (
    CreateInstantVisit,
    InstantVisit,
    OneVisit,
    create_instant_visit,
    end_visit,
)
from telemed_media.gate import ClinicGate
from telemed_media.join_desk import ClinicJoinDesk
from web.exchange import ConsentNeeded, ExchangeRefused, Invitation, Tap

TESTS = system("tests")
BORN = date(1984, 5, 6)
HARBOUR = Profile(
    name="Harbour Clinic",
    country="FR",
    currency="EUR",
    time_zone="Europe/Paris",
    phone="+33123456789",
)


def make_visit(tx: Transaction) -> InstantVisit:
    """Dr. Bob waits for Alice."""
    bob = create_practitioner(tx, TESTS, CreatePractitioner(name="Dr. Bob"))
    alice = create_patient(tx, TESTS, CreatePatient(name="Alice", birth_date=BORN))
    command = CreateInstantVisit(patient_id=alice.id, practitioner_id=bob.id)
    return create_instant_visit(tx, TESTS, command)


@pytest.fixture
async def made(sqlite_database: Database) -> InstantVisit:
    return await sqlite_database.write(make_visit)


@pytest.fixture
def secret(made: InstantVisit) -> str:
    return made.link.path.removeprefix("/join#")


@pytest.fixture
def desk(sqlite_database: Database) -> ClinicJoinDesk:
    return ClinicJoinDesk(sqlite_database)


def tap(secret: str, device: str = "", born: date | None = None) -> Tap:
    return Tap(secret=secret, client="203.0.113.7", device=device, birth_date=born)


async def refusal(doing: object) -> tuple[str, int]:
    with pytest.raises(ExchangeRefused) as refused:
        await doing  # type: ignore[misc]
    assert refused.value.message
    return refused.value.code, refused.value.status


async def test_opening_a_link_five_times_consumes_nothing(
    desk: ClinicJoinDesk, sqlite_database: Database, secret: str
) -> None:
    for _ in range(5):
        seen = await desk.open(secret, "203.0.113.7")
        assert seen == Invitation("Alice", "", "", "Dr. Bob", in_use=False)
    ticket = await desk.enter(tap(secret))
    entry = await ClinicGate(sqlite_database).enter(ticket.token)
    assert (ticket.name, ticket.role, entry.name) == ("Alice", "patient", "Alice")
    assert entry.alone


async def test_the_same_browser_comes_back_and_another_one_confirms(
    desk: ClinicJoinDesk, secret: str
) -> None:
    first = await desk.enter(tap(secret))
    again = await desk.enter(tap(secret, first.device))
    assert again.device == first.device
    assert again.token != first.token
    assert (await desk.open(secret, "")).in_use
    assert await refusal(desk.enter(tap(secret))) == ("confirm_needed", 403)
    wrong = tap(secret, born=date(1984, 5, 7))
    assert await refusal(desk.enter(wrong)) == ("not_confirmed", 403)
    phone = await desk.enter(tap(secret, born=BORN))
    assert phone.device not in ("", first.device)
    assert await refusal(desk.enter(tap(secret, first.device))) == ("confirm_needed", 403)


async def test_a_withdrawn_link_says_so(
    desk: ClinicJoinDesk, sqlite_database: Database, made: InstantVisit, secret: str
) -> None:
    seat = OneSeat(visit_id=made.id, participant_id=made.link.participant_id)
    await sqlite_database.write(lambda tx: revoke(tx, TESTS, seat))
    assert await refusal(desk.open(secret, "")) == ("link_revoked", 410)
    assert await refusal(desk.enter(tap(secret))) == ("link_revoked", 410)


async def test_a_visit_that_is_over_says_so(
    desk: ClinicJoinDesk, sqlite_database: Database, made: InstantVisit, secret: str
) -> None:
    await desk.enter(tap(secret))
    await sqlite_database.write(lambda tx: end_visit(tx, TESTS, OneVisit(made.id)))
    assert await refusal(desk.open(secret, "")) == ("visit_cancelled", 410)
    assert await refusal(desk.enter(tap(secret))) == ("visit_cancelled", 410)


@pytest.mark.parametrize("text", ["x", "a" * 26 + ".guess", "a" * 500, "ä.ö", "."])
async def test_what_is_no_link_opens_nothing(desk: ClinicJoinDesk, text: str) -> None:
    assert await refusal(desk.open(text, "")) == ("link_unknown", 404)
    assert await refusal(desk.enter(tap(text))) == ("link_unknown", 404)


async def test_whoever_has_no_link_that_works_is_told_the_clinics_phone_number(
    desk: ClinicJoinDesk, sqlite_database: Database
) -> None:
    await sqlite_database.write(lambda tx: make_ready(tx, TESTS, HARBOUR))
    with pytest.raises(ExchangeRefused) as refused:
        await desk.open("x", "")
    assert refused.value.phone == HARBOUR.phone


async def test_a_visit_declared_by_sound_says_so_and_lets_nobody_send_pictures(
    desk: ClinicJoinDesk, sqlite_database: Database
) -> None:
    def by_sound(tx: Transaction) -> InstantVisit:
        bob = create_practitioner(tx, TESTS, CreatePractitioner(name="Dr. Bob"))
        alice = create_patient(tx, TESTS, CreatePatient(name="Alice", birth_date=BORN))
        command = CreateInstantVisit(patient_id=alice.id, practitioner_id=bob.id, modality="audio")
        return create_instant_visit(tx, TESTS, command)

    made = await sqlite_database.write(by_sound)
    secret = made.link.path.removeprefix("/join#")
    assert (await desk.open(secret, "203.0.113.7")).only_sound
    ticket = await desk.enter(tap(secret))
    entry = await ClinicGate(sqlite_database).enter(ticket.token)
    assert entry.rights.publish
    assert entry.rights.only_sound


async def test_questions_that_come_first_are_told_and_the_browser_is_remembered(
    desk: ClinicJoinDesk, sqlite_database: Database, monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    monkeypatch.setattr(joining, "lacks_intake", lambda *_: True)
    with pytest.raises(ConsentNeeded) as refused:
        await desk.enter(tap(secret))
    assert (refused.value.code, refused.value.texts) == ("intake_needed", ())
    monkeypatch.undo()
    assert (await desk.enter(tap(secret, refused.value.device))).token
