"""Serves the routes of the API under /api/v1.

Each request is checked in one order, so that nobody learns anything before it is known who asks:
how often, from which origin, who, whether the role may, which version, which key, and only then the
body. What is refused comes out as a problem; what breaks is for the server's outer layers.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NoReturn

import msgspec
from aiohttp import web

from clinic_api.actions import ACTIONS
from clinic_api.actor import STRANGER, Actor
from clinic_api.db import Database
from clinic_api.errors import Attempt, Refused
from clinic_api.files.disk import disk_of
from clinic_api.guarded import check_at, relations
from clinic_api.http.answering import problem, put_session, reply
from clinic_api.http.authentication import Authenticate, Credentials, client_of, credentials_of
from clinic_api.http.doors import Doors, Rates
from clinic_api.http.downloads import send_file
from clinic_api.http.forms import Patience, open_form
from clinic_api.http.origin import check_origin
from clinic_api.http.reading import body_of, command_of, key_of, versions_of
from clinic_api.http.route import Route
from clinic_api.http.running import Done, Once, carry_out
from clinic_api.http.streams import send_stream
from clinic_api.http.uploads import UPLOADS, Uploads
from clinic_api.transaction import Transaction

API = "/api/v1"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def add_api_routes(
    app: web.Application,
    database: Database,
    authenticate: Authenticate,
    routes: Sequence[Route],
    rates: Rates | None = None,
    clock: Callable[[], float] = time.monotonic,
    patience: Patience | None = None,
) -> None:
    """Adds every route; refusals of the router under /api/v1 become problems too."""
    app.middlewares.append(router_problems)
    app[UPLOADS] = Uploads(database, patience)
    doors = Doors(rates or Rates(), clock)
    for route in routes:
        handle = Endpoint(route, database, authenticate, doors).handle
        app.router.add_route(route.method, API + route.path, handle)
        if route.method == "GET":
            app.router.add_route("HEAD", API + route.path, handle)


@web.middleware
async def router_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Unknown addresses and methods under /api/v1, in the API's own words."""
    if not request.path.startswith(f"{API}/"):
        return await handler(request)
    try:
        return await handler(request)
    except web.HTTPMethodNotAllowed as refusal:
        answer = problem(Refused("no_such_method"))
        answer.headers["Allow"] = ", ".join(sorted(refusal.allowed_methods))
        return answer
    except web.HTTPNotFound:
        return problem(Refused("not_found"))


class Endpoint:
    """One route, served."""

    def __init__(
        self, route: Route, database: Database, authenticate: Authenticate, doors: Doors
    ) -> None:
        self.route = route
        self._database = database
        self._authenticate = authenticate
        self._doors = doors
        self._rule = ACTIONS[route.action]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        try:
            return await self._answer(request)
        except Refused as refused:
            return problem(refused)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        route = self.route
        self._doors.knock(route, client_of(request))
        credentials = credentials_of(request)
        check_origin(request, credentials)
        actor = await self._allowed(credentials)
        versions = versions_of(request) if route.needs_version else (None,)
        key = key_of(request) if route.takes_key else None
        if route.before_file is not None:
            return reply(request, (await self._take_file(request, actor, key)).answer)
        if route.gives_file:
            return await self._give_file(request, actor)
        if route.gives_stream:
            return await self._give_stream(request, actor)
        body = await body_of(request, route)
        once = None if key is None else Once(key, _hash_of(request, body))
        commands = [await self._command(request, body, each, actor) for each in versions]
        done = await self._first_that_matches(actor, commands, once)
        response = reply(request, done.answer)
        for token in done.session:
            put_session(response, token)
        return response

    async def _take_file(self, request: web.Request, actor: Actor, key: str | None) -> Done:
        uploads = request.config_dict[UPLOADS]
        with uploads.slot(actor):
            form = await open_form(request, self.route.max_body_bytes, uploads.patience)
            command = await self._command(request, form.fields, None, actor)
            return await uploads.carry_out(self.route, actor, command, form, key)

    async def _give_file(self, request: web.Request, actor: Actor) -> web.StreamResponse:
        command = await self._command(request, b"", None, actor)
        file = await self._database.read(lambda tx: self.route.run(tx, actor, command))
        return await send_file(request, disk_of(self._database), file)

    async def _give_stream(self, request: web.Request, actor: Actor) -> web.StreamResponse:
        command = await self._command(request, await body_of(request, self.route), None, actor)
        return await send_stream(request, await self.route.run(self._database, actor, command))

    async def _first_that_matches(
        self, actor: Actor, commands: Sequence[msgspec.Struct], once: Once | None
    ) -> Done:
        """Carry out the one whose version is the present one. Raises Refused(stale) if none is."""
        *others, last = commands
        for command in others:
            try:
                return await carry_out(self._database, self.route, actor, command, once)
            except Refused as refused:
                if refused.code != "stale":
                    raise
        return await carry_out(self._database, self.route, actor, last, once)

    async def _allowed(self, credentials: Credentials) -> Actor:
        """Who asks, and may by role. Raises Refused, audited.

        Where strangers may, a cookie that is old or whose owner may not does no harm: people sign
        in over the session that has ended.
        """
        stranger = msgspec.structs.replace(STRANGER, client=credentials.client)
        open_to_all = "stranger" in self._rule.grants and credentials.bearer is None
        try:
            actor = await self._actor(credentials, stranger)
        except Refused as refused:
            if open_to_all and refused.code == "sign_in_needed":
                return stranger
            raise
        if open_to_all and not relations(self._rule, actor):
            return stranger
        try:
            check_at(self.route.action, actor, self._database.now())
        except Refused as refused:
            await self._refuse(refused)
        return actor

    async def _actor(self, credentials: Credentials, stranger: Actor) -> Actor:
        if credentials.session is None and credentials.bearer is None:
            return stranger
        return await self._authenticate(credentials)

    async def _command(
        self,
        request: web.Request,
        body: bytes | Mapping[str, str],
        version: int | None,
        actor: Actor,
    ) -> msgspec.Struct:
        """Raises Refused: invalid; not_found, audited, for an id in the path that is none."""
        try:
            return command_of(request, self.route, body, version)
        except Refused as refused:
            if refused.code != "not_found":
                raise
            tried = Attempt(actor.kind, actor.id, self.route.action, client=actor.client)
            await self._refuse(Refused("not_found", attempt=tried))

    async def _refuse(self, refused: Refused) -> NoReturn:
        """Raise it where its attempt is audited."""

        def work(_tx: Transaction) -> NoReturn:
            raise refused

        await self._database.read(work)


def _hash_of(request: web.Request, body: bytes) -> str:
    """What an Idempotency-Key stands for: the same operation with the same body."""
    about = f"{request.method} {request.rel_url.raw_path_qs}\n".encode()
    return hashlib.sha256(about + body).hexdigest()
