"""The walk: every route × everybody, started from what is served and from the services' registry.

The table of actions is read here once more, independently of the guard: who is told what has to
follow from it, whatever else is wrong with the request.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest
import sqlalchemy as sa
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer

from clinic_api import api
from clinic_api.actions import ACTIONS
from clinic_api.audit.store import AUDIT
from clinic_api.auth import session_store
from clinic_api.auth.authentication import authenticator
from clinic_api.db import Database
from clinic_api.directory.relations import of_user
from clinic_api.http.examples import example_of
from clinic_api.http.route import Route
from clinic_api.http.server import API
from clinic_api.ids import new_id
from clinic_api.transaction import Transaction
from clinic_api.visits.joining import participant_actor
from tests.clinic_api.files.samples import pdf
from tests.clinic_api.http.cast import Client
from tests.clinic_api.http.conftest import UNLIMITED, bare_app
from tests.clinic_api.http.world import ROLES, Person, World, a_clinic
from tests.clinic_api.records.cast import form

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::aiohttp.web.NotAppKeyWarning"),
]

PEOPLE = (*ROLES, "sam", "program", "stranger")
ENDS_SESSION = "account.sign_out"
NOT_SIGNED_IN = {"stranger": "sign_in_needed", "una": "second_factor_needed",
                 "ena": "enrolment_needed"}  # fmt: skip
ROLE_CODES = {*NOT_SIGNED_IN.values(), "not_allowed", "step_up_needed"}
# The audit stands below people and knows of no patients: it shows an empty log of nobody.
EMPTY = "GET /patients/{patient_id}/access-log"
NAMES = ("address", "slug")  # parameters that are no ids: pages that everybody may know


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


def allowed(person: Person, route: Route) -> bool:
    """By the table: some role or kind of the person is in its row."""
    if person.scopes is not None and route.action not in person.scopes:
        return False
    return bool(person.held & ACTIONS[route.action].grants.keys())


def served(person: Person, route: Route) -> bool:
    """A browser whose person may not is served as a stranger is, where strangers may."""
    as_stranger = "stranger" in ACTIONS[route.action].grants
    by_cookie = "Authorization" not in person.headers
    return allowed(person, route) or (as_stranger and by_cookie)


def relations(person: Person, route: Route) -> set[str]:
    grants = ACTIONS[route.action].grants
    return {relation for name, relation in grants.items() if name in person.held}


def in_order() -> list[Route]:
    return sorted(api.ROUTES, key=lambda route: route.action == ENDS_SESSION)


async def send_garbage(client: Client, route: Route, headers: dict[str, str]) -> ClientResponse:
    """A body that is no JSON, and ids that are none."""
    path = API + route.path.translate({ord("{"): None, ord("}"): None})
    return await client.request(route.method, path, data=b"\xff{", headers=headers)


async def code_of(answer: ClientResponse) -> str:
    """The code of a refusal, "" for other answers."""
    if answer.content_type != "application/problem+json":
        return ""
    return str((await answer.json(content_type=None))["code"])


async def refusals(database: Database) -> list[tuple[str, str]]:
    """Action and object of every refused attempt, oldest first."""
    wanted = sa.select(AUDIT.c.action, AUDIT.c.object_id).where(AUDIT.c.outcome == "refused")

    def rows(tx: Transaction) -> list[tuple[str, str]]:
        return [(row.action, row.object_id) for row in tx.all(wanted.order_by(AUDIT.c.seq))]

    return await database.read(rows)


@pytest.mark.parametrize("who", PEOPLE)
async def test_the_table_decides_before_anything_else_is_looked_at(
    client: Client, world: World, sqlite_database: Database, who: str
) -> None:
    person, wrong, refused = world.people[who], [], []
    garbage = {"Content-Type": "text/plain", "If-Match": "x", "Idempotency-Key": "a b"}
    for route in in_order():
        answer = await send_garbage(client, route, garbage | person.headers)
        code = await code_of(answer)
        if answer.status >= 500:
            wrong.append(f"{route}: {answer.status}")
        elif served(person, route):
            wrong += [f"{route}: {code}, but the table allows it"] if code in ROLE_CODES else []
        else:
            refused.append(route.action)
            expected = NOT_SIGNED_IN.get(who, "not_allowed")
            wrong += [f"{route}: {code or answer.status}"] if code != expected else []
    assert not wrong, "\n".join(wrong)
    in_audit = [action for action, _ in await refusals(sqlite_database)]
    assert [action for action in in_audit if action in refused] == refused


@pytest.mark.parametrize("who", ["ada", "bob", "carol"])
async def test_what_needs_a_fresh_second_factor_says_so_first(
    client: Client, world: World, sqlite_database: Database, who: str
) -> None:
    await sqlite_database.write(
        lambda tx: tx.sql.execute(sa.update(session_store.sessions).values(stepped_up_at=None))
    )
    person = world.people[who]
    for route in api.ROUTES:
        if ACTIONS[route.action].step_up and allowed(person, route):
            answer = await send_garbage(client, route, person.headers)
            assert (await code_of(answer), answer.status) == ("step_up_needed", 401), route


async def ask(client: Client, route: Route, person: Person, ids: dict[str, str]) -> ClientResponse:
    """A request in which everything but whose object it is may be right."""
    path = API + route.path.format_map(ids)
    headers = dict(person.headers)
    if route.needs_version:
        headers["If-Match"] = '"1"'
    if route.before_file is not None:
        return await client.request(route.method, path, data=form(pdf(), "a.pdf"), headers=headers)
    if route.has_body:
        sent = example_of(route.sent)
        return await client.request(route.method, path, json=sent, headers=headers)
    return await client.request(route.method, path, params=needed(route), headers=headers)


def needed(route: Route) -> dict[str, str]:
    """Of the query, what has to be given."""
    fields = msgspec.structs.fields(route.sent)
    return {each.name: str(example_of(each.type)) for each in fields if each.required}


def names_objects(route: Route) -> bool:
    return any(name not in NAMES for name in route.path_fields)


@pytest.mark.parametrize("who", ["charlie", "dora", "ned", "sam"])
async def test_another_persons_object_is_not_there(
    client: Client, world: World, sqlite_database: Database, who: str
) -> None:
    person, wrong, asked = world.people[who], [], 0
    for route in filter(names_objects, api.ROUTES):
        held = relations(person, route)
        if not held or "any" in held:
            continue
        before, asked = len(await refusals(sqlite_database)), asked + 1
        answer = await ask(client, route, person, world.ids)
        code = await code_of(answer)
        tried = (await refusals(sqlite_database))[before:]
        if code != "not_found" or [action for action, _ in tried] != [route.action]:
            wrong.append(f"{route}: {code or answer.status}, audited: {tried}")
    assert asked
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("who", ["ada", "carol", "bob", "alice", "sam"])
async def test_an_object_that_does_not_exist_is_answered_the_same(
    client: Client, world: World, sqlite_database: Database, who: str
) -> None:
    person, wrong = world.people[who], []
    unknown = dict.fromkeys(world.ids, new_id(sqlite_database.now())) | dict.fromkeys(
        NAMES, "nobody"
    )
    for route in api.ROUTES:
        if (
            not route.path_fields
            or not allowed(person, route)
            or (repr(route), who) == (EMPTY, "ada")
        ):
            continue
        before = len(await refusals(sqlite_database))
        code = await code_of(await ask(client, route, person, unknown))
        tried = (await refusals(sqlite_database))[before:]
        if code != "not_found" or [action for action, _ in tried] != [route.action]:
            wrong.append(f"{route}: {code}, audited: {tried}")
    assert not wrong, "\n".join(wrong)
