"""Invitations as mail programs get them, and what they do to a calendar that is kept elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from icalendar import Calendar

from clinic_api.mail.sender import Sender
from clinic_api.mail.server import parse_smtp_url
from clinic_api.mail.smtp import Smtp
from clinic_api.outbox_store import outbox
from clinic_api.scheduling.ending import Cancel, cancel
from clinic_api.scheduling.model import AppointmentView
from clinic_api.scheduling.moving import Move, take_move
from tests.clinic_api.mail_server import Running, running
from tests.clinic_api.scheduling.cast import HALF_HOUR, NINE, Practice
from tests.clinic_api.scheduling.radicale_server import CalendarServer

FROM = "clinic@example.org"


class Post(msgspec.Struct, frozen=True):
    """Sends what is due by a real mail server."""

    clinic: Practice
    server: Running

    async def mails(self) -> dict[str, EmailMessage]:
        """What arrives now, by kind."""
        self.server.box.envelopes.clear()
        url = parse_smtp_url(f"smtp://localhost:{self.server.port}?tls=no")
        smtp = Smtp(url, "call.clinic.example", self.server.trust)
        stop = asyncio.Event()
        await Sender(self.clinic.database, smtp, FROM, lambda: 0.5, stop).run()
        kinds = {row.id: row.kind for row in await self.clinic.rows(outbox)}
        return {
            kinds[str(mail["Message-ID"])[1:].partition("@")[0]]: mail
            for mail in self.server.box.messages
        }


@pytest.fixture
async def post(clinic: Practice, tmp_path: Path) -> AsyncIterator[Post]:
    async with running(tmp_path, "no") as server:
        yield Post(clinic, server)


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


async def test_a_booking_is_an_invitation_that_tells_nothing_of_health(
    clinic: Practice, post: Post
) -> None:
    service_id = await clinic.service(name="Oncology", step_min=30)
    booked = await clinic.booked(clinic.alice, service_id=service_id, reason="A lump")
    mail = (await post.mails())["appointment.booked"]
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


async def test_its_parts_are_those_that_programs_show_as_an_invitation(
    clinic: Practice, post: Post
) -> None:
    await clinic.booked(clinic.alice)
    mail = (await post.mails())["appointment.booked"]
    assert mail.get_content_type() == "multipart/mixed"
    text, file = mail.iter_parts()
    assert text.get_content_type() == "multipart/alternative"
    kinds = [part.get_content_type() for part in cast("EmailMessage", text).iter_parts()]
    assert kinds == ["text/plain", "text/html", "text/calendar"]
    assert cast("EmailMessage", file).is_attachment()


async def test_moving_and_cancelling_change_the_same_event(clinic: Practice, post: Post) -> None:
    booked = await clinic.booked(clinic.alice)
    first = event_in(calendar_in((await post.mails())["appointment.booked"]))
    new = await move(clinic, booked, NINE + HALF_HOUR)
    second = event_in(calendar_in((await post.mails())["appointment.moved"]))
    await clinic.do(cancel, clinic.alice, Cancel(appointment_id=new.id, version=new.version))
    gone = calendar_in((await post.mails())["appointment.cancelled"])
    last = event_in(gone)
    assert first["UID"] == second["UID"] == last["UID"]
    assert first["SEQUENCE"] < second["SEQUENCE"] < last["SEQUENCE"]
    assert second.start == NINE + HALF_HOUR
    assert (gone["METHOD"], last["STATUS"]) == ("CANCEL", "CANCELLED")


async def test_reminders_invite_nobody_again(clinic: Practice, post: Post) -> None:
    await clinic.booked(clinic.alice)
    await post.mails()
    clinic.clock.advance((NINE - timedelta(hours=1) - clinic.database.now()).total_seconds())
    reminder = (await post.mails())["appointment.reminder_hour"]
    assert reminder.get_content_type() == "multipart/alternative"
    kinds = [row.kind for row in await clinic.rows(outbox)]
    assert kinds.count("appointment.reminder_hour") == 1


async def test_a_moved_appointment_moves_in_a_calendar_server(
    clinic: Practice, post: Post, calendar_server: CalendarServer
) -> None:
    """Radicale keeps what came by mail, as a program does that accepts it (RFC 4791)."""
    booked = await clinic.booked(clinic.alice)
    await calendar_server.keep(calendar_in((await post.mails())["appointment.booked"]))
    assert await calendar_server.begins_within(NINE, HALF_HOUR) == 1
    tomorrow = NINE + timedelta(days=1)
    new = await move(clinic, booked, tomorrow)
    await calendar_server.keep(calendar_in((await post.mails())["appointment.moved"]))
    assert await calendar_server.begins_within(NINE, HALF_HOUR) == 0
    assert await calendar_server.begins_within(tomorrow, HALF_HOUR) == 1
    (kept,) = await calendar_server.events()
    assert kept.start == tomorrow
    await clinic.do(cancel, clinic.alice, Cancel(appointment_id=new.id, version=new.version))
    await calendar_server.keep(calendar_in((await post.mails())["appointment.cancelled"]))
    (kept,) = await calendar_server.events()
    assert kept["STATUS"] == "CANCELLED"
