"""A booked appointment has a visit, which is moved and cancelled with it."""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest

from clinic_api.actor import STRANGER
from clinic_api.catalogue.service import CreateOffer, create_offer
from clinic_api.db import Database
from clinic_api.mail.kinds import find
from clinic_api.outbox import About, about_of
from clinic_api.outbox_store import outbox
from clinic_api.scheduling.ending import Cancel, Correct, approve, cancel, correct, decline
from clinic_api.scheduling.hours import AddHours, add_hours
from clinic_api.scheduling.model import AppointmentView
from clinic_api.scheduling.moving import Move, take_move
from clinic_api.scheduling.reading import ReadAppointment, read_appointment
from clinic_api.visits import store
from clinic_api.visits.invitations import Invite, invite
from clinic_api.visits.joining import LinkView, OpenLink, open_link
from clinic_api.visits.service import OneVisit, end_visit
from tests.clinic_api.conftest import Clock
from tests.clinic_api.scheduling.cast import ADA, HALF_HOUR, NINE, Practice, one, practice
from tests.clinic_api.visits.booked_cast import BookedCall
from tests.clinic_api.visits.cast import CAROL, CONSOLE

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
async def clinic(sqlite_database: Database, clock: Clock) -> Practice:
    return await practice(sqlite_database, clock)


@pytest.fixture
async def clinic_on_both(database: Database, clock: Clock) -> Practice:
    return await practice(database, clock)


async def test_a_booking_makes_its_visit_for_both_sides(clinic_on_both: Practice) -> None:
    clinic = clinic_on_both
    held = await clinic.hold(clinic.alice, modality="audio", reason="It hurts")
    assert await clinic.rows(store.visits) == []
    call = BookedCall(clinic, await clinic.confirm(clinic.alice, held))
    visit = await call.visit()
    assert (visit.kind, visit.state, visit.declared_modality) == ("booked", "planned", "audio")
    assert (visit.starts_at, visit.opens_at) == (NINE, NINE - timedelta(minutes=15))
    assert visit.expires_at == NINE + HALF_HOUR + HOUR
    assert [(seat.role, seat.name) for seat in await _seats(clinic)] == [
        ("provider", "Dr. Bob"),
        ("patient", "Alice"),
    ]
    reason = await clinic.database.read(lambda tx: store.reason_of(tx, visit.id))
    assert reason == "It hurts"


async def test_the_link_is_in_the_reminder_of_the_day_before_or_sent_at_once_when_it_is_nearer(
    clinic: Practice,
) -> None:
    await clinic.book(NINE)
    assert await _invitations(clinic) == []
    (reminder,) = await _mails(clinic, "appointment.reminder_day")
    wanted = await clinic.database.read(
        lambda tx: find(tx, "appointment.reminder_day", about_of(reminder), tx.now)
    )
    assert wanted is not None
    assert wanted.path.startswith("/join#")
    clinic.clock.advance((NINE - HOUR).timestamp() - clinic.clock.now_s)
    await clinic.book(NINE + 2 * HALF_HOUR)
    assert [row.due_at for row in await _invitations(clinic)] == [clinic.database.now()]


async def test_the_mail_says_when_it_begins_not_when_the_door_opens(clinic: Practice) -> None:
    clinic.clock.advance((NINE - 2 * HOUR).timestamp() - clinic.clock.now_s)
    await clinic.book(NINE, zone="Asia/Kathmandu")
    (row,) = await _invitations(clinic)
    wanted = await clinic.database.read(
        lambda tx: find(tx, "visit.invitation", about_of(row), tx.now)
    )
    assert wanted is not None
    assert (wanted.at, wanted.zone) == (NINE, "Asia/Kathmandu")


async def test_a_moved_appointment_keeps_the_link_which_tells_the_new_time(
    clinic_on_both: Practice,
) -> None:
    clinic = clinic_on_both
    old = await clinic.book(NINE)
    call = BookedCall(clinic, old)
    token = await call.token()
    brother = Invite(
        visit_id=(await call.visit()).id, role="family", name="Dan", email="dan@example.org"
    )
    await clinic.do(invite, CAROL, brother)
    moved = await _move(clinic, old, starts_at=NINE + DAY)
    rows = await clinic.rows(store.visits)
    assert [row.appointment_id for row in rows] == [moved.id]
    seen = await _open(clinic, token)
    assert (seen.state, seen.starts_at) == ("early", NINE + DAY)
    assert "Tuesday, 2 June 2026, 09:00 (America/New_York)" in seen.message
    assert "15 minutes before" in seen.message
    about = [about_of(row) for row in await _invitations(clinic)]
    assert sorted(one.appointment_id for one in about) == sorted([old.id, moved.id])
    stands = [await clinic.database.read(partial(_stands, about=one)) for one in about]
    assert stands == [one.appointment_id == moved.id for one in about]


async def test_another_practitioner_takes_the_seat_and_the_old_link_ends(
    clinic: Practice,
) -> None:
    old = await clinic.book(NINE)
    bobs = await BookedCall(clinic, old).token("provider")
    dora = clinic.dora.practitioner_id
    await clinic.database.write(lambda tx: _gives(tx, clinic.service_id, str(dora)))
    await _move(clinic, old, practitioner_id=dora, starts_at=NINE + HALF_HOUR)
    assert [seat.name for seat in await _seats(clinic)] == ["Dr. Dora", "Alice"]
    assert (await _open(clinic, bobs)).state == "revoked"
    (visit,) = await clinic.rows(store.visits)
    assert visit.practitioner_id == dora


async def test_a_cancelled_appointment_cancels_its_visit(clinic_on_both: Practice) -> None:
    clinic = clinic_on_both
    call = await BookedCall.booked(clinic)
    token = await call.token()
    version = (await call.appointment()).version
    command = Cancel(appointment_id=call.appointment_id, version=version)
    await clinic.do(cancel, clinic.alice, command)
    assert (await call.visit()).state == "cancelled"
    assert (await _open(clinic, token)).state == "cancelled"


async def test_an_error_that_is_corrected_has_no_visit_any_more(clinic: Practice) -> None:
    call = await BookedCall.booked(clinic)
    version = (await call.appointment()).version
    wrong = Correct(appointment_id=call.appointment_id, version=version, why="Wrong patient")
    await clinic.do(correct, ADA, wrong)
    assert (await call.visit()).state == "cancelled"


@pytest.mark.parametrize(("decision", "state"), [(approve, "planned"), (decline, "cancelled")])
async def test_what_is_moved_and_waits_for_approval_lets_nobody_in(
    clinic: Practice, decision: Any, state: str
) -> None:
    service_id = await clinic.service(needs_approval=True, duration_min=30)
    waiting = await clinic.booked(clinic.alice, service_id=service_id)
    assert await clinic.rows(store.visits) == []
    booked = await clinic.do(approve, CAROL, one(waiting))
    moved = await _move(clinic, booked, actor=clinic.alice, starts_at=NINE + HALF_HOUR)
    call = BookedCall(clinic, moved)
    assert (await call.visit()).opens_at == NINE + HALF_HOUR
    await clinic.do(decision, CAROL, one(moved))
    visit = await call.visit()
    assert visit.state == state
    if state == "planned":
        assert visit.opens_at == NINE + timedelta(minutes=15)


async def test_staff_cancel_the_appointment_not_a_booked_visit_that_nobody_came_to(
    clinic: Practice,
) -> None:
    call = await BookedCall.booked(clinic)
    visit = await call.visit()
    refused = await clinic.refusal(end_visit, clinic.bob, OneVisit(visit.id))
    assert refused.code == "illegal_event"
    assert "appointment" in refused.message


def _gives(tx: Any, service_id: str, practitioner_id: str) -> None:
    offer = CreateOffer(service_id=service_id, practitioner_id=practitioner_id)
    create_offer(tx, CONSOLE, offer)
    hours = AddHours(
        practitioner_id=practitioner_id,
        weekday=0,
        from_time="09:00",
        until_time="12:00",
        valid_from=date(2026, 1, 1),
    )
    add_hours(tx, CONSOLE, hours)


def _stands(tx: Any, about: About) -> bool:
    return find(tx, "visit.invitation", about, tx.now) is not None


async def _seats(clinic: Practice) -> list[Any]:
    return await clinic.rows(store.participants)


async def _invitations(clinic: Practice) -> list[Any]:
    return await _mails(clinic, "visit.invitation")


async def _mails(clinic: Practice, kind: str) -> list[Any]:
    return [row for row in await clinic.rows(outbox) if row.kind == kind]


async def _open(clinic: Practice, token: str) -> LinkView:
    return await clinic.see(open_link, STRANGER, OpenLink(token=token))


async def _move(
    clinic: Practice, view: AppointmentView, actor: Any = CAROL, **to: Any
) -> AppointmentView:
    now = await clinic.see(read_appointment, CONSOLE, ReadAppointment(view.id))
    return await clinic.do(
        take_move, actor, Move(appointment_id=view.id, version=now.version, **to)
    )
