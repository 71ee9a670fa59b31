"""A visit over the HTTP API, from the doctor's click to the chat, with real requests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from clinic_api import api
from clinic_api.auth.authentication import authenticator
from clinic_api.db import Database
from clinic_api.directory.relations import of_user
from clinic_api.visits.joining import participant_actor
from clinic_api.visits.links import PATH
from tests.clinic_api.http.cast import Client
from tests.clinic_api.http.conftest import UNLIMITED, bare_app
from tests.clinic_api.http.world import World, a_clinic

pytestmark = pytest.mark.filterwarnings("ignore::aiohttp.web.NotAppKeyWarning")
V1 = "/api/v1"


@pytest.fixture
async def client(sqlite_database: Database) -> AsyncIterator[Client]:
    app = bare_app()
    authenticate = authenticator(sqlite_database, of_user, participant_actor)
    api.add_api(app, sqlite_database, authenticate, UNLIMITED)
    async with TestClient(TestServer(app)) as each:
        yield each


@pytest.fixture
async def world(client: Client, sqlite_database: Database) -> World:
    return await a_clinic(sqlite_database, f"http://{client.host}:{client.port}")


async def test_a_patient_comes_by_link_and_sees_the_own_visit_only(
    client: Client, world: World
) -> None:
    bob, charlie = world.people["bob"].headers, world.people["charlie"].headers
    made = await _asked(client, 201, "POST", "/visits", bob, {"name": "Erin", "reason": "cough"})
    token = made["link"]["path"].removeprefix(PATH)
    seen = await _asked(client, 200, "POST", "/links/open", {}, {"token": token})
    assert (seen["state"], seen["practitioner"]) == ("open", "Dr. bob")
    entered = await _asked(client, 200, "POST", "/links/enter", {}, {"token": token})
    assert entered["call_token"]
    erin = {"Authorization": f"Bearer {entered['device']}"}
    visit = f"/visits/{made['id']}"
    own = await _asked(client, 200, "GET", visit, erin)
    assert own["reason"] == "cough"
    queue = await _asked(client, 200, "GET", f"{visit}/queue", erin)
    assert queue["position"] == 1
    where = {"location": "1 rue de Rivoli", "callback": "01 42 68 53 00"}
    said = await _asked(client, 200, "POST", f"{visit}/check-in", erin, where)
    assert said["said"]["answers"]["callback"] == "+33142685300"
    for path in (f"/visits/{world.ids['visit_id']}", "/visits/nonsense"):
        await _asked(client, 404, "GET", path, erin)
    await _asked(client, 404, "GET", visit, charlie)
    await _asked(client, 401, "GET", visit, {})
    ended = await _asked(client, 200, "POST", f"{visit}/end", bob)
    assert ended["state"] == "cancelled"
    await _asked(client, 401, "GET", visit, erin)


async def test_a_second_browser_is_told_what_is_asked_of_it(client: Client, world: World) -> None:
    bob = world.people["bob"].headers
    made = await _asked(client, 201, "POST", "/visits", bob, {"name": "Erin"})
    token = made["link"]["path"].removeprefix(PATH)
    await _asked(client, 200, "POST", "/links/enter", {}, {"token": token})
    refused = await _asked(client, 403, "POST", "/links/enter", {}, {"token": token})
    assert refused["code"] == "confirm_needed"
    wrong = {"token": token, "birth_date": "1999-01-01"}
    refused = await _asked(client, 403, "POST", "/links/enter", {}, wrong)
    assert refused["code"] == "not_confirmed"


async def test_a_record_is_changed_over_the_version_that_was_read(
    client: Client, world: World
) -> None:
    carol = world.people["carol"].headers
    path = f"/patients/{world.ids['patient_id']}"
    change = {"name": "Alice", "phones": ["01 42 68 53 01"]}
    await _asked(client, 428, "PUT", path, carol, change)
    read = await client.get(V1 + path, headers=carol)
    matched = carol | {"If-Match": read.headers["ETag"]}
    changed = await _asked(client, 200, "PUT", path, matched, change)
    assert changed["details"]["phones"] == ["+33142685301"]
    await _asked(client, 412, "PUT", path, matched, change)


async def _asked(
    client: Client,
    status: int,
    method: str,
    path: str,
    headers: dict[str, str],
    body: dict[str, Any] | None = None,
) -> dict[str, Any]:
    answer = await client.request(method, V1 + path, headers=headers, json=body)
    assert answer.status == status, await answer.text()
    return dict(await answer.json())
