"""An import over HTTP: the file in, the rows to look at, the decisions, the people."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer

from clinic_api.auth.authentication import authenticator
from clinic_api.db import Database
from clinic_api.directory.csv_sheet import NOT_UTF_8
from clinic_api.directory.import_store import imports
from clinic_api.directory.relations import of_user
from clinic_api.directory.routes import ROUTES
from clinic_api.http.server import API, add_api_routes
from clinic_api.opening import Place
from clinic_api.visits.joining import participant_actor
from tests.clinic_api.http.cast import Client
from tests.clinic_api.http.conftest import UNLIMITED, bare_app
from tests.clinic_api.http.world import World, a_clinic
from tests.clinic_api.records.cast import form, on_disk

IMPORTS = f"{API}/imports"
FILE = "\ufeffname\tbirth date\tphone\r\nAlice\t17.05.1980\t\r\n@SUM(A1)\t\t0142685300\r\n".encode()

pytestmark = pytest.mark.filterwarnings("ignore::aiohttp.web.NotAppKeyWarning")


class Office:
    """Ada at her desk."""

    def __init__(self, client: Client, world: World) -> None:
        self.client = client
        self.headers = world.people["ada"].headers
        self.alice = world.ids["patient_id"]

    async def send(self, data: bytes, kind: str = "patients", **more: str) -> ClientResponse:
        headers = {name.replace("_", "-"): value for name, value in more.items()}
        body = form(data, "people.csv", kind=kind)
        return await self.client.post(IMPORTS, data=body, headers=self.headers | headers)

    async def post(self, path: str, body: object) -> ClientResponse:
        return await self.client.post(path, json=body, headers=self.headers)

    async def get(self, path: str) -> ClientResponse:
        return await self.client.get(path, headers=self.headers)


@pytest.fixture
async def office(sqlite_database: Database) -> AsyncIterator[Office]:
    app = bare_app()
    authenticate = authenticator(sqlite_database, of_user, participant_actor)
    add_api_routes(app, sqlite_database, authenticate, ROUTES, UNLIMITED)
    async with TestClient(TestServer(app)) as client:
        origin = f"http://{client.host}:{client.port}"
        yield Office(client, await a_clinic(sqlite_database, origin))


async def test_a_file_is_checked_once_for_its_key_and_applied(office: Office) -> None:
    answer = await office.send(FILE, Idempotency_Key="one")
    assert answer.status == 201, await answer.text()
    made = await answer.json()
    assert (made["rows"], made["wrong"], made["alike"]) == (2, 0, 1)
    assert (await (await office.send(FILE, Idempotency_Key="one")).json())["id"] == made["id"]
    one = f"{IMPORTS}/{made['id']}"
    (row,) = (await (await office.get(f"{one}/rows")).json())["items"]
    assert row["candidates"] == [{"record_id": office.alice, "line": None, "reasons": ["name"]}]
    refused = await office.post(f"{one}/apply", {})
    assert (refused.status, (await refused.json())["fields"]) == (
        422,
        {"decisions": "Please decide on line 2."},
    )
    decisions = [{"line": 2, "action": "skip"}]
    done = await (await office.post(f"{one}/apply", {"decisions": decisions})).json()
    assert (done["state"], done["created"], done["skipped"]) == ("applied", 1, 1)
    found = await (await office.post(f"{API}/patients/search", {"text": "sum"})).json()
    assert [each["name"] for each in found["items"]] == ["@SUM(A1)"]
    assert found["items"][0]["phones"] == ["+33142685300"]


@pytest.mark.parametrize(
    ("data", "code", "said"),
    [
        ("name\nZoë\n".encode("latin-1"), "file_refused", NOT_UTF_8),
        (b"first name\nA\n", "invalid", "There is no column"),
        (b'name\n"A\n', "invalid", "begins in line 2"),
        (b"name\n" + b"A\n" * 10_001, "invalid", "10000 rows"),
        (b"name\n" + b"A" * (5 << 20), "too_large", "5"),
    ],
)
async def test_what_cannot_be_read_says_why_and_leaves_nothing(
    office: Office,
    sqlite_database: Database,
    sqlite_place: Place,
    data: bytes,
    code: str,
    said: str,
) -> None:
    before = await sqlite_database.read(lambda tx: len(tx.all(tx.select(imports))))
    answer = await office.send(data)
    problem = await answer.json()
    assert problem["code"] == code
    assert said in problem["fields"].get("file", problem["detail"])
    assert on_disk(sqlite_place.keys.parent) == []
    assert await sqlite_database.read(lambda tx: len(tx.all(tx.select(imports)))) == before


async def test_rows_come_in_pages_in_the_order_of_the_file(office: Office) -> None:
    made = await (await office.send(b"name,sex\n" + b"A,x\n" * 5)).json()
    path, lines = f"{IMPORTS}/{made['id']}/rows?limit=2", list[int]()
    cursor: str | None = ""
    while cursor is not None:
        page = await (await office.get(f"{path}&cursor={cursor}")).json()
        lines += [row["line"] for row in page["items"]]
        cursor = page["next"]
    assert lines == [2, 3, 4, 5, 6]
    listed = await (await office.get(IMPORTS)).json()
    assert made["id"] in [each["id"] for each in listed["items"]]
