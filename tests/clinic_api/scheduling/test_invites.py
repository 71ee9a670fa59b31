"""Invitations as mail programs get them, and what they do to a calendar that is kept elsewhere."""

from __future__ import annotations

from datetime import datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from functools import partial
from typing import Any, cast

from icalendar import Calendar

from clinic_api.mail.message import build
from clinic_api.mail.sender import SENDER
from clinic_api.mail.service import compose
from clinic_api.outbox import Kind
from clinic_api.outbox_sending import Leased, Outcome, lease, settle
from clinic_api.outbox_store import outbox
from clinic_api.scheduling.ending import Cancel, cancel
from clinic_api.scheduling.model import AppointmentView
from clinic_api.scheduling.moving import Move, take_move
from clinic_api.transaction import Transaction
from tests.clinic_api.scheduling.cast import HALF_HOUR, NINE, Practice
from tests.clinic_api.scheduling.radicale_server import CalendarServer

FROM = "clinic@example.org"


async def mails(clinic: Practice) -> dict[Kind, EmailMessage]:
    """What leaves now, as the other side reads it."""
    found: dict[Kind, EmailMessage] = {}
    while leased := await clinic.database.write(lambda tx: lease(tx, SENDER)):
        mail = await clinic.database.read(partial(_built, leased))
        if mail is not None:
            found[leased.kind] = mail
        done = Outcome(id=leased.id, version=leased.version, event="accept")
        await clinic.database.write(partial(_over, done))
    return found


def _built(leased: Leased, tx: Transaction) -> EmailMessage | None:
    composed = compose(tx, SENDER, leased)
    if composed is None:
        return None
    message = build(
        composed.rendered,
        recipient=leased.recipient,
        sender=FROM,
        clinic=composed.clinic,
        message_id=leased.id,
        at=tx.now,
        invite=composed.invite,
    )
    return message_from_bytes(message.as_bytes(), policy=default)


def _over(done: Outcome, tx: Transaction) -> None:
    settle(tx, SENDER, done)


def calendar_in(mail: EmailMessage) -> Any:
    """Of the part that mail programs show as an invitation."""
    (part,) = [each for each in mail.walk() if each.get_content_type() == "text/calendar"]
    calendar: Any = Calendar.from_ical(part.get_content())
    assert part["Content-Type"].params["method"] == calendar["METHOD"]
    (file,) = mail.iter_attachments()
    assert (file.get_content_type(), file.get_filename()) == ("application/ics", "invite.ics")
    assert Calendar.from_ical(file.get_content()) == calendar
    return calendar


def event_in(calendar: Any) -> Any:
    (event,) = calendar.events
    return event


async def move(clinic: Practice, old: AppointmentView, to: datetime) -> AppointmentView:
    command = Move(appointment_id=old.id, version=old.version, starts_at=to)
    return await clinic.do(take_move, clinic.alice, command)


async def test_a_booking_is_an_invitation_that_tells_nothing_of_health(clinic: Practice) -> None:
    service_id = await clinic.service(name="Oncology", step_min=30)
    booked = await clinic.booked(clinic.alice, service_id=service_id, reason="A lump")
    mail = (await mails(clinic))["appointment.booked"]
    calendar = calendar_in(mail)
    event = event_in(calendar)
    assert calendar["METHOD"] == "REQUEST"
    assert (event.start, event.end) == (booked.starts_at, booked.ends_at)
    assert str(event["DTSTART"].params["TZID"]) == "America/New_York"
    assert event["SUMMARY"] == "Appointment with Example Clinic"
    assert event["ORGANIZER"] == f"mailto:{FROM}"
    assert event["ATTENDEE"] == "mailto:alice@example.org"
    said = calendar.to_ical().decode().replace("\r\n ", "")
    secrets = ("Oncology", "Bob", "lump", "join#", booked.id, booked.patient_id)
    assert [word for word in secrets if word in said] == []


async def test_its_parts_are_those_that_programs_show_as_an_invitation(clinic: Practice) -> None:
    await clinic.booked(clinic.alice)
    mail = (await mails(clinic))["appointment.booked"]
    assert mail.get_content_type() == "multipart/mixed"
    text, file = mail.iter_parts()
    assert text.get_content_type() == "multipart/alternative"
    kinds = [part.get_content_type() for part in cast("EmailMessage", text).iter_parts()]
    assert kinds == ["text/plain", "text/html", "text/calendar"]
    assert cast("EmailMessage", file).is_attachment()


async def test_moving_and_cancelling_change_the_same_event(clinic: Practice) -> None:
    booked = await clinic.booked(clinic.alice)
    first = event_in(calendar_in((await mails(clinic))["appointment.booked"]))
    new = await move(clinic, booked, NINE + HALF_HOUR)
    second = event_in(calendar_in((await mails(clinic))["appointment.moved"]))
    await clinic.do(cancel, clinic.alice, Cancel(appointment_id=new.id, version=new.version))
    gone = calendar_in((await mails(clinic))["appointment.cancelled"])
    last = event_in(gone)
    assert first["UID"] == second["UID"] == last["UID"]
    assert first["SEQUENCE"] < second["SEQUENCE"] < last["SEQUENCE"]
    assert second.start == NINE + HALF_HOUR
    assert (gone["METHOD"], last["STATUS"]) == ("CANCEL", "CANCELLED")


async def test_reminders_invite_nobody_again(clinic: Practice) -> None:
    await clinic.booked(clinic.alice)
    await mails(clinic)
    clinic.clock.advance((NINE - timedelta(hours=1) - clinic.database.now()).total_seconds())
    reminder = (await mails(clinic))["appointment.reminder_hour"]
    assert reminder.get_content_type() == "multipart/alternative"
    kinds = [row.kind for row in await clinic.rows(outbox)]
    assert kinds.count("appointment.reminder_hour") == 1


async def test_a_moved_appointment_moves_in_a_calendar_server(
    clinic: Practice, calendar_server: CalendarServer
) -> None:
    """Radicale keeps what came by mail, as a program does that accepts it (RFC 4791)."""
    booked = await clinic.booked(clinic.alice)
    await calendar_server.keep(calendar_in((await mails(clinic))["appointment.booked"]))
    assert await calendar_server.begins_within(NINE, HALF_HOUR) == 1
    tomorrow = NINE + timedelta(days=1)
    new = await move(clinic, booked, tomorrow)
    await calendar_server.keep(calendar_in((await mails(clinic))["appointment.moved"]))
    assert await calendar_server.begins_within(NINE, HALF_HOUR) == 0
    assert await calendar_server.begins_within(tomorrow, HALF_HOUR) == 1
    (kept,) = await calendar_server.events()
    assert kept.start == tomorrow
    await clinic.do(cancel, clinic.alice, Cancel(appointment_id=new.id, version=new.version))
    await calendar_server.keep(calendar_in((await mails(clinic))["appointment.cancelled"]))
    (kept,) = await calendar_server.events()
    assert kept["STATUS"] == "CANCELLED"
