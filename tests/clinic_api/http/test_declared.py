"""Nothing is served and nothing is done that is not declared, from the built app and the registry.

What is served beyond the API is listed here, with who is let in: whoever adds a page adds a line.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import FunctionType, ModuleType
from typing import get_args, get_origin, get_type_hints

import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request, Response

import clinic_api
import telemed_media
import web
from clinic_api import api
from clinic_api.actions import ACTIONS
from clinic_api.auth.session_store import shown_by_token
from clinic_api.db import Database
from clinic_api.guarded import REGISTRY
from clinic_api.http.origin import is_own_page
from clinic_api.http.route import WithSession
from clinic_api.http.server import API
from signaling.core.settings import CallSettings
from signaling.shell.calls import CallControl
from signaling.shell.clock import steady_clock
from signaling.shell.ids import RandomIds
from signaling.shell.store import Store
from telemed_media.bootstrap import build_app
from telemed_media.configuration import FrontConfiguration
from telemed_media.gate import ClinicGate, ClinicVisitLog
from telemed_media.health import Health
from tests.clinic_api.http.cast import Client
from tests.clinic_api.http.world import World, a_clinic
from tests.signaling.shell.plane import FakePlane

pytestmark = pytest.mark.filterwarnings("ignore::aiohttp.web.NotAppKeyWarning")

# everybody: nothing of a person is behind it; secret: whoever has a link, a code, a token or a
# password; tools: operators; else the action of the table that decides.
SERVED: dict[str, str] = {
    "GET /": "everybody",
    "GET /join": "everybody",
    "GET /static/{path}": "everybody",
    "GET /favicon.ico": "everybody",
    "GET /manifest.webmanifest": "everybody",
    "GET /calendar/{token}.ics": "secret",
    "GET /openapi.json": "everybody",
    "GET /docs/api": "everybody",
    "GET /healthz": "tools",
    "GET /readyz": "tools",
    "GET /metrics": "tools",
    "POST /join/open": "secret",
    "POST /join/exchange": "secret",
    "GET /signal": "secret",
    "* /whip/{room}": "secret",
    "* /whip/{room}/{session}": "secret",
    "* /whep/{room}": "secret",
    "* /whep/{room}/{session}": "secret",
    "GET /set-up": "secret",
    "POST /set-up": "secret",
    "GET /sign-in": "secret",
    "POST /sign-in": "secret",
    "GET /sign-in/code": "secret",
    "POST /sign-in/code": "secret",
    "GET /forgot": "everybody",
    "POST /forgot": "everybody",
    "GET /activate": "secret",
    "POST /activate": "secret",
    "GET /reset": "secret",
    "POST /reset": "secret",
    "GET /verify": "secret",
    "POST /verify": "secret",
    "GET /code": "secret",
    "POST /code": "secret",
    "GET /lost-link": "everybody",
    "POST /lost-link": "everybody",
    "GET /register": "everybody",
    "POST /register": "everybody",
    "GET /claim": "patient.claim",
    "POST /claim": "patient.claim",
    "POST /sign-out": "account.sign_out",
    "GET /account": "account.read",
    "POST /account/password": "account.change",
    "GET /account/factor": "account.enrol_factor",
    "POST /account/factor/begin": "account.enrol_factor",
    "POST /account/factor/confirm": "account.enrol_factor",
    "POST /account/recovery-codes": "account.change_factor",
    "POST /account/sessions/{session_id}/end": "account.end_session",
    "GET /visits": "visit.list",
    "POST /visits/new": "visit.create",
    "GET /visits/{visit_id}": "visit.read",
    "GET /visits/{visit_id}/link": "visit.show_link",
    "GET /visits/{visit_id}/call": "visit.enter",
    "POST /visits/{visit_id}/end": "visit.end",
    "POST /visits/{visit_id}/seats/{participant_id}/link": "visit.show_link",
    "POST /visits/{visit_id}/seats/{participant_id}/renew": "visit.renew_link",
    "POST /visits/{visit_id}/seats/{participant_id}/revoke": "visit.revoke",
    "GET /patients": "patient.search",
    "POST /patients/search": "patient.search",
    "GET /patients/new": "patient.create",
    "POST /patients/new": "patient.create",
    "GET /patients/{patient_id}": "patient.read",
    "GET /patients/{patient_id}/edit": "patient.change",
    "POST /patients/{patient_id}/edit": "patient.change",
    "GET /messages": "outbox.list",
    "POST /messages/{message_id}/show": "outbox.show",
    "POST /messages/{message_id}/retry": "outbox.retry",
    "POST /messages/{message_id}/withdraw": "outbox.withdraw",
    "GET /audit": "audit.read",
    "POST /audit/verify": "audit.verify",
    "GET /users": "user.list",
    "POST /users/new": "user.create",
    "GET /users/{user_id}": "user.read",
    "POST /users/{user_id}/code": "user.issue_code",
    "POST /users/{user_id}/disable": "user.disable",
    "POST /users/{user_id}/enable": "user.enable",
}
OWN = {"GET /visits", "POST /visits/new"}  # whoever may come here sees and makes their own
FORM = {"GET /claim", "POST /claim"}  # for whoever is signed in; it says itself why not
GUARDED = {route: action for route, action in SERVED.items() if action in ACTIONS}

# Functions on transactions that the outermost layer may call although they are not services: the
# readiness probe, and the two by which authentication itself finds out who asks.
UNGUARDED = {
    "clinic_api.organisation.store.organisation",
    "clinic_api.directory.relations.of_user",
    "clinic_api.visits.joining.participant_actor",
}


@pytest.fixture
async def front(sqlite_database: Database, tmp_path: Path) -> AsyncIterator[Application]:
    """The whole app as the front serves it; only the media plane is not there."""
    given = FrontConfiguration(
        ready_pipe=0,
        arrivals=-1,
        worker_socket_path="",
        data=str(tmp_path),
        demo=False,
        public_url="https://call.clinic.example",
        certificate="",
        key="",
        local_names=None,
        trusted_proxies=(),
    )
    store = await Store.open(tmp_path / "calls.sqlite")
    calls = CallControl(
        FakePlane(),
        ClinicGate(sqlite_database),
        ClinicVisitLog(sqlite_database),
        store,
        CallSettings(),
        steady_clock(),
        RandomIds(),
        is_own_page,
    )
    yield build_app(given, Health({}, _no_metrics, "token"), calls, sqlite_database)
    await calls.close()
    await store.close()


async def _no_metrics() -> bytes:
    return b""


@pytest.fixture
async def client(front: Application) -> AsyncIterator[Client]:
    async with TestClient(TestServer(front)) as each:
        yield each


@pytest.fixture
async def world(client: Client, sqlite_database: Database) -> World:
    return await a_clinic(sqlite_database, f"http://{client.host}:{client.port}")


def served(app: Application) -> set[str]:
    """Method and path of everything on the router; HEAD goes with GET."""
    return {
        f"{'GET' if route.method == 'HEAD' else route.method} "
        f"{route.resource.canonical if route.resource else '?'}"
        for route in app.router.routes()
    }


def declared() -> set[str]:
    return {f"{route.method} {API}{route.path}" for route in api.ROUTES} | SERVED.keys()


async def test_the_app_serves_what_is_declared_and_nothing_else(front: Application) -> None:
    assert served(front) == declared()


async def test_a_route_that_nobody_declared_is_found(sqlite_database: Database) -> None:
    async def handle(_request: Request) -> Response:
        raise NotImplementedError

    app = Application()
    app.router.add_get("/api/v1/patients-by-the-back-door", handle)
    assert served(app) - declared() == {"GET /api/v1/patients-by-the-back-door"}


# pages


@pytest.mark.parametrize("route", GUARDED)
async def test_strangers_are_shown_the_way_to_sign_in(client: Client, route: str) -> None:
    method, path = route.split(" ")
    path = path.translate({ord("{"): None, ord("}"): None})
    answer = await client.request(method, path, allow_redirects=False)
    assert (answer.status, answer.headers["Location"][:8]) == (303, "/sign-in")


@pytest.mark.parametrize("who", ["charlie", "bill", "dora"])
async def test_pages_show_nothing_that_the_table_denies(
    client: Client, world: World, sqlite_database: Database, who: str
) -> None:
    person, wrong = world.people[who], []
    csrf = await _csrf(sqlite_database, world, who)
    for route, action in GUARDED.items():
        grants = ACTIONS[action].grants
        relations = {grants[name] for name in person.held & grants.keys()}
        if relations & {"any", "self"} or (relations and route in OWN) or route in FORM:
            continue
        method, path = route.split(" ")
        answer = await client.request(
            method,
            path.format_map(world.ids),
            data={"csrf": csrf, **FILLED} if method == "POST" else None,
            headers=person.headers,
            allow_redirects=False,
        )
        if answer.status != (404 if relations else 403):
            wrong.append(f"{route}: {answer.status} {answer.headers.get('Location', '')}")
    assert not wrong, "\n".join(wrong)


FILLED = {"name": "Mallory", "birth_date": "1980-05-17"}  # what some forms need


async def _csrf(database: Database, world: World, who: str) -> str:
    """The token of the forms on the pages of somebody's session."""
    token = world.people[who].headers["Cookie"].partition("=")[2]
    found = await database.read(lambda tx: shown_by_token(tx, token))
    assert found is not None
    return database.keys.token("csrf", found.session.id)


def test_what_needs_a_fresh_code_is_posted_so_that_it_is_asked_for_in_the_middle() -> None:
    stepping = {route for route, action in GUARDED.items() if ACTIONS[action].step_up}
    assert stepping
    assert [route for route in stepping if not route.startswith("POST ")] == []


# services


def modules(package: ModuleType) -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not found.name.endswith((".__main__", ".env")):  # programs
            yield importlib.import_module(found.name)


def name_of(function: FunctionType) -> str:
    plain = inspect.unwrap(function)
    return f"{plain.__module__}.{plain.__qualname__}"


def first_parameters(function: FunctionType) -> list[str]:
    return list(inspect.signature(inspect.unwrap(function)).parameters)[:3]


def own_functions(module: ModuleType) -> Iterator[FunctionType]:
    for each in vars(module).values():
        if isinstance(each, FunctionType) and inspect.unwrap(each).__module__ == module.__name__:
            yield each


def unguarded_services(module: ModuleType) -> set[str]:
    """Public functions with a service's signature that declare no action."""
    return {
        name_of(each)
        for each in own_functions(module)
        if not each.__name__.startswith("_")
        and first_parameters(each) == ["tx", "actor", "command"]
        and name_of(each) not in REGISTRY
    }


def test_every_service_declares_its_action() -> None:
    for module in modules(clinic_api):
        assert unguarded_services(module) == set()
    assert len(REGISTRY) > len(api.ROUTES)


def test_a_service_that_declares_no_action_is_found() -> None:
    module = ModuleType("clinic_api.back_door")

    def read_everything(tx: object, actor: object, command: object) -> None:
        raise NotImplementedError

    read_everything.__module__ = module.__name__
    module.__dict__["read_everything"] = read_everything
    assert len(unguarded_services(module)) == 1


def used_by(module: ModuleType) -> Iterator[FunctionType]:
    """Functions of the clinic that a module imports, by themselves or with their module."""
    for name, each in vars(module).items():
        if isinstance(each, FunctionType):
            yield each
        elif isinstance(each, ModuleType) and each.__name__.startswith("clinic_api."):
            used = re.findall(rf"\b{name}\.(\w+)", inspect.getsource(module))
            yield from (
                vars(each)[one] for one in used if isinstance(vars(each).get(one), FunctionType)
            )


def test_pages_and_processes_enter_the_clinic_by_services_only() -> None:
    entered = {
        name_of(each)
        for package in (web, telemed_media)
        for module in modules(package)
        for each in used_by(module)
        if name_of(each).startswith("clinic_api.") and first_parameters(each)[:1] == ["tx"]
    }
    assert entered - REGISTRY.keys() == UNGUARDED
    assert len(entered) > len(UNGUARDED)


def test_each_route_takes_and_gives_what_its_service_does() -> None:
    for route in api.ROUTES:
        hints = get_type_hints(route.run)
        parameter = list(inspect.signature(route.run).parameters)[2]
        assert hints[parameter] is route.command, route
        given = hints["return"]
        result = get_args(given)[0] if get_origin(given) is WithSession else given
        assert result == (route.result or type(None)), route
