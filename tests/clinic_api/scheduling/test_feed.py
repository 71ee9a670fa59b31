"""Private calendar feeds, asked for over HTTP as calendar programs do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer
from icalendar import Calendar

from clinic_api import api
from clinic_api.audit.store import AUDIT
from clinic_api.auth import store as users
from clinic_api.auth.authentication import authenticator
from clinic_api.db import Database
from clinic_api.directory.proxies import GrantProxy, grant_proxy
from clinic_api.directory.relation_store import proxies
from clinic_api.directory.relations import of_user
from clinic_api.http.rate import Rate
from clinic_api.scheduling.ending import Cancel, cancel
from clinic_api.scheduling.feed import initials
from clinic_api.scheduling.store import find
from clinic_api.transaction import Transaction
from clinic_api.visits.joining import participant_actor
from tests.clinic_api.conftest import Clock
from tests.clinic_api.http.cast import Client
from tests.clinic_api.http.conftest import UNLIMITED, bare_app
from tests.clinic_api.http.world import CONSOLE, World, a_clinic
from web.calendar_feed import add_calendar_feeds

pytestmark = pytest.mark.filterwarnings("ignore::aiohttp.web.NotAppKeyWarning")
MINE = "/api/v1/account/calendar"
BURST = 20


class Server(msgspec.Struct, frozen=True):
    """The API and the feeds, with everybody of the world."""

    client: Client
    database: Database
    world: World

    async def renew(self, who: str, **more: Any) -> str:
        """The path of somebody's new feed."""
        answer = await self.ask("POST", who, json=more)
        assert answer.status == 201, await answer.text()
        return str(urlsplit((await answer.json())["url"]).path)

    async def ask(self, method: str, who: str, **more: Any) -> ClientResponse:
        """An operation on somebody's own feed."""
        headers = self.world.people[who].headers | more.pop("headers", {})
        return await self.client.request(method, MINE, headers=headers, **more)

    async def get(self, path: str, etag: str = "") -> ClientResponse:
        """As a program does: without a cookie."""
        self.client.session.cookie_jar.clear()
        return await self.client.get(path, headers={"If-None-Match": etag} if etag else {})

    async def events(self, path: str) -> list[Any]:
        answer = await self.get(path)
        assert (answer.status, answer.content_type) == (200, "text/calendar")
        return list(Calendar.from_ical(await answer.text()).events)

    async def noted(self) -> list[str]:
        """Whose appointments programs have seen, by the audit."""

        def look(tx: Transaction) -> list[str]:
            seen = AUDIT.select().where(
                AUDIT.c.action == "calendar.follow", AUDIT.c.outcome == "done"
            )
            return [row.patient_id for row in tx.sql.execute(seen.order_by(AUDIT.c.seq))]

        return await self.database.read(look)


async def opened(database: Database, clock: Clock) -> AsyncIterator[Server]:
    app = bare_app()
    authenticate = authenticator(database, of_user, participant_actor)
    api.add_api(app, database, authenticate, UNLIMITED)
    add_calendar_feeds(app, database, Rate(burst=BURST, per_s=1), clock)
    async with TestClient(TestServer(app)) as client:
        world = await a_clinic(database, f"http://{client.host}:{client.port}")
        yield Server(client, database, world)


@pytest.fixture
async def server(sqlite_database: Database, clock: Clock) -> AsyncIterator[Server]:
    async for each in opened(sqlite_database, clock):
        yield each


@pytest.fixture
async def server_on_both(database: Database, clock: Clock) -> AsyncIterator[Server]:
    async for each in opened(database, clock):
        yield each


async def test_a_patients_feed_shows_their_appointments_and_nothing_of_health(
    server_on_both: Server,
) -> None:
    server = server_on_both
    path = await server.renew("alice")
    (event,) = await server.events(path)
    booked = await server.database.read(lambda tx: find(tx, server.world.ids["appointment_id"]))
    assert booked is not None
    assert (event.start, event.end) == (booked.starts_at, booked.ends_at)
    assert event["SUMMARY"] == "Appointment with Example Clinic"
    said = await (await server.get(path)).text()
    secrets = ("bob", "alice", "Follow-up", "urgent", booked.id, booked.patient_id)
    assert [word for word in secrets if word.lower() in said.lower()] == []


@pytest.mark.parametrize("who", ["charlie", "dora", "carol"])
async def test_who_has_no_appointment_sees_none(server: Server, who: str) -> None:
    assert await server.events(await server.renew(who)) == []


async def test_a_doctors_feed_names_patients_only_as_far_as_the_doctor_says(
    server_on_both: Server,
) -> None:
    server = server_on_both
    path = await server.renew("bob")
    titles = [(await server.events(path))[0]["SUMMARY"]]
    for version, names in (("1", "initials"), ("2", "name")):
        changed = {"json": {"names": names}, "headers": {"If-Match": f'"{version}"'}}
        answer = await server.ask("PUT", "bob", **changed)
        assert answer.status == 200, await answer.text()
        titles.append((await server.events(path))[0]["SUMMARY"])
    assert titles == ["Visit", "Visit: a.", "Visit: alice"]
    alice = server.world.ids["patient_id"]
    assert await server.noted() == ["", alice, alice]


@pytest.mark.parametrize(
    ("name", "short"), [("Alice Example", "A. E."), ("محمد علي", "م. ع."), ("", "")]
)
def test_initials(name: str, short: str) -> None:
    assert initials(name) == short


async def test_what_a_program_has_already_is_not_sent_again(server: Server) -> None:
    path = await server.renew("alice")
    first = await server.get(path)
    again = await server.get(path, first.headers["ETag"])
    assert (again.status, await again.read()) == (304, b"")
    assert await server.noted() == [server.world.ids["patient_id"]]
    await server.database.write(lambda tx: _cancel(tx, server.world.ids["appointment_id"]))
    after = await server.get(path, first.headers["ETag"])
    assert after.status == 200
    assert "BEGIN:VEVENT" not in await after.text()


def _cancel(tx: Transaction, appointment_id: str) -> None:
    found = find(tx, appointment_id)
    assert found is not None
    cancel(tx, CONSOLE, Cancel(appointment_id=found.id, version=found.version))


async def test_a_new_address_ends_the_one_before(server: Server) -> None:
    old = await server.renew("alice")
    new = await server.renew("alice")
    assert old != new
    assert [(await server.get(path)).status for path in (old, new)] == [404, 200]


async def test_a_withdrawn_feed_is_gone_and_its_address_never_comes_back(server: Server) -> None:
    path = await server.renew("alice")
    assert (await server.ask("DELETE", "alice")).status == 204
    assert (await server.get(path)).status == 404
    assert (await (await server.ask("GET", "alice")).json())["url"] == ""
    assert (await server.ask("DELETE", "alice")).status == 404
    assert await server.renew("alice") != path
    assert (await server.get(path)).status == 404


async def test_one_who_may_not_sign_in_any_more_has_no_feed(server: Server) -> None:
    path = await server.renew("bob")
    bob = server.world.ids["user_id"]
    await server.database.write(lambda tx: users.change_user(tx, CONSOLE, bob, state="disabled"))
    assert (await server.get(path)).status == 404


async def test_an_address_that_is_not_quite_right_opens_nothing(server: Server) -> None:
    path = await server.renew("alice")
    token = path.removeprefix("/calendar/").removesuffix(".ics")
    head, _, mac = token.partition("-")
    other = "A" if mac[0] != "A" else "B"
    wrong = [head, f"{head}-", f"{head}-{other}{mac[1:]}", f"{'0' * 32}-{mac}", "%00", "é" * 500]
    for each in wrong:
        answer = await server.get(f"/calendar/{each}.ics")
        assert answer.status == 404, each
    assert await server.noted() == []


async def test_who_acts_for_a_patient_sees_the_patients_appointments(server: Server) -> None:
    path = await server.renew("charlie", names="name")
    await server.database.write(lambda tx: _ward(tx, server))
    (event,) = await server.events(path)
    assert event["SUMMARY"] == "Appointment with Example Clinic: alice"


def _ward(tx: Transaction, server: Server) -> None:
    grant = GrantProxy(patient_id=server.world.ids["patient_id"], name="Charlie")
    charlie = users.user_by_login(tx, "charlie-1")
    assert charlie is not None
    made = grant_proxy(tx, CONSOLE, grant)
    tx.update(proxies, CONSOLE, made.id, user_id=charlie.id)


async def test_a_feed_goes_a_month_back_and_a_year_ahead(server: Server, clock: Clock) -> None:
    path = await server.renew("alice")
    booked = await server.database.read(lambda tx: find(tx, server.world.ids["appointment_id"]))
    assert booked is not None
    shown = []
    for at in (-timedelta(days=366), -timedelta(days=364), timedelta(days=29), timedelta(days=31)):
        _set(clock, booked.starts_at + at)
        shown.append(len(await server.events(path)))
    assert shown == [0, 1, 1, 0]


def _set(clock: Clock, at: datetime) -> None:
    clock.now_s = at.timestamp()


async def test_who_asks_too_often_is_told_when_to_come_back(server: Server, clock: Clock) -> None:
    statuses = [(await server.get("/calendar/x.ics")).status for _ in range(BURST + 1)]
    assert statuses == [404] * BURST + [429]
    clock.advance(5.0)
    assert (await server.get("/calendar/x.ics")).status == 404
