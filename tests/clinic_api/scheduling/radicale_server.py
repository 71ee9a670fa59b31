"""Radicale, a calendar server that is not ours, on a free port, and a small client of it (CalDAV).

Radicale reads events with vobject; it computes itself which lie in a range of time.
"""

from __future__ import annotations

import threading
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from aiohttp import ClientSession
from icalendar import Calendar
from radicale import config
from radicale.app import Application

CALENDAR = "/alice/calendar"
ALICE = {"Authorization": "Basic YWxpY2U6YW55"}  # alice:any
_DATA = "{urn:ietf:params:xml:ns:caldav}calendar-data"
_QUERY = """<?xml version="1.0"?>
<c:calendar-query xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav">
<d:prop><c:calendar-data/></d:prop>
<c:filter><c:comp-filter name="VCALENDAR"><c:comp-filter name="VEVENT">{narrow}</c:comp-filter>
</c:comp-filter></c:filter></c:calendar-query>"""
_RANGE = '<c:time-range start="{start:%Y%m%dT%H%M%SZ}" end="{end:%Y%m%dT%H%M%SZ}"/>'


class CalendarServer:
    """Alice's calendar there."""

    def __init__(self, http: ClientSession) -> None:
        self._http = http

    async def keep(self, calendar: Any) -> None:
        """What a program does with an invitation: the event under its UID, without the method."""
        stored: Any = Calendar.from_ical(calendar.to_ical())
        del stored["METHOD"]
        (event,) = stored.events
        url = f"{CALENDAR}/{event['UID']}.ics"
        headers = {"Content-Type": "text/calendar; charset=utf-8"}
        async with self._http.put(url, data=stored.to_ical(), headers=headers) as answer:
            assert answer.status in {201, 204}, await answer.text()

    async def begins_within(self, start: datetime, length: timedelta) -> int:
        """How many events overlap that range, by the server's own reading."""
        end = (start + length).astimezone(UTC)
        return len(await self._report(_RANGE.format(start=start.astimezone(UTC), end=end)))

    async def events(self) -> list[Any]:
        return [event for each in await self._report("") for event in each.events]

    async def make(self) -> None:
        async with self._http.request("MKCALENDAR", CALENDAR) as answer:
            assert answer.status == 201, await answer.text()

    async def _report(self, narrow: str) -> list[Any]:
        body = _QUERY.format(narrow=narrow)
        headers = {"Content-Type": "application/xml", "Depth": "1"}
        async with self._http.request("REPORT", CALENDAR, data=body, headers=headers) as answer:
            text = await answer.text()
            assert answer.status == 207, text
        found = ET.fromstring(text).iter(_DATA)
        return [Calendar.from_ical(each.text or "") for each in found]


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[CalendarServer]:
    """A server with an empty calendar of Alice's."""
    settings: dict[str, dict[str, Any]] = {
        "auth": {"type": "none"},
        "storage": {"filesystem_folder": str(folder)},
        "logging": {"level": "error"},
    }
    configuration = config.load()
    configuration.update(settings, "test")
    server = make_server("127.0.0.1", 0, Application(configuration), handler_class=_Quiet)
    serving = threading.Thread(target=server.serve_forever, args=(0.02,))
    serving.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}"
        async with ClientSession(url, headers=ALICE) as http:
            calendar = CalendarServer(http)
            await calendar.make()
            yield calendar
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Nothing on the test's output."""
