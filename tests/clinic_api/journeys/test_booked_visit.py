"""From the booking to the survey, over HTTP, with call control's own words in between."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from clinic_api import api
from clinic_api.auth.authentication import authenticator
from clinic_api.db import Database
from clinic_api.directory.relations import of_user
from clinic_api.visits.joining import participant_actor
from clinic_api.visits.links import PATH
from telemed_media.gate import ClinicGate
from tests.clinic_api.conftest import Clock
from tests.clinic_api.http.cast import Client
from tests.clinic_api.http.conftest import UNLIMITED, bare_app
from tests.clinic_api.http.world import World, a_clinic

pytestmark = pytest.mark.filterwarnings("ignore::aiohttp.web.NotAppKeyWarning")
V1 = "/api/v1"
FORM = {
    "name": "Intake",
    "definition": {
        "titles": {"en": "Before the visit"},
        "questions": [
            {"key": "why", "kind": "text", "labels": {"en": "Why?"}, "required": True},
        ],
    },
}


class Desk:
    """Requests by the people of a world."""

    def __init__(self, client: Client, world: World) -> None:
        self.client = client
        self.world = world

    async def asks(
        self, who: str, status: int, method: str, path: str, body: Any = None, version: int = 0
    ) -> Any:
        """`who`: a person of the world, "" for a stranger, else a participant's bearer."""
        headers = dict(self._headers(who))
        if version:
            headers["If-Match"] = f'"{version}"'
        answer = await self.client.request(method, V1 + path, headers=headers, json=body)
        assert answer.status == status, await answer.text()
        return None if status == 204 else await answer.json()

    def _headers(self, who: str) -> dict[str, str]:
        if who in self.world.people:
            return self.world.people[who].headers
        return {"Authorization": f"Bearer {who}"} if who else {}


@pytest.fixture
async def desk(sqlite_database: Database) -> AsyncIterator[Desk]:
    app = bare_app()
    authenticate = authenticator(sqlite_database, of_user, participant_actor)
    api.add_api(app, sqlite_database, authenticate, UNLIMITED)
    async with TestClient(TestServer(app)) as client:
        origin = f"http://{client.host}:{client.port}"
        yield Desk(client, await a_clinic(sqlite_database, origin))


async def test_from_the_booking_to_the_survey(
    desk: Desk, sqlite_database: Database, clock: Clock
) -> None:
    booked = await _booked(desk, sqlite_database)
    visits = await desk.asks("alice", 200, "GET", "/visits")
    visit = next(one for one in visits["items"] if one["appointment_id"] == booked["id"])
    assert (visit["kind"], visit["state"], visit["reason"]) == ("booked", "planned", "A cough")
    place = f"/visits/{visit['id']}"

    intake = await desk.asks("alice", 200, "GET", f"{place}/intake")
    answers = {"answers": {"why": "A cough"}}
    sent = f"{place}/intake/send"
    await desk.asks("alice", 200, "POST", sent, answers, version=intake["version"])
    assert (await desk.asks("bob", 200, "GET", f"{place}/intake"))["answers"] == answers["answers"]

    own = next(one for one in visit["participants"] if one["role"] == "patient")
    seat = f"{place}/participants/{own['id']}"
    token = (await desk.asks("carol", 200, "GET", f"{seat}/link"))["path"].removeprefix(PATH)
    entered = await desk.asks("", 200, "POST", "/links/enter", {"token": token})
    where = {"location": "1 rue de Rivoli", "callback": "01 42 68 53 00"}
    await desk.asks(entered["device"], 200, "POST", f"{place}/check-in", where)

    gate = ClinicGate(sqlite_database)
    alice = await gate.enter(entered["call_token"])
    await gate.joined(alice.room, alice.subject, "a1", clock())
    assert await _state(desk, booked) == "checked_in"
    bob = await gate.enter((await desk.asks("bob", 200, "POST", f"{place}/enter"))["call_token"])
    await gate.joined(bob.room, bob.subject, "b1", clock())
    await gate.admitted(alice.room, alice.subject, "a1", clock())
    assert await _state(desk, booked) == "in_progress"
    clock.advance(12 * 60)
    await gate.left(alice.room, alice.subject, "a1", clock(), "left")
    await gate.ended(bob.room, bob.subject, clock())
    assert await _state(desk, booked) == "fulfilled"

    said = {"technical": 8, "recommend": 10}
    await desk.asks("", 204, "POST", "/links/survey", {"token": token} | said)
    await desk.asks("", 409, "POST", "/links/survey", {"token": token} | said)
    surveys = f"/practitioners/{desk.world.ids['practitioner_id']}/surveys"
    assert (await desk.asks("bob", 200, "GET", surveys))["technical"] is None


async def test_a_service_asks_only_a_form_that_is_there_and_in_use(desk: Desk) -> None:
    unknown = {"name": "Visit", "form_id": desk.world.ids["visit_id"]}
    refused = await desk.asks("ada", 422, "POST", "/services", unknown)
    assert list(refused["fields"]) == ["form_id"]
    await desk.asks("ada", 422, "POST", "/services", {"name": "Visit", "form_required": True})
    form = await desk.asks("ada", 201, "POST", "/forms", FORM)
    path, off = f"/forms/{form['id']}", FORM | {"active": False}
    await desk.asks("ada", 200, "PUT", path, off, version=form["version"])
    await desk.asks("ada", 422, "POST", "/services", {"name": "Visit", "form_id": form["id"]})


async def _booked(desk: Desk, database: Database) -> Any:
    """By Alice herself, for the next time that is free."""
    ids = desk.world.ids
    form = await desk.asks("ada", 201, "POST", "/forms", FORM)
    details = {"name": "Cough", "form_id": form["id"], "form_required": True, "lead_min": 0}
    made = await desk.asks("ada", 201, "POST", "/services", details | {"step_min": 5})
    doctor = ids["practitioner_id"]
    await desk.asks("ada", 201, "POST", f"/services/{made['id']}/practitioners/{doctor}", {})
    today = database.now().date()
    for weekday in range(7):
        hours = {"weekday": weekday, "from_time": "00:00", "until_time": "24:00"}
        hours |= {"valid_from": f"{today - timedelta(days=1)}"}
        await desk.asks("ada", 201, "POST", f"/practitioners/{doctor}/availability/hours", hours)
    asked = f"/slots?service_id={made['id']}&from_day={today}&until_day={today}"
    free = await desk.asks("alice", 200, "GET", asked)
    wanted = {"patient_id": ids["patient_id"], "service_id": made["id"], "reason": "A cough"}
    wanted |= {"practitioner_id": doctor, "starts_at": free["items"][0]["starts_at"]}
    held = await desk.asks("alice", 201, "POST", "/appointments/hold", wanted)
    path = f"/appointments/{held['id']}/confirm"
    return await desk.asks("alice", 200, "POST", path, version=held["version"])


async def _state(desk: Desk, appointment: Any) -> str:
    found = await desk.asks("alice", 200, "GET", f"/appointments/{appointment['id']}")
    return str(found["state"])
